import io
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from rich.console import Console

from forebay.cli import datasets
from forebay.cli.client import Platform
from forebay.cli.registry import NotFound, Registry
from forebay.cli.schema.apply import take
from forebay.cli.schema.files import wanted
from forebay.cli.schema.plan import Action, Plan, plan
from forebay.cli.source_files import FilesInvalid
from support.command_line import platform_of
from support.registry import (
    PROFILE,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    running_registry,
)

Planned = Callable[..., Plan]
CIRCLE = """
dataTypes:
  - {title: A, fields: {b: {dataType: B}}}
  - {title: B, fields: {a: {dataType: A}}}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def platform(client: RegistryClient) -> Iterator[Platform]:
    with platform_of(client) as found:
        yield found


@pytest.fixture
def planned(platform: Platform, tmp_path: Path) -> Planned:
    def make(text: str, *, name: str = "a.yaml", may_break: bool = False) -> Plan:
        path = tmp_path / name
        path.write_text(text)
        return plan(Registry(platform), wanted([path]), may_break=may_break)

    return make


def applied(platform: Platform, found: Plan) -> str:
    output = io.StringIO()
    take(Console(file=output, width=200), platform, found)
    return output.getvalue()


def actions(found: Plan) -> list[Action]:
    return [step.action for step in found.steps]


def a_file(name: str, *, points: str = "integer", extra: str = "") -> str:
    return f"""
schemas:
  - title: {name} members
    class: xdm/context/profile
    fieldGroups: [{name} group, xdm/context/profile-work-details]
    profile: true
    identities: [{{path: workEmail.address, namespace: Email, primary: true}}]
fieldGroups:
  - title: {name} group
    classes: [xdm/context/profile]
    fields:
      points: {points}
      reward: {{dataType: {name} reward}}
{extra}
dataTypes:
  - title: {name} reward
    fields: {{sku: string}}
datasets:
  - {{name: {name} data, schema: {name} members, profile: true}}
"""


def test_a_second_run_finds_everything_unchanged(platform: Platform, planned: Planned) -> None:
    first = planned(a_file("Twice"))
    applied(platform, first)

    second = planned(a_file("Twice"))

    assert Action.NOTHING not in actions(first)
    assert set(actions(second)) == {Action.NOTHING}


def test_an_addition_is_a_change_of_what_it_is_added_to_and_of_nothing_else(
    client: RegistryClient, platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Grown")))

    grown = planned(a_file("Grown", extra="      more: string[]"))
    output = applied(platform, grown)

    changed = [step for step in grown.steps if step.action is not Action.NOTHING]
    assert [step.what for step in changed] == ["field group 'Grown group'"]
    assert f"+ {client.namespace}.more  string[]" in output
    assert set(actions(planned(a_file("Grown", extra="      more: string[]")))) == {Action.NOTHING}


def test_a_breaking_change_is_refused_before_anything_is_written(
    platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Broken")))
    broken = a_file("Broken", points="string") + a_file("Other").replace(
        "schemas:", "---\nschemas:"
    )

    with pytest.raises(FilesInvalid) as raised:
        planned(broken)

    (fault,) = raised.value.faults
    assert "a.yaml:9: 'Broken members' takes part in Profile or has a dataset" in fault
    assert "would change its type" in fault
    assert planned(broken, may_break=True).steps


def test_a_field_of_a_schema_without_data_may_be_removed(
    platform: Platform, planned: Planned
) -> None:
    text = "fieldGroups: [{title: Free group, fields: {a: string, b: string}}]"
    applied(platform, planned(text))

    (step,) = planned(text.replace(", b: string", "")).steps

    assert [(c.sign, c.is_breaking) for c in step.changes] == [("-", True)]
    assert step.action is Action.CHANGE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tenant: someone-else", "the file is for the tenant someone-else"),
        (
            "schemas: [{title: A1, class: XDM Individual Profil}]",
            "no class 'XDM Individual Profil'. Did you mean XDM Individual Profile",
        ),
        (
            "schemas: [{title: A1, class: xdm/context/profile, fieldGroups: [Nothing at all]}]",
            "no field group 'Nothing at all'",
        ),
        (
            "schemas: [{title: A, class: xdm/data/x, fieldGroups: [Cvf Common Properties]}]",
            "is the title of several; use an id: _experience.cvf.alpha-00.",
        ),
        ("datasets: [{name: A1, schema: Nothing}]", "no schema 'Nothing'"),
        (
            CIRCLE,
            "refer to one another",
        ),
        ("dataTypes: [{title: A1, fields: {_a: string}}]", "XDM-1021"),
        (
            "fieldGroups: [{title: A1, properties: {a: {type: string}}}]",
            "must be defined under the",
        ),
        (
            "schemas: [{title: A, class: xdm/context/profile, fieldGroups: [Current Weather]}]",
            "does not extend the class",
        ),
        ("dataTypes: [{title: A1, properties: {a: {type: text}}}]", "expected one of string"),
        (
            "dataTypes: [{title: A1, properties: {a: {$ref: 'https://x.example/y'}}}]",
            "never fetched",
        ),
    ],
)
def test_what_the_registry_would_refuse_is_found_beforehand(
    planned: Planned, text: str, message: str
) -> None:
    with pytest.raises(FilesInvalid) as raised:
        planned(text)

    assert message in raised.value.message
    assert "a.yaml" in raised.value.message


def test_a_title_that_belongs_to_another_kind_is_refused(
    platform: Platform, planned: Planned
) -> None:
    applied(platform, planned("dataTypes: [{title: Taken, fields: {a: string}}]"))

    with pytest.raises(FilesInvalid, match="already the title of a data type"):
        planned("fieldGroups: [{title: Taken, fields: {a: string}}]")


def test_what_was_made_through_the_api_is_found_unchanged(
    client: RegistryClient, planned: Planned
) -> None:
    members = {"type": "object", "properties": {"a": {"type": "string"}}}
    group = a_field_group({client.namespace: members}, title="By hand")
    created = client.create("fieldgroups", group)
    schema = client.create("schemas", a_schema(PROFILE, created["$id"], title="By hand too"))
    client.create_dataset(a_dataset(schema["$id"], name="By hand"))

    found = planned(
        f"""
fieldGroups:
  - title: By hand
    meta:intendedToExtend: [{PROFILE}]
    definitions:
      custom:
        properties:
          _{{tenant}}: {{type: object, properties: {{a: {{type: string}}}}}}
    allOf: [{{$ref: "#/definitions/custom"}}]
schemas:
  - {{title: By hand too, class: xdm/context/profile, fieldGroups: [{created["meta:altId"]}]}}
datasets:
  - {{name: By hand, schema: By hand too}}
"""
    )

    assert set(actions(found)) == {Action.NOTHING}


def test_a_dataset_keeps_its_schema(
    client: RegistryClient, platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Kept")))
    client.create("schemas", a_schema(title="Elsewhere"))

    with pytest.raises(FilesInvalid, match="a dataset keeps its schema"):
        planned("datasets: [{name: Kept data, schema: Elsewhere}]")


def test_a_changed_descriptor_is_replaced(platform: Platform, planned: Planned) -> None:
    text = """
schemas:
  - title: Labelled
    class: xdm/context/profile
    fieldGroups: [xdm/context/profile-work-details]
    descriptors:
      - "@type": xdm:alternateDisplayInfo
        xdm:sourceProperty: /workEmail
        xdm:title: {en_us: Mail}
"""
    applied(platform, planned(text))

    found = planned(text.replace("Mail", "Post"))
    applied(platform, found)

    assert actions(found) == [Action.NOTHING, Action.CHANGE]
    assert actions(planned(text.replace("Mail", "Post"))) == [Action.NOTHING, Action.NOTHING]


def test_a_refusal_says_what_was_done_before_it(
    client: RegistryClient, platform: Platform, planned: Planned
) -> None:
    found = planned(a_file("Late"))
    client.create("schemas", a_schema(title="Late members"))

    with pytest.raises(click.ClickException) as raised:
        applied(platform, found)

    assert "schema 'Late members' was refused: Title must be unique" in raised.value.message
    assert "Done before it: 2 of " in raised.value.message


def test_an_export_of_the_registry_is_a_schema_file(
    client: RegistryClient, platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Exported")))
    schema = Registry(platform).find("Exported members")
    exported = client.registry("GET", f"/rpc/export/{schema.alt_id}")
    assert exported.status_code == 200, exported.text

    found = planned(exported.text, name="a.json")

    assert set(actions(found)) == {Action.NOTHING}


def test_the_nearest_names_are_offered_for_a_wrong_one(platform: Platform) -> None:
    with pytest.raises(NotFound, match="XDM Individual Profile"):
        Registry(platform).find("XDM Individual Profiles")


def test_the_tenants_own_that_begin_alike_are_offered_first(
    platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Zebra")))

    with pytest.raises(NotFound, match=r"Did you mean Zebra (members|group|reward) "):
        Registry(platform).find("Zebro")


def test_the_name_of_another_kind_is_said_to_be_one(planned: Planned) -> None:
    text = """
schemas: [{title: Mixed up, class: XDM Individual Profile, fieldGroups: [Person]}]
"""

    with pytest.raises(FilesInvalid, match=r"'Person'\. It is the name of a data type"):
        planned(text)


def test_names_that_several_have_are_listed(platform: Platform) -> None:
    with pytest.raises(NotFound, match=r"ambiguous: .*_xdm\.adcloud"):
        Registry(platform).find("Account")


def test_descriptors_that_the_registry_would_refuse_are_found_before_anything_is_written(
    planned: Planned,
) -> None:
    text = """
schemas:
  - title: Described badly
    class: XDM Individual Profile
    fieldGroups: [Demographic Details]
    identities:
      - {path: /nope/x, namespace: Email, primary: true}
      - {path: /person/birthYear, namespace: Email}
"""

    with pytest.raises(FilesInvalid) as caught:
        planned(text)

    message = str(caught.value)
    assert "a.yaml:7: xdm:sourceProperty /nope/x is not a field of 'Described badly'" in message
    assert "a.yaml:8: xdm:sourceProperty /person/birthYear is of type integer" in message


def test_a_second_primary_identity_is_found_before_anything_is_written(planned: Planned) -> None:
    text = """
schemas:
  - title: Two primaries
    class: XDM Individual Profile
    fieldGroups: [Demographic Details]
    identities:
      - {path: personID, namespace: Crm, primary: true}
      - {path: person.taxId, namespace: Tax, primary: true}
"""

    with pytest.raises(FilesInvalid, match=r"a\.yaml:8: /person/taxId .*which has /personID"):
        planned(text)


def test_a_schema_without_an_identity_is_not_planned_for_profile(planned: Planned) -> None:
    text = "schemas:\n  - {title: Nobody, class: XDM Individual Profile, profile: true}\n"

    with pytest.raises(FilesInvalid, match="'Nobody' cannot take part in Profile"):
        planned(text)


def test_an_identity_map_is_enough_for_profile(planned: Planned) -> None:
    text = """
schemas:
  - title: Many names
    class: XDM Individual Profile
    fieldGroups: [xdm/context/identitymap]
    profile: true
"""

    steps = planned(text).steps

    assert [step.action for step in steps] == [Action.CREATE, Action.CHANGE]


def test_a_dataset_is_found_among_more_than_a_page_of_them(
    client: RegistryClient, platform: Platform, planned: Planned
) -> None:
    applied(platform, planned(a_file("Paged")))
    schema_id = datasets.find(platform, "Paged data").schema_id
    for number in range(101):
        client.create_dataset(a_dataset(schema_id, name=f"numbered {number}"))

    found = datasets.find(platform, "numbered 100")

    assert found.schema_id == schema_id
    with pytest.raises(click.ClickException, match=r"numbered 99.* and [0-9]+ more\.$"):
        datasets.find(platform, "numberd 99")


def test_what_is_made_of_something_wrong_is_not_a_fault_of_its_own(planned: Planned) -> None:
    text = """
classes: [{title: Wrong class, behavior: record, fields: {"a b": string}}]
schemas: [{title: Made of it, class: Wrong class}]
"""

    with pytest.raises(FilesInvalid) as caught:
        planned(text)

    assert str(caught.value).count("a.yaml:") == 1
    assert "a.yaml:2: 'a b'" in str(caught.value)
