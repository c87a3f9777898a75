"""
What the Schema Registry refuses.

Codes that start with ``XDM`` are Adobe's published ones (schema-catalog-profile, 1.4); where
Adobe publishes none, the code is ours and starts with ``REG``.
"""

from forebay.control.schemas.model import ResourceType
from forebay.kernel.errors import Disposition, PlatformError


class RegistryError(PlatformError):
    """A request that the registry refuses; the family of all errors here."""

    status = 400
    disposition = Disposition.REJECT


class ResourceNotFound(RegistryError):
    """No such resource in this organization and sandbox; the family of the errors by type."""

    status = 404
    title = "Resource not found"


class ClassNotFound(ResourceNotFound):
    """No such class."""

    code = "XDM-1010"


class DataTypeNotFound(ResourceNotFound):
    """No such data type."""

    code = "XDM-1011"


class SchemaNotFound(ResourceNotFound):
    """No such schema."""

    code = "XDM-1012"


class FieldGroupNotFound(ResourceNotFound):
    """No such field group."""

    code = "XDM-1013"


class UnionNotFound(ResourceNotFound):
    """No schema of the class takes part in Profile, so that there is no union of it."""

    code = "XDM-1014"


class DescriptorNotFound(ResourceNotFound):
    """No such descriptor."""

    code = "XDM-1015"


class BehaviorNotFound(ResourceNotFound):
    """No such behavior."""

    code = "XDM-1016"


class FieldNamespaceInvalid(RegistryError):
    """A custom field lies outside the tenant's namespace."""

    code = "XDM-1020"
    title = "Namespace validation error"


class FieldNameInvalid(RegistryError):
    """A field has a name that XDM does not allow."""

    code = "XDM-1021"
    title = "Namespace validation error"


class TypesInConflict(RegistryError):
    """Two parts of a schema, or two members of a union, declare a path with different types."""

    code = "XDM-1413"
    title = "Merge Schema Error"


class TitleNotUnique(RegistryError):
    """Another resource of the tenant has the same title."""

    code = "XDM-1521"
    title = "Title not unique"


class UnionError(RegistryError):
    """A schema is not ready for the union of its class; the family of the reasons."""

    title = "Union descriptor validation error"


class RelationshipWithoutReference(UnionError):
    """A field of a schema in Profile leads to another schema without a reference identity."""

    code = "XDM-1526"


class RelationshipNamespacesDiffer(UnionError):
    """The two sides of a relationship are identified in different namespaces."""

    code = "XDM-1527"


class UnionIdentityMissing(UnionError):
    """A schema cannot join the union without a primary identity or an identity map."""

    code = "XDM-1528"


class ImportFailed(RegistryError):
    """An import in which one resource cannot be kept; none of the others is either."""

    code = "XDM-3005"
    title = "Import Resource Failed"


class ResourceInvalid(RegistryError):
    """The body is not a resource of this type."""

    code = "REG-4001"
    title = "Resource invalid"


class FieldGroupIncompatible(RegistryError):
    """A field group does not extend the schema's class."""

    code = "REG-4002"
    title = "Field group incompatible"


class BreakingChangeRefused(RegistryError):
    """The change would invalidate what a dataset holds."""

    code = "REG-4003"
    title = "Breaking change refused"


class ResourceInUse(RegistryError):
    """Something else depends on the resource."""

    code = "REG-4004"
    title = "Resource in use"


class DescriptorInvalid(RegistryError):
    """The body is not a descriptor that the schema allows."""

    code = "REG-4005"
    title = "Descriptor invalid"


class PatchInvalid(RegistryError):
    """A JSON Patch that cannot be applied."""

    code = "REG-4006"
    title = "Patch invalid"


class ListingInvalid(RegistryError):
    """A listing's filter, order or page cannot be understood."""

    code = "REG-4007"
    title = "Listing parameters invalid"


class UnionReadOnly(RegistryError):
    """A union was to be written; it follows from its members."""

    code = "REG-4008"
    status = 405
    title = "Union is read-only"


class TooMuchAtOnce(RegistryError):
    """What was asked for would keep everybody else from changing anything for too long."""

    code = "REG-4009"
    title = "Too much at once"


class AnyNotFound(ResourceNotFound):
    """No resource of any type has this id."""

    code = "REG-4041"


class VersionNotFound(ResourceNotFound):
    """The resource has no such version, or does not keep it any more."""

    code = "REG-4042"
    title = "Version not found"


_NOT_FOUND: dict[ResourceType, type[ResourceNotFound]] = {
    ResourceType.SCHEMA: SchemaNotFound,
    ResourceType.FIELD_GROUP: FieldGroupNotFound,
    ResourceType.CLASS: ClassNotFound,
    ResourceType.DATA_TYPE: DataTypeNotFound,
    ResourceType.BEHAVIOR: BehaviorNotFound,
    ResourceType.UNION: UnionNotFound,
}


def not_found(resource_type: ResourceType, resource_id: str) -> ResourceNotFound:
    """Return the error for a missing resource; a foreign one answers the same."""
    name = resource_type.display_name
    return _NOT_FOUND[resource_type](
        f"The requested {name} resource {resource_id} with version 1 is not found."
    )
