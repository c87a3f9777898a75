"""The inlet directory: written whole, seen at once."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay.app.directory import (
    DatasetEntry,
    DirectoryReader,
    DirectoryWriter,
    SchemaEntry,
    Snapshot,
)
from forebay.edge.ports import Inlet
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import ConnectionId, DatasetId, InletId, OrgId, SandboxId, SchemaId

ORG, SANDBOX = OrgId("A@AdobeOrg"), SandboxId("sandbox")
DOCUMENT: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "meta:xdmType": "string"}},
    "additionalProperties": False,
}


def an_inlet(inlet_id: str) -> Inlet:
    return Inlet(
        inlet_id=InletId(inlet_id),
        connection_id=ConnectionId("c"),
        org_id=ORG,
        sandbox_id=SANDBOX,
        sandbox_name="prod",
        source_name="source",
        data_type="xdm",
        is_authentication_required=False,
    )


class Source:
    """What the control plane would say, and how often it was asked."""

    def __init__(self) -> None:
        self.inlets = [an_inlet("a")]
        self.revision = 1
        self.asked = 0

    def take(self, keep: Any) -> Snapshot:
        self.asked += 1
        return Snapshot(
            revision=self.revision,
            inlets=self.inlets,
            datasets=[
                DatasetEntry(
                    org_id=ORG,
                    sandbox_id=SANDBOX,
                    dataset_id=DatasetId("d"),
                    schema_id=SchemaId("s"),
                )
            ],
            schemas=[
                SchemaEntry(
                    org_id=ORG,
                    sandbox_id=SANDBOX,
                    schema_id=SchemaId("s"),
                    version="1.0",
                    digest=keep(DOCUMENT),
                )
            ],
            verifying_keys={},
            clients={},
        )


class Setting:
    def __init__(self, folder: Path) -> None:
        schemas = folder / "schemas"
        schemas.mkdir()
        self.source = Source()
        self.writer = DirectoryWriter(
            folder / "directory.msgpack",
            schemas,
            take=self.source.take,
            current_revision=lambda: self.source.revision,
        )
        self.reader = DirectoryReader(folder / "directory.msgpack", schemas, SystemClock())


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def test_an_empty_directory_knows_nothing(setting: Setting) -> None:
    assert setting.reader.find_inlet("a") is None
    assert setting.reader.revision == -1


def test_a_lookup_that_would_fail_sees_what_was_just_published(setting: Setting) -> None:
    setting.writer.publish()

    assert setting.reader.find_inlet("a") == an_inlet("a")


def test_what_was_removed_is_gone_after_a_refresh(setting: Setting) -> None:
    setting.writer.publish()
    setting.reader.refresh()
    setting.source.inlets, setting.source.revision = [], 2
    setting.writer.publish()

    assert setting.reader.refresh()
    assert setting.reader.find_inlet("a") is None


def test_nothing_is_written_while_nothing_changed(setting: Setting) -> None:
    setting.writer.publish()
    setting.writer.publish()

    assert setting.source.asked == 1


def test_a_dataset_is_found_in_its_own_sandbox_only(setting: Setting) -> None:
    setting.writer.publish()
    elsewhere = msgspec.structs.replace(an_inlet("b"), sandbox_id=SandboxId("other"))

    assert setting.reader.find_dataset(an_inlet("a"), "d") is not None
    assert setting.reader.find_dataset(elsewhere, "d") is None
    assert not setting.reader.has_schema(elsewhere, "s")


def test_an_entity_is_validated_with_the_schema_of_the_inlets_sandbox(setting: Setting) -> None:
    setting.writer.publish()

    valid = setting.reader.validate(an_inlet("a"), "s", b'{"name":"Ada"}')
    invalid = setting.reader.validate(an_inlet("a"), "s", b'{"name":1}')

    assert valid is None
    assert invalid is not None
    assert invalid["message"] == "expected type: String, found: Long"
