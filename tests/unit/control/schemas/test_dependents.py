"""What may change under data, by whatever way the field comes into the schema."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    FieldGroupIncompatible,
    ResourceInUse,
    TypesInConflict,
)
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.views import View
from forebay.kernel.ids import SandboxId, new_hex
from support.registry import (
    EVENT,
    PERSON_DETAILS,
    PROFILE,
    a_field_group,
    a_schema,
    a_title,
    an_identity,
)
from support.schemas import ACME, ACTOR, a_registry

Node = dict[str, Any]
RECORD = "https://ns.adobe.com/xdm/data/record"
TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"
TAGGED = {"meta:immutableTags": ["union"]}
RAW = View()
FULL = View(is_composed=True)
TEXT = {"type": "string"}
NODE: Node = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": 10, "title": "Text"},
        "must": {"type": "string"},
        "choice": {"type": "string", "enum": ["a", "b"]},
        "number": {"type": "number", "minimum": 0},
        "count": {"type": "integer", "minimum": 0, "maximum": 100},
        "list": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "object": {"type": "object", "properties": {"inner": {"type": "string"}}},
        "open": {"type": "object"},
    },
    "required": ["must"],
}


def at(path: str, **changes: object) -> Callable[[Node], None]:
    """Return a change of the field at a path; None takes a keyword away."""

    def change(node: Node) -> None:
        field = node["properties"]
        *outer, last = path.split("/")
        for name in outer:
            field = field[name]
        field[last] = {
            key: value
            for key, value in {**field.get(last, {}), **changes}.items()
            if value is not None
        }

    return change


def without(name: str) -> Callable[[Node], None]:
    return lambda node: node["properties"].pop(name)


def requiring(*names: str) -> Callable[[Node], None]:
    return lambda node: node.update(required=list(names))


def renamed(old: str, new: str) -> Callable[[Node], None]:
    def change(node: Node) -> None:
        node["properties"][new] = node["properties"].pop(old)

    return change


def with_a_new_demand(node: Node) -> None:
    node["properties"]["fresh"] = {"type": "string"}
    node["required"] = ["must", "fresh"]


BREAKING: dict[str, tuple[Callable[[Node], None], str]] = {
    "remove": (without("text"), "/text would be removed.*xdm:descriptorDeprecated"),
    "rename": (renamed("text", "words"), "/text would be removed"),
    "retype": (at("text", type="number", maxLength=None), "/text .* from string to number; keep"),
    "retype to a date": (at("text", format="date"), "/text .*from string to date"),
    "add a format": (at("text", format="email"), "/text would get the format 'email'"),
    "add a pattern": (at("text", pattern="^a"), "/text would get the pattern"),
    "shorten": (at("text", maxLength=9), "/text would get the maxLength 9; it is 10 now"),
    "lengthen the minimum": (at("text", minLength=1), "/text would get the minLength 1"),
    "fewer values": (at("choice", enum=["a"]), r"/choice would not allow \['b'\] any more"),
    "values of a free text": (at("text", enum=["a"]), "/text would get the enum .*meta:enum"),
    "raise the minimum": (at("number", minimum=1), "/number would get the minimum 1"),
    "lower the maximum": (at("count", maximum=99), "/count would get the maximum 99"),
    "fraction to whole": (at("number", type="integer", minimum=None), "/number .*to integer"),
    "whole to fraction": (at("count", type="number", maximum=None), "/count .*to number"),
    "retype items": (at("list", items={"type": "number"}), r"/list/\* .*to number"),
    "bound items": (at("list", maxItems=3), "/list would get the maxItems 3"),
    "unique items": (at("list", uniqueItems=True), "/list would demand uniqueItems"),
    "retype values": (at("map", additionalProperties={"type": "integer"}), r"/map/\* .*to integer"),
    "map to object": (
        at("map", additionalProperties=None, properties={"a": TEXT}),
        "/map .*from map to object",
    ),
    "remove inside": (at("object/properties", inner=None), "/object/inner would be removed"),
    "close": (at("open", additionalProperties=False), "/open would be closed"),
    "columns of free members": (
        at("open", properties={"a": TEXT}),
        "/open would be kept as an object with fields instead of a json text",
    ),
    "demand": (requiring("must", "text"), "/text would become required; only new fields"),
    "demand inside": (at("object", required=["inner"]), "/object/inner would become required"),
    "alternatives": (at("text", oneOf=[{"maxLength": 1}]), "/text would get the oneOf"),
}
ALLOWED: dict[str, Callable[[Node], None]] = {
    "add a field": at("fresh", type="string"),
    "add an object": at("fresh", type="object", properties={"a": {"type": "integer"}}),
    "add inside": at("object/properties/other", type="string"),
    "add a required field": with_a_new_demand,
    "demand no more": requiring(),
    "retitle": at("text", title="Words", description="of a text"),
    "lengthen": at("text", maxLength=11),
    "any length": at("text", maxLength=None),
    "more values": at("choice", enum=["a", "b", "c"]),
    "any value": at("choice", enum=None),
    "lower the minimum": at("number", minimum=-1),
    "raise the maximum": at("count", maximum=101),
    "a larger integer": at("count", maximum=100_000),
    "no bounds": at("count", minimum=None, maximum=None, **{"meta:xdmType": "long"}),
    "suggest values": at("text", **{"meta:enum": {"a": "A"}}),
    "deprecate": at("text", **{"meta:status": "deprecated"}),
    "a default": at("choice", default="a"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaService]:
    service, store = a_registry(tmp_path_factory.mktemp("dependents"))
    yield service
    store.close()


class Sandbox:
    """The registry as one sandbox sees it that nothing else is in."""

    def __init__(self, service: SchemaService) -> None:
        self.service = service
        self.scope = msgspec.structs.replace(ACME, sandbox_id=SandboxId(new_hex(8)))

    def create(self, kind: ResourceType, body: Node) -> str:
        return str(self.service.create(self.scope, ACTOR, kind, body)["$id"])

    def get(self, kind: ResourceType, resource_id: str, view: View = RAW) -> Node:
        return self.service.get(self.scope, kind, resource_id, view)

    def replace(self, kind: ResourceType, resource_id: str, body: Node) -> Node:
        return self.service.replace(self.scope, ACTOR, kind, resource_id, body)

    def patch(self, kind: ResourceType, resource_id: str, operations: list[Node]) -> Node:
        return self.service.patch(self.scope, ACTOR, kind, resource_id, operations)

    def describe(self, body: Node) -> str:
        return str(self.service.descriptors.create(self.scope, ACTOR, body)["@id"])


@pytest.fixture
def sandbox(opened: SchemaService) -> Sandbox:
    return Sandbox(opened)


class Way:
    """A resource whose change reaches a schema."""

    kind = ResourceType.FIELD_GROUP

    def __init__(self, sandbox: Sandbox, **members: object) -> None:
        self.title = a_title()
        self.resource_id = sandbox.create(self.kind, self.body(copy.deepcopy(NODE)))
        self.schema_id = self.schema(sandbox, **members)

    def body(self, node: Node) -> Node:
        return a_field_group({"_acme": node}) | {"title": self.title}

    def schema(self, sandbox: Sandbox, **members: object) -> str:
        schema = a_schema(PROFILE, self.resource_id, **members)
        return sandbox.create(ResourceType.SCHEMA, schema)


class ThroughDataType(Way):
    kind = ResourceType.DATA_TYPE

    def body(self, node: Node) -> Node:
        return {"title": self.title, **node}

    def schema(self, sandbox: Sandbox, **members: object) -> str:
        fields = {"_acme": {"properties": {"value": {"$ref": self.resource_id}}}}
        group = sandbox.create(ResourceType.FIELD_GROUP, a_field_group(fields))
        return sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, group, **members))


class ThroughItems(ThroughDataType):
    def schema(self, sandbox: Sandbox, **members: object) -> str:
        items = {"type": "array", "items": {"$ref": self.resource_id}}
        fields = {"_acme": {"properties": {"values": items}}}
        group = sandbox.create(ResourceType.FIELD_GROUP, a_field_group(fields))
        return sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, group, **members))


class ThroughClass(Way):
    kind = ResourceType.CLASS

    def body(self, node: Node) -> Node:
        return {"title": self.title, "allOf": [{"$ref": RECORD}], "properties": {"_acme": node}}

    def schema(self, sandbox: Sandbox, **members: object) -> str:
        return sandbox.create(ResourceType.SCHEMA, a_schema(self.resource_id, **members))


class ThroughSchema(Way):
    kind = ResourceType.SCHEMA

    def __init__(self, sandbox: Sandbox, **members: object) -> None:
        self.members = members
        super().__init__(sandbox, **members)

    def body(self, node: Node) -> Node:
        own = {"title": self.title, "properties": {"_acme": node}}
        return a_schema(PROFILE, **self.members) | own

    def schema(self, _sandbox: Sandbox, **_members: object) -> str:
        return self.resource_id


WAYS = [Way, ThroughDataType, ThroughItems, ThroughClass, ThroughSchema]


def replace(sandbox: Sandbox, way: Way, change: Callable[[Node], None]) -> Node:
    node = copy.deepcopy(NODE)
    change(node)
    return sandbox.replace(way.kind, way.resource_id, way.body(node))


@pytest.mark.parametrize("make", WAYS)
@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_refused_and_leaves_nothing_behind(
    sandbox: Sandbox, make: type[Way], name: str
) -> None:
    way = make(sandbox, **TAGGED)
    change, reason = BREAKING[name]
    before = sandbox.get(way.kind, way.resource_id)
    composed = sandbox.get(ResourceType.SCHEMA, way.schema_id, FULL)

    with pytest.raises(BreakingChangeRefused, match=reason):
        replace(sandbox, way, change)

    assert sandbox.get(way.kind, way.resource_id) == before
    assert sandbox.get(ResourceType.SCHEMA, way.schema_id, FULL) == composed


@pytest.mark.parametrize("make", WAYS)
@pytest.mark.parametrize("name", ALLOWED)
def test_additive_change_is_kept(sandbox: Sandbox, make: type[Way], name: str) -> None:
    way = make(sandbox, **TAGGED)

    changed = replace(sandbox, way, ALLOWED[name])

    assert changed["version"] == "1.1"
    assert sandbox.get(way.kind, way.resource_id) == changed


@pytest.mark.parametrize("make", WAYS)
@pytest.mark.parametrize("name", BREAKING)
def test_schema_without_data_may_change_in_any_way(
    sandbox: Sandbox, make: type[Way], name: str
) -> None:
    way = make(sandbox)

    changed = replace(sandbox, way, BREAKING[name][0])

    assert changed["version"] == "1.1"


def test_refusal_names_the_first_reasons_and_counts_the_rest(sandbox: Sandbox) -> None:
    way = Way(sandbox, **TAGGED)

    with pytest.raises(BreakingChangeRefused, match=r"/count would be removed.*and 4 more"):
        replace(sandbox, way, lambda node: node.update(properties={"fresh": TEXT}, required=[]))


def test_class_of_a_schema_stays(sandbox: Sandbox) -> None:
    schema = sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, **TAGGED))
    other = a_schema(EVENT, **TAGGED)

    with pytest.raises(BreakingChangeRefused, match="a schema keeps its class"):
        sandbox.replace(ResourceType.SCHEMA, schema, other)


def test_class_in_use_keeps_its_behavior(sandbox: Sandbox) -> None:
    way = ThroughClass(sandbox)
    body = way.body(NODE) | {"allOf": [{"$ref": TIME_SERIES}]}

    with pytest.raises(BreakingChangeRefused, match=r"would change its behavior from .*record to"):
        sandbox.replace(ResourceType.CLASS, way.resource_id, body)


def test_field_group_stays_meant_for_the_classes_it_is_used_with(sandbox: Sandbox) -> None:
    way = Way(sandbox)
    body = way.body(NODE) | {"meta:intendedToExtend": [EVENT]}

    with pytest.raises(FieldGroupIncompatible, match=r"does not extend the class .*profile"):
        sandbox.replace(ResourceType.FIELD_GROUP, way.resource_id, body)


def test_parts_of_a_schema_may_not_contradict_each_other(sandbox: Sandbox) -> None:
    groups = [
        sandbox.create(ResourceType.FIELD_GROUP, a_field_group({"_acme": {"properties": {"a": f}}}))
        for f in ({"type": "string"}, {"type": "number"})
    ]

    with pytest.raises(TypesInConflict, match=r"/_acme/a is of type string in .* number in"):
        sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, *groups))


def test_field_group_may_not_retype_a_standard_field(sandbox: Sandbox) -> None:
    below = {"properties": {"_acme": {"properties": {"a": TEXT}}}}
    fields = {"person": {"properties": {"birthDate": {"type": "object", **below}}}}
    group = sandbox.create(ResourceType.FIELD_GROUP, a_field_group(fields))

    with pytest.raises(TypesInConflict, match=r"/person/birthDate is of type date in .* object"):
        sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, PERSON_DETAILS, group))


def test_change_that_would_contradict_another_part_is_refused(sandbox: Sandbox) -> None:
    first = Way(sandbox)
    other = sandbox.create(
        ResourceType.FIELD_GROUP, a_field_group({"_acme": {"properties": {"b": TEXT}}})
    )
    sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, first.resource_id, other))

    with pytest.raises(TypesInConflict, match="/_acme/b"):
        replace(sandbox, first, at("b", type="number"))


def test_lineage_of_dependents_follows_a_change(sandbox: Sandbox) -> None:
    fields = {"_acme": {"properties": {"a": TEXT}}}
    outer = sandbox.create(ResourceType.FIELD_GROUP, a_field_group(fields))
    schema = sandbox.create(ResourceType.SCHEMA, a_schema(PROFILE, outer))

    patch = [{"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON_DETAILS}}]
    sandbox.patch(ResourceType.FIELD_GROUP, outer, patch)

    shown = sandbox.get(ResourceType.SCHEMA, schema)
    assert shown["meta:extends"].index(PERSON_DETAILS) == shown["meta:extends"].index(outer) + 1
    assert shown["version"] == "1.0"


def test_schema_that_a_relationship_leads_to_is_in_use(sandbox: Sandbox) -> None:
    source = sandbox.create(ResourceType.SCHEMA, a_schema())
    destination = sandbox.create(ResourceType.SCHEMA, a_schema())
    relationship = {
        "@type": "xdm:descriptorOneToOne",
        "xdm:sourceSchema": source,
        "xdm:sourceProperty": "/personID",
        "xdm:destinationSchema": destination,
    }
    descriptor = sandbox.describe(relationship)

    with pytest.raises(ResourceInUse, match=descriptor):
        sandbox.service.delete(sandbox.scope, ACTOR, ResourceType.SCHEMA, destination)


def test_primary_identity_of_a_schema_in_profile_stays(sandbox: Sandbox) -> None:
    schema = sandbox.create(ResourceType.SCHEMA, a_schema(**TAGGED))
    descriptor = sandbox.describe(an_identity(schema))
    other = an_identity(schema, "/personID")
    second = sandbox.describe(other | {"xdm:isPrimary": False})

    with pytest.raises(BreakingChangeRefused, match="primary identity stays"):
        sandbox.service.descriptors.delete(sandbox.scope, descriptor)
    with pytest.raises(BreakingChangeRefused, match="primary identity stays"):
        sandbox.service.descriptors.replace(sandbox.scope, ACTOR, descriptor, other)

    sandbox.service.descriptors.delete(sandbox.scope, second)
    assert (
        sandbox.service.descriptors.get(sandbox.scope, descriptor)["xdm:sourceProperty"]
        == "/workEmail/address"
    )


def test_change_that_changes_nothing_makes_no_version(sandbox: Sandbox) -> None:
    way = Way(sandbox)
    before = sandbox.get(way.kind, way.resource_id)

    replaced = replace(sandbox, way, lambda _: None)
    patched = sandbox.patch(way.kind, way.resource_id, [])
    taken_back = sandbox.replace(way.kind, way.resource_id, before)

    assert replaced == patched == taken_back == before
    assert before["version"] == "1.0"
    assert before["meta:registryMetadata"]["meta:usageCount"] == 1
