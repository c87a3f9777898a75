"""What can be wrong with a list query; the codes and texts are Flow Service's (14)."""

from forebay.kernel.errors import Disposition, PlatformError


class ListingError(PlatformError):
    """A list query that breaks a rule."""

    status = 400
    title = "Invalid request"
    disposition = Disposition.REJECT


class LimitWithCount(ListingError):
    """Both `limit` and `count=true`."""

    code = "FLOW-1401"


class IncorrectSortOrder(ListingError):
    """A sort field that starts with something other than a sign or a letter."""

    code = "FLOW-1432"


class IncorrectSortField(ListingError):
    """A sort field that the items do not have."""

    code = "FLOW-1433"


class OperatorNotImplemented(ListingError):
    """The operator ``~``."""

    code = "FLOW-1440"


class OperatorForOneValue(ListingError):
    """An operator that compares with one value, and several values."""

    code = "FLOW-1443"


class OperatorNotSupported(ListingError):
    """An operator that the member's type does not have."""

    code = "FLOW-1448"


class InvalidFilterField(ListingError):
    """A filter on a member that the items do not have."""

    code = "FLOW-1449"


class InvalidOperator(ListingError):
    """Signs that are no operator."""

    code = "FLOW-1450"


class InvalidFieldValue(ListingError):
    """A value that the member cannot have."""

    code = "FLOW-1452"


class InvalidQueryValue(ListingError):
    """A parameter that cannot be read at all."""

    code = "FLOW-1453"
