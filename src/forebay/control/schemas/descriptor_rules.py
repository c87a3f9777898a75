"""
What a descriptor of each type has to say, and about which fields (1.8).

`content_of` judges the body alone; `check` what it says about the schema it belongs to. What a
type does not know is kept as it came: descriptors carry members of later releases.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.errors import (
    DescriptorInvalid,
    RelationshipNamespacesDiffer,
    RelationshipWithoutReference,
)
from forebay.control.schemas.model import DEPRECATED, DISPLAY_INFO, IDENTITY, StoredDescriptor
from forebay.control.schemas.structure import check_depth
from forebay.control.schemas.views import field_at
from forebay.control.scope import Scope
from forebay.xdm.strict import find_field

Document = dict[str, Any]

ONE_TO_ONE = "xdm:descriptorOneToOne"
REFERENCE = "xdm:descriptorReferenceIdentity"
PRIMARY_KEY = "xdm:descriptorPrimaryKey"
TIMESTAMP = "xdm:descriptorTimestamp"
GRANULARITY = "xdm:descriptorTimeSeriesGranularity"

OWNED_MEMBERS = frozenset(
    {
        "@id",
        "created",
        "createdClient",
        "createdUser",
        "imsOrg",
        "meta:containerId",
        "meta:sandboxId",
        "meta:sandboxType",
        "updated",
        "updatedUser",
        "version",
    }
)
"""Members that the registry writes; what a client sends for them is ignored."""

_UNPREFIXED = frozenset(
    {
        "sourceSchema",
        "sourceVersion",
        "sourceProperty",
        "destinationSchema",
        "destinationVersion",
        "destinationProperty",
        "namespace",
        "property",
        "isPrimary",
        "identityNamespace",
        "cardinality",
    }
)
"""Members that are also taken without ``xdm:``, as one of Adobe's own examples sends them."""

_DEPTH_MAX = 8
_PATHS_MAX = 1_000
_PATH_LENGTH_MAX = 4_000
_CARDINALITIES = ("1:1", "1:0", "M:1", "M:0")
_DISPLAY_MEMBERS = (
    "xdm:title",
    "xdm:description",
    "xdm:note",
    "meta:enum",
    "xdm:excludeMetaEnum",
)


def content_of(body: object) -> Document:
    """
    Return the client's part of a descriptor, with the prefixes that names have.

    Raises:
        DescriptorInvalid: It cannot be a descriptor, whatever its schema.
    """
    if not isinstance(body, dict):
        raise DescriptorInvalid("The body must be one JSON object that describes the descriptor")
    check_depth(body, depth_max=_DEPTH_MAX)
    content = {
        f"xdm:{name}" if name in _UNPREFIXED else name: value
        for name, value in body.items()
        if name not in OWNED_MEMBERS
    }
    kind = content.get("@type")
    if not isinstance(kind, str) or kind not in _RULES:
        raise DescriptorInvalid(f"@type is {kind!r}; expected one of {', '.join(sorted(_RULES))}")
    if not isinstance(content.get("xdm:sourceSchema"), str):
        raise DescriptorInvalid("xdm:sourceSchema must be the $id of a schema")
    _check_version(content, "xdm:sourceVersion")
    if kind != GRANULARITY:
        paths_of(content)
    return content


def paths_of(content: Mapping[str, Any]) -> list[str]:
    """
    Return the paths of the fields that a descriptor is about.

    Raises:
        DescriptorInvalid: One of them is no path, or there are several where there may be one.
    """
    value = content.get("xdm:sourceProperty")
    if not isinstance(value, list):
        return [check_path("xdm:sourceProperty", value)]
    if content["@type"] not in _SEVERAL:
        raise DescriptorInvalid(
            f"xdm:sourceProperty of {content['@type']} must be one path; a list is possible for "
            f"{' and '.join(sorted(_SEVERAL))}"
        )
    if not 1 <= len(value) <= _PATHS_MAX:
        raise DescriptorInvalid(
            f"xdm:sourceProperty has {len(value)} paths; expected 1 to {_PATHS_MAX}"
        )
    return [check_path("xdm:sourceProperty", path) for path in value]


def check_path(member: str, path: object) -> str:
    """
    Return a path of field names as it is.

    Raises:
        DescriptorInvalid: It is none; the message says how a path is written.
    """
    is_short = isinstance(path, str) and len(path) <= _PATH_LENGTH_MAX
    if isinstance(path, str) and is_short and path.startswith("/") and not path.endswith("/"):
        return path
    raise DescriptorInvalid(
        f"{member} is {path!r:.200}; expected a path of field names that begins "
        "with a slash and does not end with one: /workEmail/address"
    )


def check(content: Document, composed: Mapping[str, Any]) -> None:
    """
    Refuse a descriptor that its schema does not allow; complete what clients leave out.

    Raises:
        DescriptorInvalid: A member is missing or wrong, or a field is not there.
    """
    fields = {}
    for path in [] if content["@type"] == GRANULARITY else paths_of(content):
        field = field_at(composed, path)
        if field is None:
            hint = "; paths name fields only, without properties" if "/properties/" in path else ""
            raise DescriptorInvalid(
                f"xdm:sourceProperty {path} is not a field of {content['xdm:sourceSchema']}{hint}"
            )
        fields[path] = field
    _RULES[content["@type"]](content, composed, fields)


def check_is_only_primary(
    content: Document, others: list[StoredDescriptor], own_id: str | None
) -> None:
    """
    Refuse a second primary identity.

    Raises:
        DescriptorInvalid: The schema has one already, and it is not `own_id`.
    """
    for other in others:
        if other.document.get("xdm:isPrimary") is True and other.descriptor_id != own_id:
            raise DescriptorInvalid(
                f"{content['xdm:sourceSchema']} already has the primary identity "
                f"{other.document['xdm:sourceProperty']} ({other.descriptor_id}); a schema has one"
            )


def check_union_relationships(connection: sa.Connection, scope: Scope, schema_id: str) -> None:
    """
    Refuse relationships that Profile could not follow (1.4): those of a schema in a union.

    Raises:
        RelationshipWithoutReference: The field of a one-to-one relationship has no reference
            identity descriptor.
        RelationshipNamespacesDiffer: The field names identities of another namespace than the
            primary identity of the schema it leads to.
    """
    kept = [item.document for item in store.list_descriptors(connection, scope, schema_id)]
    references = {
        item["xdm:sourceProperty"]: item["xdm:identityNamespace"]
        for item in kept
        if item["@type"] == REFERENCE
    }
    for relationship in kept:
        if relationship["@type"] != ONE_TO_ONE:
            continue
        path, destination = (
            relationship["xdm:sourceProperty"],
            relationship["xdm:destinationSchema"],
        )
        if path not in references:
            raise RelationshipWithoutReference(
                f"{path} of {schema_id} leads to {destination} without a reference identity; "
                f"a descriptor {REFERENCE} for {path} is needed before the schema can take part "
                "in Profile"
            )
        for other in store.list_descriptors(connection, scope, destination):
            namespace = other.document.get("xdm:namespace")
            is_primary = other.document.get("xdm:isPrimary") is True
            if is_primary and _plain(namespace) != _plain(references[path]):
                raise RelationshipNamespacesDiffer(
                    f"{path} of {schema_id} refers to identities of the namespace "
                    f"{references[path]}, but the primary identity of {destination} is of "
                    f"{namespace}; both must be of one namespace"
                )


def _plain(namespace: object) -> str:
    return str(namespace).lower()  # codes are the same whatever their case


def _check_version(content: Document, member: str) -> None:
    version = content.setdefault(member, 1)
    if isinstance(version, bool) or not isinstance(version, int | float) or version != 1:
        raise DescriptorInvalid(f"{member} is {version!r:.80}; the only major version is 1")


def _identity(content: Document, composed: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    path = content["xdm:sourceProperty"]
    if path == "/_id":
        raise DescriptorInvalid("xdm:sourceProperty is /_id; a record's own id is no identity")
    field = find_field(composed, path)
    if field is None:
        raise DescriptorInvalid(
            f"xdm:sourceProperty {path} lies in a list or a map; an identity is a single field"
        )
    _check_is_text("xdm:sourceProperty", path, field, "can be an identity")
    _check_namespace("xdm:namespace", content.get("xdm:namespace"))
    if content.setdefault("xdm:property", "xdm:code") not in ("xdm:code", "xdm:id"):
        raise DescriptorInvalid(
            f"xdm:property is {content['xdm:property']!r}; expected xdm:code or xdm:id"
        )
    if not isinstance(content.setdefault("xdm:isPrimary", False), bool):
        raise DescriptorInvalid(
            f"xdm:isPrimary is {content['xdm:isPrimary']!r}; expected true or false"
        )


def _reference(content: Document, _: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for path, field in fields.items():
        _check_is_text("xdm:sourceProperty", path, field, "can refer to an identity")
    _check_namespace("xdm:identityNamespace", content.get("xdm:identityNamespace"))


def _display_info(content: Document, _: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    if not any(member in content for member in _DISPLAY_MEMBERS):
        raise DescriptorInvalid(
            f"nothing is displayed differently; expected one of {', '.join(_DISPLAY_MEMBERS)}"
        )
    for member in _DISPLAY_MEMBERS[:4]:
        value = content.get(member, {})
        is_right = isinstance(value, dict) and all(isinstance(t, str) for t in value.values())
        if not is_right:
            form = "texts by value" if member == "meta:enum" else '{"en_us": "a text"}'
            raise DescriptorInvalid(f"{member} is {value!r:.80}; expected {form}")
    for path, field in fields.items():
        if content.get("meta:enum"):
            _check_is_text("xdm:sourceProperty", path, field, "has suggested values")


def _relationship(content: Document, _: Mapping[str, Any], __: Mapping[str, Any]) -> None:
    if not isinstance(content.get("xdm:destinationSchema"), str):
        raise DescriptorInvalid(
            "xdm:destinationSchema must be the $id of the schema that the field leads to"
        )
    _check_version(content, "xdm:destinationVersion")
    if content.get("xdm:destinationProperty") is not None:
        check_path("xdm:destinationProperty", content["xdm:destinationProperty"])


def _many_relationship(
    content: Document, composed: Mapping[str, Any], fields: Mapping[str, Any]
) -> None:
    _relationship(content, composed, fields)
    cardinality = content.get("xdm:cardinality")
    if cardinality not in _CARDINALITIES:
        raise DescriptorInvalid(
            f"xdm:cardinality is {cardinality!r:.80}; expected one of {', '.join(_CARDINALITIES)}"
        )


def _required(content: Document, composed: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for path, field in fields.items():
        if not _is_required(composed, path):
            raise DescriptorInvalid(
                f"xdm:sourceProperty {path} is optional; {content['@type']} needs a field that "
                "is required, and so is every object around it"
            )
        if content["@type"] == TIMESTAMP and field.get("format") != "date-time":
            raise DescriptorInvalid(
                f"xdm:sourceProperty {path} is of type {field.get('meta:xdmType')}; "
                f"{TIMESTAMP} needs a date-time"
            )


def _granularity(content: Document, _: Mapping[str, Any], __: Mapping[str, Any]) -> None:
    for member, example in (("xdm:granularity", "day"), ("xdm:ianaTimezone", "UTC")):
        value = content.get(member)
        if not isinstance(value, str) or not value.strip():
            raise DescriptorInvalid(f"{member} is {value!r:.80}; expected a text such as {example}")


def _label(content: Document, _: Mapping[str, Any], __: Mapping[str, Any]) -> None:
    # The public Python client writes the member in the singular.
    labels = content.setdefault("xdm:labels", content.pop("xdm:label", None))
    is_right = isinstance(labels, list) and all(isinstance(x, str) and x.strip() for x in labels)
    if not is_right or not labels:
        raise DescriptorInvalid(
            f"xdm:labels is {labels!r:.80}; expected a list of labels such as C1"
        )


def _nothing(_: Document, __: Mapping[str, Any], ___: Mapping[str, Any]) -> None:
    """Fields that exist are all that this type needs."""


def _check_is_text(member: str, path: str, field: Mapping[str, Any], use: str) -> None:
    if field.get("type") != "string":
        raise DescriptorInvalid(
            f"{member} {path} is of type {field.get('type')}; only a string {use}"
        )


def _check_namespace(member: str, namespace: object) -> None:
    is_text = isinstance(namespace, str) and namespace.strip() != ""
    if not is_text and (isinstance(namespace, bool) or not isinstance(namespace, int)):
        raise DescriptorInvalid(f"{member} must be the code or the id of a namespace")


def _is_required(composed: Mapping[str, Any], path: str) -> bool:
    node = composed
    for name in path.strip("/").split("/"):
        if name not in node.get("required", ()) or name not in node.get("properties", {}):
            return False
        node = node["properties"][name]
    return True


_Rule = Callable[[Document, Mapping[str, Any], Mapping[str, Any]], None]
_RULES: dict[str, _Rule] = {
    IDENTITY: _identity,
    DISPLAY_INFO: _display_info,
    DEPRECATED: _nothing,
    "xdm:descriptorLabel": _label,
    "xdm:descriptorManyToMany": _relationship,
    "xdm:descriptorOneToMany": _relationship,
    ONE_TO_ONE: _relationship,
    PRIMARY_KEY: _nothing,
    REFERENCE: _reference,
    "xdm:descriptorRelationship": _many_relationship,
    GRANULARITY: _granularity,
    TIMESTAMP: _required,
    "xdm:descriptorVersion": _required,
}
_SEVERAL = frozenset({DEPRECATED, PRIMARY_KEY})
