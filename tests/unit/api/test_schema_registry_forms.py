"""Every form of the Accept matrix (1.3), asked of a real server."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.registry import (
    PERSON_DETAILS,
    PROFILE,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    an_event_schema,
    an_identity,
    running_registry,
)

VERSIONS = ("; version=1", ";version=1", ";version=1.0", "; Version=1")
PLACES = (
    ("tenant", "schemas"),
    ("tenant", "fieldgroups"),
    ("tenant", "mixins"),
    ("tenant", "datatypes"),
    ("tenant", "classes"),
    ("global", "schemas"),
    ("global", "fieldgroups"),
    ("global", "mixins"),
    ("global", "datatypes"),
    ("global", "classes"),
    ("global", "behaviors"),
)
GLOBAL = {
    "schemas": "_xdm.schemas.computed-attributes",
    "fieldgroups": "_xdm.context.profile-person-details",
    "mixins": "_xdm.context.profile-person-details",
    "datatypes": "_xdm.context.person",
    "classes": "_xdm.context.profile",
    "behaviors": "_xdm.data.record",
}


class Example:
    """A client, and one resource of the tenant's in each collection."""

    def __init__(self, client: RegistryClient) -> None:
        self.client = client
        tenant = client.namespace
        self.data_type = client.create(
            "datatypes",
            {
                "type": "object",
                "title": "Tier",
                "description": "Which tier",
                "properties": {"name": {"type": "string", "title": "Tier name"}},
            },
        )
        own = {
            "type": "object",
            "properties": {
                "number": {"type": "string", "title": "Number"},
                "old": {"type": "string", "title": "Old"},
                "older": {"type": "string", "title": "Older", "meta:status": "deprecated"},
                "tier": {"$ref": self.data_type["$id"]},
            },
        }
        self.base = client.create(
            "classes",
            {
                "type": "object",
                "title": "Ticket",
                "description": "A ticket",
                "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/record"}],
            },
        )
        self.group = client.create(
            "fieldgroups", a_field_group({tenant: own}, description="Own fields")
        )
        self.schema = client.create(
            "schemas", a_schema(PROFILE, PERSON_DETAILS, self.group["$id"], description="People")
        )
        identity = an_identity(self.schema["$id"], f"/{tenant}/number")
        assert client.registry("POST", "/tenant/descriptors", identity).status_code == 201
        deprecated = {
            "@type": "xdm:descriptorDeprecated",
            "xdm:sourceSchema": self.schema["$id"],
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": [f"/{tenant}/old"],
        }
        answer = client.registry("POST", "/tenant/descriptors", deprecated)
        assert answer.status_code == 201, answer.text

    def id_in(self, container: str, collection: str) -> str:
        tenant = {
            "schemas": self.schema,
            "fieldgroups": self.group,
            "mixins": self.group,
            "datatypes": self.data_type,
            "classes": self.base,
        }
        if container == "global":
            return GLOBAL[collection]
        return str(tenant[collection]["meta:altId"])

    def form(self, name: str) -> dict[str, Any]:
        return self.client.lookup(self.schema["$id"], accept=f"{adobe(name)}; version=1")

    def fields(self, name: str) -> dict[str, Any]:
        """Return the tenant's fields in a form of the schema."""
        found: dict[str, Any] = self.form(name)["properties"][self.client.namespace]["properties"]
        return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with running_registry(tmp_path_factory.mktemp("registry")) as client:
        yield Example(client)


def adobe(form: str) -> str:
    return f"application/vnd.adobe.{form}+json"


def ask(example: Example, path: str, accept: str) -> tuple[int, dict[str, Any]]:
    answer = example.client.registry("GET", path, accept=accept)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("container", "collection"), PLACES)
@pytest.mark.parametrize("form", ["xed", "xed-id", "xdm", "xdm-id", "XED-ID"])
def test_list_takes_a_form_without_version(
    example: Example, container: str, collection: str, form: str
) -> None:
    status, body = ask(example, f"/{container}/{collection}", adobe(form))

    expected = {"$id", "meta:altId", "version", "title"}
    members = set(body["results"][0])
    assert status == 200
    assert (members == expected) is ("id" in form.lower())
    assert members >= expected


@pytest.mark.parametrize(("container", "collection"), PLACES)
@pytest.mark.parametrize(
    "accept",
    [
        *(adobe(form) for form in ("xed-full", "xed-notext", "xed-full-desc", "xod")),
        *(f"{adobe('xed')}{version}" for version in VERSIONS),
        f"{adobe('xed-id')}; version=1",
        "*/*",
        "application/json",
    ],
)
def test_list_refuses_versions_and_forms_of_lookups(
    example: Example, container: str, collection: str, accept: str
) -> None:
    status, body = ask(example, f"/{container}/{collection}", accept)

    assert status == 400
    assert body["type"].endswith("XDM-1006-400")
    assert body["title"] == "Accept header invalid"
    assert body["detail"].startswith(f"The supplied Accept header is not valid: {accept} - ")


@pytest.mark.parametrize(("container", "collection"), PLACES)
@pytest.mark.parametrize(
    "form",
    [
        "xed",
        "xed-full",
        "xed-notext",
        "xed-full-notext",
        "xed-full-desc",
        "xed-deprecatefield",
        "xdm",
        "xdm-full",
        "xdm-full-desc-flat-deprecated",
        "XED-Full",
    ],
)
def test_lookup_takes_every_form_with_a_version(
    example: Example, container: str, collection: str, form: str
) -> None:
    path = f"/{container}/{collection}/{example.id_in(container, collection)}"

    answers = [ask(example, path, f"{adobe(form)}{version}") for version in VERSIONS]

    first = answers[0][1]
    is_composed = form.lower() not in {"xed", "xed-notext", "xdm"}
    has_texts = "notext" not in form
    assert [status for status, _ in answers] == [200] * len(VERSIONS)
    assert all(body == first for _, body in answers)
    assert not (is_composed and "allOf" in first)
    assert ("title" in first) is has_texts


@pytest.mark.parametrize(("container", "collection"), PLACES)
@pytest.mark.parametrize(
    ("accept", "status", "code"),
    [
        (adobe("xed"), 400, "XDM-1007-400"),
        (adobe("xed-full"), 400, "XDM-1007-400"),
        (f"{adobe('xed-id')}; version=1", 400, "XDM-1007-400"),
        (f"{adobe('xed')}; version=x", 400, "XDM-1007-400"),
        ("application/json", 400, "XDM-1007-400"),
        (f"{adobe('xed')}; version=2", 406, "REG-4060-406"),
    ],
)
def test_lookup_without_a_fitting_version_is_refused(
    example: Example, container: str, collection: str, accept: str, status: int, code: str
) -> None:
    path = f"/{container}/{collection}/{example.id_in(container, collection)}"

    answered, body = ask(example, path, accept)

    assert answered == status
    assert body["type"].endswith(code)


def test_first_fitting_type_of_several_decides(example: Example) -> None:
    path = f"/tenant/schemas/{example.schema['meta:altId']}"
    accept = f"text/html, {adobe('xed')}, {adobe('xdm-full')};version=1, */*"

    status, body = ask(example, path, accept)

    assert status == 200
    assert "xdm:person" in body["properties"]


def test_standard_form_has_the_names_of_the_standard_notation(example: Example) -> None:
    full = example.form("xed-full")["properties"]

    shown = example.form("xdm-full")["properties"]

    name = shown["xdm:person"]["properties"]["xdm:name"]["properties"]
    assert name["xdm:firstName"] == {
        "type": "string",
        "title": "First Name",
        "meta:xdmType": "string",
    }
    assert {"@id", "repo:createDate", "xdm:personID"} <= set(shown)
    assert not {"_id", "_repo", "person"} & set(shown)
    assert {"_id", "_repo", "person"} <= set(full)
    assert shown[example.client.namespace]["properties"].keys() == {"number", "tier"}


def test_raw_forms_keep_references_in_both_notations(example: Example) -> None:
    event = example.client.create("schemas", an_event_schema())
    path = "/global/classes/_xdm.context.experienceevent"

    payload = ask(example, path, f"{adobe('xed')}; version=1")[1]
    standard = ask(example, path, f"{adobe('xdm')}; version=1")[1]

    assert event["required"] == ["@id", "xdm:timestamp"]
    assert payload["required"] == ["_id", "timestamp"]
    assert standard["required"] == ["@id", "xdm:timestamp"]
    assert "xdm:eventMergeId" in standard["definitions"]["experienceevent"]["properties"]
    assert standard["allOf"] == payload["allOf"]


def test_list_in_standard_notation_has_standard_names(example: Example) -> None:
    _, body = ask(
        example,
        "/global/datatypes?property=$id==https://ns.adobe.com/xdm/context/person",
        adobe("xdm"),
    )

    (person,) = body["results"]
    assert "xdm:birthDate" in person["definitions"]["person"]["properties"]


@pytest.mark.parametrize("form", ["xed-full", "xed-full-desc", "xed-full-notext"])
def test_deprecated_fields_are_hidden_in_the_ordinary_forms(example: Example, form: str) -> None:
    assert set(example.fields(form)) == {"number", "tier"}


@pytest.mark.parametrize(
    "form", ["xed-deprecatefield", "xed-full-deprecated", "xdm-deprecatefield"]
)
def test_deprecated_fields_are_shown_with_their_status(example: Example, form: str) -> None:
    fields = example.fields(form)

    assert set(fields) == {"number", "tier", "old", "older"}
    assert fields["old"]["meta:status"] == "deprecated"
    assert fields["older"]["meta:status"] == "deprecated"
    assert "meta:status" not in fields["number"]


def test_field_is_deprecated_by_a_patch(example: Example) -> None:
    client = example.client
    fields = {"x": {"type": "string"}, "y": {"type": "string"}}
    group = client.create(
        "fieldgroups", a_field_group({client.namespace: {"type": "object", "properties": fields}})
    )
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))
    client.create_dataset(a_dataset(schema["$id"]))
    place = f"/definitions/custom/properties/{client.namespace}/properties/x/meta:status"

    patched = client.registry(
        "PATCH",
        f"/tenant/fieldgroups/{group['meta:altId']}",
        [{"op": "add", "path": place, "value": "deprecated"}],
    )

    hidden = client.lookup(schema["$id"])["properties"][client.namespace]["properties"]
    accept = f"{adobe('xed-deprecatefield')}; version=1"
    shown = client.lookup(schema["$id"], accept=accept)["properties"][client.namespace]
    assert patched.status_code == 200, patched.text
    assert set(hidden) == {"y"}
    assert shown["properties"]["x"]["meta:status"] == "deprecated"


def test_flat_form_has_one_entry_for_each_path(example: Example) -> None:
    payload = example.form("xed-full-flat")["properties"]
    standard = example.form("xdm-full-flat")["properties"]

    assert payload["person/name/firstName"]["type"] == "string"
    assert standard["xdm:person/xdm:name/xdm:firstName"]["type"] == "string"
    assert len(payload) == len(standard)
    assert all("properties" not in field for field in payload.values())


def test_descriptors_come_with_their_form(example: Example) -> None:
    kinds = {item["@type"] for item in example.form("xdm-full-desc")["meta:descriptors"]}

    assert kinds == {"xdm:descriptorIdentity", "xdm:descriptorDeprecated"}
    assert "meta:descriptors" not in example.form("xdm-full")
