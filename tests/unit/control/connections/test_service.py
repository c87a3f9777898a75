from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.control.connections.errors import EntityNotFound, VersionNotMatching
from forebay.control.connections.service import ConnectionService
from forebay.control.listing import Query
from forebay.control.sandboxes.service import SandboxService
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.errors import PlatformError
from support.clocks import ManualClock
from support.connections import STREAMING_SPEC_ID, seed_body
from support.scopes import a_scope

ACTOR = Actor("client", "client")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore.at(tmp_path)
    yield store
    store.close()


@pytest.fixture
def scope(store: ControlStore) -> Scope:
    return a_scope(store)


@pytest.fixture
def connections(store: ControlStore, clock: ManualClock) -> ConnectionService:
    return ConnectionService(store, clock, collection_url="http://localhost:8081/")


def test_creating_opens_an_inlet_at_the_configured_address(
    connections: ConnectionService, scope: Scope
) -> None:
    receipt = connections.create_connection(scope, ACTOR, body=seed_body())

    params = connections.get_connection(scope, receipt.id)["auth"]["params"]
    assert len(params["inletId"]) == 64
    assert params["inletUrl"] == f"http://localhost:8081/collection/{params['inletId']}"


@pytest.mark.parametrize(
    ("body", "source_name", "auth_name"),
    [
        (seed_body(), "Sample connection", "Sample connection"),
        (seed_body(params={"dataType": "xdm"}), "Sample streaming connection", None),
        (seed_body(params={"dataType": "xdm", "sourceId": "s"}, name=None), "s", "s"),
    ],
)
def test_source_is_named_by_the_source_id_else_by_the_name(
    connections: ConnectionService,
    scope: Scope,
    body: dict[str, Any],
    source_name: str,
    auth_name: str | None,
) -> None:
    receipt = connections.create_connection(scope, ACTOR, body=body)

    params = connections.get_connection(scope, receipt.id)["auth"]["params"]
    assert params["sourceId"] == source_name
    assert params["name"] == (auth_name or source_name)


def test_connection_without_any_name_gets_its_id_for_a_source(
    connections: ConnectionService, scope: Scope
) -> None:
    body = seed_body(params={"dataType": "raw"}, name=None)

    receipt = connections.create_connection(scope, ACTOR, body=body)

    item = connections.get_connection(scope, receipt.id)
    assert "name" not in item
    assert item["auth"]["params"]["sourceId"] == receipt.id


@pytest.mark.parametrize("asked", [True, "true", "True"])
def test_authentication_is_required_where_it_is_asked_for(
    connections: ConnectionService, scope: Scope, asked: object
) -> None:
    params = {"dataType": "xdm", "authenticationRequired": asked}

    connections.create_connection(scope, ACTOR, body=seed_body(params=params))

    assert [inlet.is_authentication_required for inlet in connections.list_inlets()] == [True]


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        (None, "FLOW-1405", "cannot be null or empty"),
        ({}, "FLOW-1405", "cannot be null or empty"),
        ([1], "CONNECTION-1400", "must be an object"),
        ({"name": "x"}, "FLOW-1413", "The spec ID provided is invalid."),
        (seed_body(connectionSpec={"id": "nope"}), "FLOW-1413", "spec ID"),
        (seed_body(connectionSpec={"id": 5}), "FLOW-1413", "spec ID"),
        (seed_body(connectionSpec="x"), "CONNECTION-1400", "connectionSpec is x"),
        (
            seed_body(connectionSpec={"id": STREAMING_SPEC_ID, "version": 1}),
            "CONNECTION-1400",
            "connectionSpec.version is 1",
        ),
        (
            seed_body(auth={"specName": "Basic", "params": {"dataType": "xdm"}}),
            "FLOW-1415",
            f"could not be found for the connection spec ID {STREAMING_SPEC_ID}.",
        ),
        (seed_body(auth=None), "FLOW-1415", "auth spec"),
        (
            seed_body(connectionSpec={"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c"}),
            "FLOW-1415",
            "auth spec",
        ),
        (
            seed_body(params={"dataType": "json"}),
            "CONNECTION-1400",
            "auth.params.dataType is json; it must be one of [xdm, raw].",
        ),
        (seed_body(params={}), "CONNECTION-1400", "dataType is null"),
        (seed_body(params=[]), "CONNECTION-1400", "auth.params is []"),
        (
            seed_body(params={"dataType": "xdm", "authenticationRequired": "maybe"}),
            "CONNECTION-1400",
            "authenticationRequired is maybe",
        ),
        (seed_body(name=5), "CONNECTION-1400", "name is 5; it must be a string."),
        (seed_body(name="x" * 1001), "CONNECTION-1400", "name has 1001 characters"),
        (
            seed_body(params={"dataType": "xdm", "sourceId": ["s"]}),
            "CONNECTION-1400",
            'auth.params.sourceId is ["s"]',
        ),
    ],
)
def test_body_that_breaks_a_rule_creates_nothing(
    connections: ConnectionService, scope: Scope, body: object, code: str, part: str
) -> None:
    with pytest.raises(PlatformError) as raised:
        connections.create_connection(scope, ACTOR, body=body)

    assert raised.value.code == code
    assert part in raised.value.message
    assert connections.list_inlets() == []


def test_body_may_have_members_that_nobody_knows(
    connections: ConnectionService, scope: Scope
) -> None:
    body = seed_body(surprise={"a": 1}, state="whatever", id="mine")

    receipt = connections.create_connection(scope, ACTOR, body=body)

    item = connections.get_connection(scope, receipt.id)
    assert "surprise" not in item
    assert (item["id"], item["state"]) == (receipt.id, "enabled")


def test_two_connections_may_have_one_name(connections: ConnectionService, scope: Scope) -> None:
    first = connections.create_connection(scope, ACTOR, body=seed_body())
    second = connections.create_connection(scope, ACTOR, body=seed_body())

    assert first.id != second.id
    assert connections.list_connections(scope, Query()).count == 2


def test_patch_changes_the_connection_its_tag_and_who_changed_it(
    connections: ConnectionService, scope: Scope, clock: ManualClock
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    clock.advance(5000)

    changed = connections.patch_connection(
        scope,
        Actor("other", "other"),
        created.id,
        instructions=[
            {"op": "add", "path": "/auth/params/authenticationRequired", "value": True},
            {"op": "replace", "path": "/name", "value": "new"},
        ],
        if_match=created.etag,
    )

    item = connections.get_connection(scope, created.id)
    assert changed.etag != created.etag
    assert (item["etag"], item["version"]) == (changed.etag, changed.etag)
    assert (item["name"], item["updatedBy"], item["createdBy"]) == ("new", "other", "client")
    assert item["updatedAt"] == item["createdAt"] + 5000
    assert connections.list_inlets()[0].is_authentication_required


def test_replacing_all_parameters_keeps_the_inlet(
    connections: ConnectionService, scope: Scope
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    before = connections.get_connection(scope, created.id)["auth"]["params"]
    value = {"dataType": "raw", "inletId": "mine", "inletUrl": "http://elsewhere"}

    connections.patch_connection(
        scope,
        ACTOR,
        created.id,
        instructions=[{"op": "replace", "path": "/auth/params", "value": value}],
        if_match="*",
    )

    after = connections.get_connection(scope, created.id)["auth"]["params"]
    assert (after["inletId"], after["inletUrl"]) == (before["inletId"], before["inletUrl"])
    assert (after["dataType"], after["sourceId"]) == ("raw", "Sample streaming connection")


def test_patch_whose_result_breaks_a_rule_changes_nothing(
    connections: ConnectionService, scope: Scope
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    before = connections.get_connection(scope, created.id)

    with pytest.raises(PlatformError) as raised:
        connections.patch_connection(
            scope,
            ACTOR,
            created.id,
            instructions=[{"op": "replace", "path": "/auth/params/dataType", "value": "csv"}],
            if_match=created.etag,
        )

    assert raised.value.code == "CONNECTION-1400"
    assert connections.get_connection(scope, created.id) == before


@pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"', ' "{}" ', "*"])
def test_version_may_be_quoted_bare_or_weak(
    connections: ConnectionService, scope: Scope, form: str
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    tag = created.etag.strip('"')

    changed = connections.patch_connection(
        scope, ACTOR, created.id, instructions=_renamed("n"), if_match=form.format(tag)
    )

    assert changed.etag != created.etag


def test_second_of_two_changes_to_one_version_is_refused(
    connections: ConnectionService, scope: Scope
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    changed = connections.patch_connection(
        scope, ACTOR, created.id, instructions=_renamed("first"), if_match=created.etag
    )

    with pytest.raises(VersionNotMatching) as raised:
        connections.patch_connection(
            scope, ACTOR, created.id, instructions=_renamed("second"), if_match=created.etag
        )

    assert connections.get_connection(scope, created.id)["name"] == "first"
    assert raised.value.message == (
        f"The supplied version '{created.etag}' does not match the current version on entity "
        f"'{changed.etag}'. Please ensure that the supplied version matches the current version "
        "on entity and try again."
    )


def test_deleted_connection_and_its_inlet_are_gone(
    connections: ConnectionService, scope: Scope
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())

    connections.delete_connection(scope, created.id)

    assert connections.list_inlets() == []
    with pytest.raises(EntityNotFound):
        connections.get_connection(scope, created.id)
    with pytest.raises(EntityNotFound):
        connections.delete_connection(scope, created.id)


def test_connection_of_another_scope_is_as_if_it_were_not_there(
    connections: ConnectionService, scope: Scope, store: ControlStore
) -> None:
    created = connections.create_connection(scope, ACTOR, body=seed_body())
    other_org = a_scope(store, "other")
    other_sandbox = SandboxService(store).resolve(scope.org_id, name="dev")

    for foreign in (other_org, other_sandbox):
        assert connections.list_connections(foreign, Query()).count == 0
        for connection_id in (created.id, "nothing"):
            with pytest.raises(EntityNotFound) as raised:
                connections.get_connection(foreign, connection_id)
            assert raised.value.message == (
                f"The requested connections resource {connection_id} is not found. "
                "Verify the resource ID before trying again."
            )
            with pytest.raises(EntityNotFound):
                connections.delete_connection(foreign, connection_id)
            with pytest.raises(EntityNotFound):
                connections.patch_connection(
                    foreign, ACTOR, connection_id, instructions=_renamed("n"), if_match="*"
                )
    assert connections.get_connection(scope, created.id)["id"] == created.id


def test_inlets_of_all_organizations_are_listed_with_what_the_edge_needs(
    connections: ConnectionService, scope: Scope, store: ControlStore
) -> None:
    other = a_scope(store, "other")
    first = connections.create_connection(scope, ACTOR, body=seed_body())
    second = connections.create_connection(other, ACTOR, body=seed_body())
    connections.patch_connection(
        other,
        ACTOR,
        second.id,
        instructions=[{"op": "replace", "path": "/state", "value": "disabled"}],
        if_match="*",
    )

    inlets = {inlet.connection_id: inlet for inlet in connections.list_inlets()}

    assert inlets.keys() == {first.id, second.id}
    assert inlets[first.id].is_enabled  # type: ignore[index]  # a connection id
    assert not inlets[second.id].is_enabled  # type: ignore[index]  # a connection id
    assert {inlet.org_id for inlet in inlets.values()} == {scope.org_id, other.org_id}
    assert {inlet.sandbox_name for inlet in inlets.values()} == {"prod"}
    assert {inlet.source_name for inlet in inlets.values()} == {"Sample connection"}


def test_subscriber_hears_of_every_change(
    connections: ConnectionService, scope: Scope, store: ControlStore
) -> None:
    heard: list[int] = []
    store.subscribe(lambda: heard.append(len(connections.list_inlets())))

    created = connections.create_connection(scope, ACTOR, body=seed_body())
    connections.delete_connection(scope, created.id)

    assert heard == [1, 0]


def _renamed(name: str) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": "/name", "value": name}]
