from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from forebay.control.access.service import AccessService
from forebay.control.datasets.service import DatasetService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.schemas.errors import SchemaNotFound, TooMuchAtOnce
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.proposal import (
    Change,
    DescriptorChange,
    Proposal,
    Proposals,
    ResourceChange,
)
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.validation import ValidationDocument
from forebay.control.schemas.views import View
from forebay.control.scope import Scope
from forebay.control.store.engine import WRITE_SECONDS_MAX, ControlStore
from forebay.kernel.clock import SystemClock
from forebay.xdm.standard import StandardLibrary
from support.clocks import HurryingClock
from support.registry import a_dataset, a_field_group, a_schema, an_identity
from support.schemas import ACTOR, RIVAL

STANDARD = StandardLibrary()


class Place(NamedTuple):
    """A sandbox with a schema of a field group, to which a dataset is bound."""

    scope: Scope
    schemas: SchemaService
    proposals: Proposals
    group_id: str
    schema_id: str

    def propose(self, *changes: Change) -> Proposal:
        return self.proposals.propose(self.scope, ACTOR, self.schema_id, changes)

    def rules(self) -> ValidationDocument:
        return self.schemas.validation(self.scope, self.schema_id)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store, clock = ControlStore.at(tmp_path), SystemClock()
    credentials = AccessService(store, clock).ensure_development_organization()
    assert credentials is not None
    scope = SandboxService(store).resolve(credentials.org_id)
    schemas = SchemaService(store, clock, standard=STANDARD)
    fields = {
        f"_{scope.tenant_id}": {
            "type": "object",
            "properties": {"points": {"type": "integer"}, "code": {"type": "string"}},
        }
    }
    group = schemas.create(scope, ACTOR, ResourceType.FIELD_GROUP, a_field_group(fields))
    body = a_schema("https://ns.adobe.com/xdm/context/profile", group["$id"])
    schema = schemas.create(scope, ACTOR, ResourceType.SCHEMA, body)
    DatasetService(store, clock, schemas).create(scope, ACTOR, a_dataset(schema["$id"]))
    yield Place(scope, schemas, Proposals(store, clock, STANDARD), group["$id"], schema["$id"])
    store.close()


def points(place: Place, *, op: str = "add", path: str = "", value: Any = None) -> ResourceChange:
    """Return a patch of the field group's own object."""
    base = f"/definitions/custom/properties/_{place.scope.tenant_id}"
    operation = {"op": op, "path": f"{base}{path}"}
    return ResourceChange(
        resource_id=place.group_id,
        patch=[operation if op == "remove" else operation | {"value": value}],
    )


def own_rules(place: Place, proposal: Proposal) -> dict[str, Any]:
    assert proposal.rules is not None
    found: dict[str, Any] = proposal.rules.document["properties"][f"_{place.scope.tenant_id}"]
    return found


def test_without_changes_the_rules_are_the_present_ones(place: Place) -> None:
    proposal = place.propose()

    assert proposal.rules is not None
    assert proposal.rules.digest == place.rules().digest
    assert proposal.refused == ()


def test_an_allowed_change_is_in_the_rules_and_nowhere_else(place: Place) -> None:
    before = place.rules().digest

    proposal = place.propose(points(place, path="/properties/level", value={"type": "string"}))

    assert "level" in own_rules(place, proposal)["properties"]
    assert proposal.refused == ()
    assert place.rules().digest == before
    view = View(is_composed=False)
    group = place.schemas.get(place.scope, ResourceType.FIELD_GROUP, place.group_id, view)
    assert group["version"] == "1.0"


def test_what_is_refused_for_the_datas_sake_is_tried_all_the_same(place: Place) -> None:
    proposal = place.propose(points(place, path="/properties/points/minimum", value=10))

    (refused,) = proposal.refused
    assert (refused.number, refused.code, refused.is_tried) == (0, "REG-4003", True)
    assert own_rules(place, proposal)["properties"]["points"]["minimum"] == 10


def test_several_breaking_changes_are_each_refused_and_all_tried(place: Place) -> None:
    proposal = place.propose(
        points(place, path="/required", value=["points"]),
        points(place, path="/properties/level", value={"type": "string"}),
        points(place, op="remove", path="/properties/code"),
    )

    assert [(each.number, each.is_tried) for each in proposal.refused] == [(0, True), (2, True)]
    assert "/code would be removed" in proposal.refused[1].message
    assert "points" not in proposal.refused[1].message
    own = own_rules(place, proposal)
    assert own["required"] == ["points"]
    assert "code" not in own["properties"]


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([{"op": "remove", "path": "/nothing"}], "REG-4006"),
        ("no patch", "REG-4006"),
        ([{"op": "add", "path": "/definitions/custom/properties/x", "value": {}}], "XDM-1020"),
        ([{"op": "add", "path": "/allOf/-", "value": {"$ref": "https://a.example"}}], "XDM-1001"),
    ],
)
def test_what_cannot_be_is_refused_and_not_tried(place: Place, patch: Any, code: str) -> None:
    good = points(place, path="/properties/level", value={"type": "string"})
    bad = ResourceChange(resource_id=place.group_id, patch=patch)

    proposal = place.propose(good, bad, good)

    (refused,) = proposal.refused
    assert (refused.number, refused.code, refused.is_tried) == (1, code, False)
    assert proposal.rules is None


def test_a_new_group_is_known_to_the_changes_after_it(place: Place) -> None:
    fields = {
        f"_{place.scope.tenant_id}": {
            "type": "object",
            "required": ["level"],
            "properties": {"level": {"type": "string"}},
        }
    }
    new = ResourceChange(
        resource_id="levels", new_type=ResourceType.FIELD_GROUP, body=a_field_group(fields)
    )
    add = ResourceChange(
        resource_id=place.schema_id,
        patch=[{"op": "add", "path": "/allOf/-", "value": {"$ref": "levels"}}],
    )

    proposal = place.propose(new, add)

    assert "level" in own_rules(place, proposal)["properties"]
    assert proposal.version == "1.1"


def test_a_primary_identity_makes_its_path_required(place: Place) -> None:
    path = f"/_{place.scope.tenant_id}/code"

    proposal = place.propose(DescriptorChange(body=an_identity(place.schema_id, path)))

    assert own_rules(place, proposal)["required"] == ["code"]
    assert place.rules().document.get("required") is None


def test_a_member_of_a_union_is_tried_as_if_it_were_none(place: Place) -> None:
    path = f"/_{place.scope.tenant_id}/code"
    tag = {"op": "add", "path": "/meta:immutableTags", "value": ["union"]}
    untag = tag | {"op": "remove"}

    proposal = place.propose(
        DescriptorChange(body=an_identity(place.schema_id, path)),
        ResourceChange(resource_id=place.schema_id, patch=[tag]),
        points(place, path="/properties/points/minimum", value=10),
        points(place, path="/properties/points/maximum", value=90),
        ResourceChange(resource_id=place.schema_id, patch=[untag]),
    )

    assert [(each.number, each.is_tried) for each in proposal.refused] == [
        (2, True),
        (3, True),
        (4, False),
    ]


def test_a_descriptor_that_the_schema_does_not_allow_is_refused(place: Place) -> None:
    proposal = place.propose(DescriptorChange(body=an_identity(place.schema_id, "/nowhere")))

    assert [each.code for each in proposal.refused] == ["REG-4005"]
    assert proposal.rules is None


def test_a_description_may_be_replaced(place: Place) -> None:
    fields = {
        f"_{place.scope.tenant_id}": {
            "type": "object",
            "properties": {"points": {"type": "string"}},
        }
    }

    proposal = place.propose(ResourceChange(resource_id=place.group_id, body=a_field_group(fields)))

    assert proposal.refused[0].is_tried
    assert own_rules(place, proposal)["properties"]["points"]["type"] == "string"


def test_resources_of_others_cannot_be_changed(place: Place) -> None:
    change = ResourceChange(resource_id=place.group_id, patch=[])

    with pytest.raises(SchemaNotFound):
        place.proposals.propose(RIVAL, ACTOR, place.schema_id, [])
    proposal = place.proposals.propose(RIVAL, ACTOR, place.schema_id, [change])

    assert [each.is_tried for each in proposal.refused] == [False]


def test_more_changes_than_others_may_be_kept_waiting_for_are_refused(
    place: Place, tmp_path: Path
) -> None:
    store = ControlStore.at(tmp_path)
    proposals = Proposals(store, HurryingClock(), STANDARD)
    change = points(place, path="/properties/level", value={"type": "string"})

    with pytest.raises(TooMuchAtOnce, match="of 12 changes are tried; ask about fewer"):
        proposals.propose(place.scope, ACTOR, place.schema_id, [change] * (WRITE_SECONDS_MAX + 2))

    few = proposals.propose(place.scope, ACTOR, place.schema_id, [change])
    assert "level" in own_rules(place, few)["properties"]
    store.close()


def test_standard_components_cannot_be_changed(place: Place) -> None:
    change = ResourceChange(
        resource_id="https://ns.adobe.com/xdm/context/profile-person-details", patch=[]
    )

    assert place.propose(change).rules is None
