from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.app import library
from forebay.app.data_directory import DataDirectory
from forebay.app.library import CheckoutInvalid, Report, import_checkout
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel import json
from forebay.kernel.clock import SystemClock
from forebay.kernel.errors import PlatformError
from forebay.xdm.standard import Kind, StandardLibrary
from support.registry import a_dataset, a_field_group, a_schema
from support.schemas import ACTOR
from support.scopes import a_scope

NS = "https://ns.adobe.com/xdm/"
ADDED = f"{NS}mixins/added"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


@pytest.fixture
def store(data: DataDirectory) -> Iterator[ControlStore]:
    opened = ControlStore.at(data.control)
    yield opened
    opened.close()


class Checkout:
    """A folder that looks like a checkout of the XDM repository, with one field group."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("components/behaviors/record.schema.json", {"$id": f"{NS}data/record"})
        self.group({"xdm:first": {"type": "string", "title": "First one", "description": "Text"}})

    def write(self, path: str, content: dict[str, Any] | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else json.encode(content))

    def group(self, fields: dict[str, Any]) -> None:
        self.write(
            "components/fieldgroups/added.schema.json",
            {
                "$id": ADDED,
                "title": "Added group",
                "meta:status": "stable",
                "meta:intendedToExtend": [f"{NS}context/profile"],
                "definitions": {"added": {"properties": fields}},
                "allOf": [{"$ref": "#/definitions/added"}],
            },
        )

    def imported(self, data: DataDirectory, version: str | None = None) -> Report:
        return import_checkout(data, self.root, version=version)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "xdm")


def test_components_come_with_their_texts_and_the_packaged_ones_stay(
    data: DataDirectory, checkout: Checkout
) -> None:
    report = checkout.imported(data, "9.9")

    standard = StandardLibrary(data.library)
    group = standard.find(ADDED)
    assert group is not None
    field = group["definitions"]["added"]["properties"]["first"]
    assert (group["title"], group["version"]) == ("Added group", "9.9")
    assert (field["title"], field["description"]) == ("First one", "Text")
    assert len(standard.list(Kind.FIELD_GROUP)) == 395
    assert report.counts == {"behavior": 1, "fieldgroup": 1}
    assert report.file == data.library


def test_release_is_that_of_the_package_unless_it_is_named(
    data: DataDirectory, checkout: Checkout
) -> None:
    before = checkout.imported(data).version
    checkout.write("package.json", {"version": "2.0.1"})

    assert before == StandardLibrary().version
    assert checkout.imported(data).version == "2.0.1"
    assert checkout.imported(data, "3.0").version == "3.0"


def test_same_checkout_gives_the_same_bytes(data: DataDirectory, checkout: Checkout) -> None:
    checkout.imported(data)
    first = data.library.read_bytes()

    report = checkout.imported(data)

    assert data.library.read_bytes() == first
    assert report.kept == 0
    assert data.library.stat().st_mode & 0o777 == 0o600


def test_component_that_the_next_checkout_lacks_stays(
    data: DataDirectory, checkout: Checkout
) -> None:
    checkout.imported(data)
    (checkout.root / "components/fieldgroups/added.schema.json").unlink()

    report = checkout.imported(data)

    assert report.kept == 1
    assert StandardLibrary(data.library).find(ADDED) is not None


def test_what_is_not_read_is_counted_with_the_reason(
    data: DataDirectory, checkout: Checkout
) -> None:
    checkout.write("components/fieldgroups/added.example.1.json", b"{")
    checkout.write("archived/old.schema.json", b"{")
    checkout.write("docs/readme.md", b"#")

    report = checkout.imported(data)

    assert report.skipped == {
        "not named *.schema.json (examples)": 1,
        "not in components, schemas, extensions": 1,
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "components/datatypes/bad.schema.json: not JSON"),
        ({"$id": ADDED}, "is also that of components/datatypes/bad.schema.json"),
        ({"$id": "urn:x"}, "expected an http(s) URI"),
        ({"$id": f"{NS}t", "properties": []}, "expected an object of schemas"),
        ({"$id": f"{NS}t", "allOf": [{"$ref": f"{NS}none"}]}, f"$ref {NS}none is not a resource"),
        ({"$id": f"{NS}t", "allOf": [{"$ref": f"{NS}t"}]}, "leads back to itself"),
        ({"$id": f"{NS}t", "pattern": "(?=x)"}, "XDM checkout invalid|cannot be imported"),
        ({"$id": "https://ns.adobe.com/luma/mixins/1"}, "in the namespace of a tenant"),
    ],
)
def test_nothing_is_replaced_if_something_is_wrong(
    data: DataDirectory,
    checkout: Checkout,
    store: ControlStore,
    *,
    content: dict[str, Any] | bytes,
    reason: str,
) -> None:
    a_scope(store, "luma")
    checkout.imported(data)
    before = data.library.read_bytes()
    checkout.write("components/datatypes/bad.schema.json", content)

    with pytest.raises(CheckoutInvalid) as caught:
        checkout.imported(data)

    assert any(part in caught.value.message for part in reason.split("|"))
    assert data.library.read_bytes() == before


def test_every_broken_file_is_named(data: DataDirectory, checkout: Checkout) -> None:
    for number in range(25):
        checkout.write(f"schemas/bad{number:02}.schema.json", b"[]")

    with pytest.raises(CheckoutInvalid) as caught:
        checkout.imported(data)

    assert "schemas/bad00.schema.json: not a JSON object" in caught.value.message
    assert "schemas/bad19.schema.json" in caught.value.message
    assert "and 5 more" in caught.value.message
    assert not data.library.exists()


def test_folder_that_is_no_checkout_is_refused(data: DataDirectory, tmp_path: Path) -> None:
    with pytest.raises(CheckoutInvalid, match="no components/behaviors"):
        import_checkout(data, tmp_path)


def test_huge_file_is_refused(
    data: DataDirectory, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "FILE_BYTES_MAX", 20)

    with pytest.raises(CheckoutInvalid, match="at most 20"):
        checkout.imported(data)


def test_link_that_leads_nowhere_is_refused(data: DataDirectory, checkout: Checkout) -> None:
    (checkout.root / "schemas").mkdir()
    (checkout.root / "schemas" / "a.schema.json").symlink_to("nowhere")

    with pytest.raises(CheckoutInvalid, match="cannot be read"):
        checkout.imported(data)


def test_change_that_breaks_what_holds_data_is_refused(
    data: DataDirectory, checkout: Checkout, store: ControlStore
) -> None:
    checkout.imported(data)
    before = data.library.read_bytes()
    scope = a_scope(store, "luma")
    schemas = SchemaService(store, SystemClock(), standard=StandardLibrary(data.library))
    schema = schemas.create(
        scope, ACTOR, ResourceType.SCHEMA, a_schema(f"{NS}context/profile", ADDED)
    )
    DatasetService(store, SystemClock(), schemas).create(scope, ACTOR, a_dataset(schema["$id"]))
    checkout.group({"xdm:first": {"type": "integer"}})

    with pytest.raises(CheckoutInvalid) as caught:
        checkout.imported(data)

    assert schema["$id"] in caught.value.message
    assert "/first" in caught.value.message
    assert data.library.read_bytes() == before


def test_change_that_breaks_a_dataset_of_a_standard_schema_is_refused(
    data: DataDirectory, checkout: Checkout, store: ControlStore
) -> None:
    path, schema_id = "schemas/ready.schema.json", f"{NS}schemas/ready"
    ready: dict[str, Any] = {"$id": schema_id, "meta:extends": [f"{NS}data/record"]}
    ready["allOf"] = [{"$ref": f"{NS}data/record"}]
    checkout.write(path, ready | {"properties": {"xdm:x": {"type": "string"}}})
    checkout.imported(data)
    scope = a_scope(store, "luma")
    schemas = SchemaService(store, SystemClock(), standard=StandardLibrary(data.library))
    DatasetService(store, SystemClock(), schemas).create(scope, ACTOR, a_dataset(schema_id))
    checkout.write(path, ready | {"properties": {"xdm:y": {"type": "string"}}})

    with pytest.raises(CheckoutInvalid, match="a dataset is bound to"):
        checkout.imported(data)


def test_change_that_breaks_a_field_group_in_no_schema_is_refused(
    data: DataDirectory, checkout: Checkout, store: ControlStore
) -> None:
    path, inner = "components/datatypes/inner.schema.json", f"{NS}datatypes/inner"
    first = {"xdm:x": {"type": "string"}}
    checkout.write(path, {"$id": inner, "definitions": {"inner": {"properties": first}}})
    checkout.imported(data)
    scope = a_scope(store, "luma")
    schemas = SchemaService(store, SystemClock(), standard=StandardLibrary(data.library))
    fields = {
        "_luma": {"type": "object", "properties": {"x": {"$ref": f"{inner}#/definitions/inner"}}}
    }
    group = schemas.create(scope, ACTOR, ResourceType.FIELD_GROUP, a_field_group(fields))
    checkout.write(path, {"$id": inner, "properties": first})

    with pytest.raises(CheckoutInvalid, match="could not be composed") as caught:
        checkout.imported(data)

    assert group["$id"] in caught.value.message


def test_addition_to_what_holds_data_is_taken(
    data: DataDirectory, checkout: Checkout, store: ControlStore
) -> None:
    checkout.imported(data)
    scope = a_scope(store, "luma")
    schemas = SchemaService(store, SystemClock(), standard=StandardLibrary(data.library))
    schema = schemas.create(
        scope, ACTOR, ResourceType.SCHEMA, a_schema(f"{NS}context/profile", ADDED)
    )
    DatasetService(store, SystemClock(), schemas).create(scope, ACTOR, a_dataset(schema["$id"]))
    checkout.group({"xdm:first": {"type": "string"}, "xdm:second": {"type": "string"}})

    checkout.imported(data)

    renewed = SchemaService(store, SystemClock(), standard=StandardLibrary(data.library))
    assert "second" in renewed.validation_document(scope, schema["$id"])["properties"]


def test_damaged_library_is_named_with_what_to_do(data: DataDirectory, checkout: Checkout) -> None:
    data.library.write_bytes(b"damaged")

    with pytest.raises(PlatformError, match="Remove the file"):
        checkout.imported(data)
    with pytest.raises(PlatformError) as caught:
        StandardLibrary(data.library).find(ADDED)

    assert caught.value.code == "XDM-1004"
    assert str(data.library) in caught.value.message
