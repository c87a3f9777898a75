from collections.abc import Iterator
from urllib.parse import quote

import pytest

from support.registry import (
    FULL,
    PROFILE,
    WORK_DETAILS,
    RegistryClient,
    a_field_group,
    a_schema,
    running_registry,
)

VERSIONS = "/forebay/v1/schemas"
STANDARD = "application/vnd.adobe.xdm+json; version=1"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("registry")) as client:
        yield client


def a_group(registry: RegistryClient, **fields: str) -> dict[str, object]:
    members = {name: {"type": kind} for name, kind in fields.items()}
    return a_field_group({registry.namespace: {"type": "object", "properties": members}})


def path(resource_id: str, version: str = "") -> str:
    return f"{VERSIONS}/{quote(resource_id, safe='')}/versions{version and '/' + version}"


def test_every_version_of_a_resource_can_be_had(registry: RegistryClient) -> None:
    body = a_schema()
    created = registry.create("schemas", body)
    registry.registry(
        "PUT", f"/tenant/schemas/{created['meta:altId']}", body | {"description": "Second"}
    )

    listed = registry.call("GET", path(created["$id"])).json()["results"]
    first = registry.call("GET", path(created["meta:altId"], "1.0")).json()
    second = registry.call("GET", path(created["$id"], "1.1")).json()

    assert [item["version"] for item in listed] == ["1.1", "1.0"]
    assert listed[0]["written"] > listed[1]["written"]
    assert first["version"] == "1.0"
    assert "description" not in first
    assert second["description"] == "Second"


def test_a_version_is_composed_of_what_its_parts_were_then(registry: RegistryClient) -> None:
    group_body = a_group(registry, first="string")
    group = registry.create("fieldgroups", group_body)
    schema = registry.create("schemas", a_schema(PROFILE, group["$id"]))
    grown = a_group(registry, first="string", second="integer") | {"title": group["title"]}
    registry.registry("PUT", f"/tenant/fieldgroups/{group['meta:altId']}", grown)

    then = registry.call("GET", path(schema["$id"], "1.0"), accept=FULL).json()
    now = registry.lookup(schema["$id"])

    assert set(then["properties"][registry.namespace]["properties"]) == {"first"}
    assert set(now["properties"][registry.namespace]["properties"]) == {"first", "second"}


def test_a_version_has_standard_names_where_they_are_asked_for(registry: RegistryClient) -> None:
    group = registry.create(
        "fieldgroups",
        a_group(registry) | {"required": ["workEmail"], "allOf": [{"$ref": WORK_DETAILS}]},
    )

    then = registry.call("GET", path(group["$id"], "1.0"), accept=STANDARD).json()
    now = registry.lookup(group["$id"], "fieldgroups", STANDARD)

    assert then["required"] == now["required"] == ["xdm:workEmail"]


@pytest.mark.parametrize("suffix", ["", "/1.7", "/nonsense", "/%00"])
def test_what_there_is_not_is_not_found(registry: RegistryClient, suffix: str) -> None:
    schema = registry.create("schemas", a_schema())
    known = registry.call("GET", path(schema["$id"], "1.7"))
    unknown = registry.call("GET", f"{VERSIONS}/_acme.schemas.0000/versions{suffix}")

    assert known.status_code == unknown.status_code == 404
    assert "there are 1.0" in known.json()["detail"]
    assert "REG-4041" in unknown.json()["type"]


def test_versions_of_a_deleted_resource_are_deleted(registry: RegistryClient) -> None:
    schema = registry.create("schemas", a_schema())
    registry.registry("DELETE", f"/tenant/schemas/{schema['meta:altId']}")

    assert registry.call("GET", path(schema["$id"])).status_code == 404


def test_versions_of_another_sandbox_are_not_found(registry: RegistryClient) -> None:
    schema = registry.create("schemas", a_schema())

    answer = registry.call("GET", path(schema["$id"]), x_sandbox_name="dev")

    assert answer.status_code == 404


def test_only_so_many_former_versions_are_kept(registry: RegistryClient) -> None:
    body = a_schema()
    schema = registry.create("schemas", body)
    for number in range(103):
        changed = body | {"description": f"Number {number}"}
        registry.registry("PUT", f"/tenant/schemas/{schema['meta:altId']}", changed)

    listed = registry.call("GET", path(schema["$id"])).json()["results"]

    assert len(listed) == 101
    assert (listed[0]["version"], listed[-1]["version"]) == ("1.103", "1.3")
