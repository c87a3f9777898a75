"""What Catalog refuses. Adobe publishes no codes of its own here; ours start with ``CAT``."""

from forebay.kernel.errors import Disposition, PlatformError


class CatalogError(PlatformError):
    """A request that Catalog refuses; the family of all errors here."""

    status = 400
    disposition = Disposition.REJECT


class DatasetNotFound(CatalogError):
    """No such dataset in this organization and sandbox."""

    code = "CAT-1404"
    status = 404
    title = "Dataset not found"


class DatasetInvalid(CatalogError):
    """The body is not a dataset, or not a change of one."""

    code = "CAT-1400"
    title = "Dataset invalid"


class DatasetSchemaInvalid(CatalogError):
    """The schema that a dataset names does not exist, or cannot do what the tags ask."""

    code = "CAT-1401"
    title = "Schema of the dataset invalid"


class CatalogQueryInvalid(CatalogError):
    """A query parameter cannot be understood."""

    code = "CAT-1402"
    title = "Query parameter invalid"


class DatasetChanged(CatalogError):
    """The dataset is not in the state that If-Match names."""

    code = "CAT-1412"
    status = 412
    title = "Dataset changed"
