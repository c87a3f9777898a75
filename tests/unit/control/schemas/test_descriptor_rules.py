"""Descriptors of every type: what they need, and what the schema has to allow."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from forebay.control.schemas.errors import (
    DescriptorInvalid,
    RegistryError,
    RelationshipNamespacesDiffer,
    RelationshipWithoutReference,
)
from forebay.control.schemas.listing import Query
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.views import View
from forebay.control.scope import Scope
from forebay.kernel.ids import SandboxId, new_hex
from support.registry import PROFILE, a_field_group, a_schema, an_identity
from support.schemas import ACME, ACTOR, a_registry

Document = dict[str, Any]

TEXT = {"type": "string"}
FIELDS = {
    "key": TEXT,
    "code": {**TEXT, "meta:enum": {"a": "A", "b": "B"}},
    "at": {"type": "string", "format": "date-time"},
    "count": {"type": "integer"},
    "optional": TEXT,
    "list": {"type": "array", "items": {"type": "object", "properties": {"inner": TEXT}}},
}
KEY = "/_acme/key"
OF_OTHER = {"xdm:destinationSchema": "DESTINATION"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaService]:
    opened, store = a_registry(tmp_path_factory.mktemp("descriptors"))
    yield opened
    store.close()


class Registry:
    """A sandbox with a schema and another one that it may lead to."""

    def __init__(self, service: SchemaService) -> None:
        self.service = service
        self.scope: Scope = msgspec.structs.replace(ACME, sandbox_id=SandboxId(new_hex(8)))
        node = {"type": "object", "properties": FIELDS, "required": ["key", "at"]}
        self.group = self.create(ResourceType.FIELD_GROUP, a_field_group({"_acme": node}))
        self.source = self.create(ResourceType.SCHEMA, a_schema(PROFILE, self.group))
        self.destination = self.create(ResourceType.SCHEMA, a_schema(PROFILE, self.group))

    def create(self, kind: ResourceType, body: Document) -> str:
        return str(self.service.create(self.scope, ACTOR, kind, body)["$id"])

    def describe(self, kind: str, path: object = "/_acme/key", **members: Any) -> Document:
        """Create a descriptor; other members have no prefix unless they are given one."""
        body: Document = {"@type": kind, "xdm:sourceSchema": self.source}
        named = {"xdm:sourceProperty": path} if path is not None else {}
        body |= named | members
        if body.get("xdm:destinationSchema") == "DESTINATION":
            body["xdm:destinationSchema"] = self.destination
        return self.service.descriptors.create(self.scope, ACTOR, body)

    def shown(self, view: View) -> Document:
        return self.service.get(self.scope, ResourceType.SCHEMA, self.source, view)

    def tag(self) -> None:
        patch = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
        self.service.patch(self.scope, ACTOR, ResourceType.SCHEMA, self.source, patch)


@pytest.fixture
def registry(service: SchemaService) -> Registry:
    return Registry(service)


@pytest.mark.parametrize(
    ("kind", "path", "members"),
    [
        ("xdm:descriptorIdentity", "/_acme/key", {"xdm:namespace": "Email"}),
        ("xdm:descriptorIdentity", "/_acme/key", {"namespace": 6, "property": "xdm:id"}),
        ("xdm:alternateDisplayInfo", "/_acme/key", {"xdm:title": {"en_us": "Key"}}),
        ("xdm:alternateDisplayInfo", "/_acme/list/inner", {"xdm:note": {"en_us": ""}}),
        ("xdm:alternateDisplayInfo", "/_acme/code", {"meta:enum": {"c": "C"}}),
        ("xdm:alternateDisplayInfo", "/_acme/code", {"xdm:excludeMetaEnum": {"a": "A"}}),
        ("xdm:descriptorOneToOne", "/_acme/key", OF_OTHER),
        (
            "xdm:descriptorOneToOne",
            "/_acme/key",
            {**OF_OTHER, "xdm:destinationVersion": 1, "xdm:destinationProperty": "/_acme/key"},
        ),
        ("xdm:descriptorReferenceIdentity", "/_acme/key", {"xdm:identityNamespace": "Email"}),
        ("xdm:descriptorRelationship", "/_acme/key", {**OF_OTHER, "xdm:cardinality": "M:1"}),
        ("xdm:descriptorDeprecated", "/_acme/list", {}),
        ("xdm:descriptorDeprecated", ["/_acme/list", "/_acme/key"], {}),
        ("xdm:descriptorPrimaryKey", ["/_acme/key", "/_acme/at"], {}),
        ("xdm:descriptorVersion", "/_acme/key", {}),
        ("xdm:descriptorTimestamp", "/_acme/at", {}),
        (
            "xdm:descriptorTimeSeriesGranularity",
            None,
            {"xdm:granularity": "hour", "xdm:ianaTimezone": "UTC"},
        ),
        ("xdm:descriptorLabel", "/_acme/key", {"xdm:labels": ["C1"]}),
        ("xdm:descriptorLabel", "/_acme/key", {"xdm:label": ["C1"]}),
        ("xdm:descriptorOneToMany", "/_acme/key", OF_OTHER),
        ("xdm:descriptorManyToMany", "/_acme/key", OF_OTHER),
    ],
)
def test_descriptor_of_every_type_is_kept(
    registry: Registry, kind: str, path: object, members: Document
) -> None:
    created = registry.describe(kind, path, **members)

    found = registry.service.descriptors.get(registry.scope, created["@id"])
    assert created.items() <= found.items()
    assert created["@type"] == kind
    assert created["xdm:sourceVersion"] == 1


@pytest.mark.parametrize(
    ("kind", "path", "members", "reason"),
    [
        ("xdm:descriptorIdentity", "/_acme/count", {"xdm:namespace": "E"}, "only a string can be"),
        ("xdm:descriptorIdentity", "/_acme/list/inner", {"xdm:namespace": "E"}, "in a list"),
        ("xdm:descriptorIdentity", "/_id", {"xdm:namespace": "E"}, "own id is no identity"),
        ("xdm:descriptorIdentity", ["/_acme/key"], {"xdm:namespace": "E"}, "must be one path"),
        ("xdm:descriptorIdentity", "/_acme/key", {}, "xdm:namespace must be"),
        ("xdm:descriptorIdentity", None, {"xdm:namespace": "E"}, "begins with a slash"),
        ("xdm:alternateDisplayInfo", "/_acme/key", {}, "nothing is displayed differently"),
        ("xdm:alternateDisplayInfo", "/_acme/key", {"xdm:title": "Key"}, "en_us"),
        ("xdm:alternateDisplayInfo", "/_acme/no", {"xdm:title": {"en_us": "K"}}, "not a field"),
        ("xdm:alternateDisplayInfo", "/_acme/count", {"meta:enum": {"1": "x"}}, "only a string"),
        ("xdm:descriptorOneToOne", "/_acme/key", {}, "xdm:destinationSchema must be"),
        ("xdm:descriptorOneToOne", "/_acme/key", {"xdm:destinationSchema": "x"}, "does not exist"),
        (
            "xdm:descriptorOneToOne",
            "/_acme/key",
            {"xdm:destinationSchema": PROFILE},
            "not a schema",
        ),
        (
            "xdm:descriptorOneToOne",
            "/_acme/key",
            {**OF_OTHER, "xdm:destinationProperty": "/_acme/no"},
            "xdm:destinationProperty /_acme/no is not a field",
        ),
        (
            "xdm:descriptorOneToOne",
            "/_acme/key",
            {**OF_OTHER, "xdm:destinationVersion": 2},
            "only major version is 1",
        ),
        ("xdm:descriptorReferenceIdentity", "/_acme/key", {}, "xdm:identityNamespace must be"),
        (
            "xdm:descriptorReferenceIdentity",
            "/_acme/count",
            {"xdm:identityNamespace": "Email"},
            "only a string can refer",
        ),
        (
            "xdm:descriptorRelationship",
            "/_acme/key",
            {**OF_OTHER, "xdm:cardinality": "N:M"},
            "expected one of 1:1, 1:0, M:1, M:0",
        ),
        ("xdm:descriptorDeprecated", ["/_acme/key", "/_acme/no"], {}, "/_acme/no is not a field"),
        ("xdm:descriptorDeprecated", [], {}, "0 paths"),
        ("xdm:descriptorDeprecated", "/properties/_acme/properties/key", {}, "without properties"),
        ("xdm:descriptorPrimaryKey", ["key"], {}, "begins with a slash"),
        ("xdm:descriptorVersion", "/_acme/optional", {}, "needs a field that is required"),
        ("xdm:descriptorTimestamp", "/_acme/key", {}, "needs a date-time"),
        ("xdm:descriptorTimeSeriesGranularity", None, {}, "xdm:granularity is None"),
        ("xdm:descriptorLabel", "/_acme/key", {"xdm:labels": "C1"}, "list of labels"),
        ("xdm:descriptorLabel", "/_acme/key", {}, "list of labels"),
        ("xdm:descriptorOfNothing", "/_acme/key", {}, "expected one of xdm:alternateDisplayInfo"),
    ],
)
def test_descriptor_that_its_schema_does_not_allow_is_refused(
    registry: Registry, kind: str, path: object, members: Document, reason: str
) -> None:
    with pytest.raises(DescriptorInvalid, match=reason):
        registry.describe(kind, path, **members)

    kept = registry.service.descriptors.list_descriptors(registry.scope, Query())
    assert kept.entries == []


def test_display_information_changes_texts_and_suggested_values(registry: Registry) -> None:
    registry.describe(
        "xdm:alternateDisplayInfo",
        "/_acme/code",
        **{
            "xdm:title": {"en_us": "Colour"},
            "xdm:description": {"en_us": ""},
            "meta:enum": {"c": "C"},
            "xdm:excludeMetaEnum": {"a": "A"},
        },
    )

    plain = registry.shown(View(is_composed=True))["properties"]["_acme"]["properties"]["code"]
    told = registry.shown(View(is_composed=True, has_descriptors=True))
    code = told["properties"]["_acme"]["properties"]["code"]
    assert plain["meta:enum"] == {"a": "A", "b": "B"}
    assert "title" not in plain
    assert code["title"] == "Colour"
    assert code["meta:enum"] == {"b": "B", "c": "C"}


def test_deprecated_field_is_hidden_and_stays_valid(registry: Registry) -> None:
    registry.describe("xdm:descriptorDeprecated", ["/_acme/code", "/_acme/list/inner"])

    full = registry.shown(View(is_composed=True))["properties"]["_acme"]["properties"]
    shown = registry.shown(View(is_composed=True, has_deprecated_fields=True))
    rules = registry.service.validation_document(registry.scope, registry.source)
    assert "code" not in full
    assert "inner" not in full["list"]["items"].get("properties", {})
    assert shown["properties"]["_acme"]["properties"]["code"]["meta:status"] == "deprecated"
    assert "code" in rules["properties"]["_acme"]["properties"]


def test_primary_identity_makes_its_path_mandatory(registry: Registry) -> None:
    before = registry.service.validation_document(registry.scope, registry.source)
    created = registry.service.descriptors.create(
        registry.scope, ACTOR, an_identity(registry.source, "/_acme/optional")
    )

    rules = registry.service.validation_document(registry.scope, registry.source)
    registry.service.descriptors.delete(registry.scope, created["@id"])

    tenant = rules["properties"]["_acme"]
    assert "_acme" in rules["required"]
    assert tenant["required"] == ["key", "at", "optional"]
    assert tenant["properties"]["optional"]["minLength"] == 1
    assert registry.service.validation_document(registry.scope, registry.source) == before


@pytest.mark.parametrize("kind", ["xdm:descriptorRelationship", "xdm:descriptorOneToOne"])
def test_relationship_shows_in_the_form_with_descriptors(registry: Registry, kind: str) -> None:
    created = registry.describe(kind, "/_acme/key", **{**OF_OTHER, "xdm:cardinality": "M:1"})

    shown = registry.shown(View(is_composed=True, has_descriptors=True))

    assert [item["@id"] for item in shown["meta:descriptors"]] == [created["@id"]]


def test_relationship_of_a_schema_in_profile_needs_a_reference(registry: Registry) -> None:
    registry.service.descriptors.create(registry.scope, ACTOR, an_identity(registry.source, KEY))
    registry.describe("xdm:descriptorOneToOne", "/_acme/optional", **OF_OTHER)

    with pytest.raises(RelationshipWithoutReference, match=r"/_acme/optional of .* without a"):
        registry.tag()
    reference = registry.describe(
        "xdm:descriptorReferenceIdentity", "/_acme/optional", **{"xdm:identityNamespace": "CRM"}
    )
    registry.tag()
    with pytest.raises(RelationshipWithoutReference):
        registry.service.descriptors.delete(registry.scope, reference["@id"])

    assert registry.service.descriptors.get(registry.scope, reference["@id"])


def test_relationship_of_a_schema_in_profile_stays_in_one_namespace(registry: Registry) -> None:
    registry.service.descriptors.create(registry.scope, ACTOR, an_identity(registry.source, KEY))
    registry.service.descriptors.create(
        registry.scope, ACTOR, an_identity(registry.destination, KEY)
    )
    registry.describe("xdm:descriptorOneToOne", "/_acme/optional", **OF_OTHER)
    reference = registry.describe(
        "xdm:descriptorReferenceIdentity", "/_acme/optional", **{"xdm:identityNamespace": "CRM"}
    )

    with pytest.raises(RelationshipNamespacesDiffer, match=r"namespace CRM, but .* of Email"):
        registry.tag()
    body = {**reference, "xdm:identityNamespace": "email"}
    registry.service.descriptors.replace(registry.scope, ACTOR, reference["@id"], body)
    registry.tag()
    with pytest.raises(RegistryError):
        registry.service.descriptors.replace(registry.scope, ACTOR, reference["@id"], reference)

    kept = registry.service.descriptors.get(registry.scope, reference["@id"])
    assert kept["xdm:identityNamespace"] == "email"
