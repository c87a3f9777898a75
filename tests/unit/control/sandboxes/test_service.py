from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from forebay.control.sandboxes.model import (
    DefaultSandboxNotFound,
    SandboxMismatch,
    SandboxNotFound,
)
from forebay.control.sandboxes.service import SandboxService
from forebay.control.store import tables
from forebay.control.store.engine import ControlStore
from forebay.kernel.ids import OrgId
from support.scopes import a_scope


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore.at(tmp_path)
    yield store
    store.close()


@pytest.fixture
def org_id(store: ControlStore) -> OrgId:
    return a_scope(store).org_id


@pytest.fixture
def sandboxes(store: ControlStore) -> SandboxService:
    return SandboxService(store)


def test_request_that_names_no_sandbox_means_the_default_one(
    sandboxes: SandboxService, org_id: OrgId
) -> None:
    scope = sandboxes.resolve(org_id)

    assert (scope.org_id, scope.sandbox_name, scope.sandbox_type) == (org_id, "prod", "production")
    assert scope.tenant_id == "luma"


def test_sandbox_is_found_by_name_by_id_and_by_both(
    sandboxes: SandboxService, org_id: OrgId
) -> None:
    by_name = sandboxes.resolve(org_id, name="dev")

    by_id = sandboxes.resolve(org_id, sandbox_id=by_name.sandbox_id)
    by_both = sandboxes.resolve(org_id, name="dev", sandbox_id=by_name.sandbox_id)

    assert by_name == by_id == by_both


def test_unknown_sandbox_is_named_in_the_error(sandboxes: SandboxService, org_id: OrgId) -> None:
    with pytest.raises(SandboxNotFound, match="'Prod' could not be found"):
        sandboxes.resolve(org_id, name="Prod")
    with pytest.raises(SandboxNotFound, match="'nope'"):
        sandboxes.resolve(org_id, sandbox_id="nope")
    with pytest.raises(SandboxNotFound, match="'nope'"):
        sandboxes.get_sandbox(org_id, "nope")


def test_name_and_id_of_two_sandboxes_do_not_go_together(
    sandboxes: SandboxService, org_id: OrgId
) -> None:
    dev = sandboxes.get_sandbox(org_id, "dev")

    with pytest.raises(SandboxMismatch):
        sandboxes.resolve(org_id, name="prod", sandbox_id=dev.sandbox_id)


def test_sandbox_of_another_organization_is_unknown(
    sandboxes: SandboxService, org_id: OrgId, store: ControlStore
) -> None:
    other = a_scope(store, "other").org_id
    foreign = sandboxes.get_sandbox(other, "dev")

    with pytest.raises(SandboxNotFound):
        sandboxes.resolve(org_id, sandbox_id=foreign.sandbox_id)


def test_sandbox_that_is_not_active_cannot_be_used(
    sandboxes: SandboxService, org_id: OrgId, store: ControlStore
) -> None:
    with store.write() as connection:
        connection.execute(sa.update(tables.sandboxes).values(state="deleted"))

    with pytest.raises(SandboxNotFound):
        sandboxes.resolve(org_id, name="dev")
    with pytest.raises(DefaultSandboxNotFound):
        sandboxes.resolve(org_id)
