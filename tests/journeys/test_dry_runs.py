"""Records tried before they are sent, and a change of a schema before it is made."""

import gzip
from pathlib import Path

import pytest

from forebay.kernel import json
from support.server import Client, Server, a_person, an_event

IDENTITY = "/workEmail/address"


@pytest.fixture(scope="module")
def dataset(client: Client) -> tuple[str, str]:
    return client.people("tried people")


def test_what_a_dry_run_says_is_what_happens(server: Server, client: Client) -> None:
    schema_id, dataset_id = client.events("judged events")
    events = [
        an_event("fine"),
        an_event("late", timestamp="yesterday"),
        an_event("deep", environment={"colorDepth": "32"}),
        an_event("strange", colour="red"),
        an_event("also-fine", productListItems=[]),
    ]
    tried = client.call(
        "POST", "/forebay/v1/validate?results=all", {"datasetId": dataset_id, "records": events}
    ).json()
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]

    for event in events:
        server.http.post(inlet, json=client.message(schema_id, dataset_id, event))
    server.await_lake()

    valid = {e["_id"] for e, r in zip(events, tried["results"], strict=True) if r["valid"]}
    rows = server.query("select _id from judged_events")
    failed = server.query(f"select violations from failed_records where datasetId = '{dataset_id}'")
    assert {row["_id"] for row in rows} == valid == {"fine", "also-fine"}
    reports = [result["report"] for result in tried["results"] if not result["valid"]]
    assert sorted(map(str, reports)) == sorted(str(json.decode(f["violations"])) for f in failed)


def test_a_file_is_tried_and_summed_up(
    server: Server, dataset: tuple[str, str], tmp_path: Path
) -> None:
    lines = [json.encode(a_person(f"{n}@example.com")) for n in range(12_000)]
    for n in (7, 6_000, 11_999):
        lines[n] = json.encode(a_person("nobody", person={"birthDate": f"day {n}"}))
    file = tmp_path / "people.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))

    tried = server.command("validate", "--dataset", dataset[1], str(file), check=False)
    told = server.command(
        "validate", "--schema", "tried people", "--format", "json", str(file), check=False
    )

    answer = json.decode(told.stdout)
    assert (tried.returncode, told.returncode) == (1, 1)
    assert "12,000 records: 11,997 valid, 3 invalid, 6 violations" in tried.stdout
    assert 'line 8: "day 7"' in tried.stdout
    assert "a date like 2026-01-31" in tried.stdout
    kinds = {kind["path"]: kind for kind in answer["summary"]}
    assert kinds["person.birthDate"]["records"] == kinds["workEmail.address"]["records"] == 3
    assert kinds["person.birthDate"]["first"]["line"] == 8
    assert kinds["person.birthDate"]["first"]["index"] == 7


def test_each_invalid_record_is_printed_on_request(
    server: Server, dataset: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "people.json"
    file.write_bytes(json.encode([a_person(), {"age": 1}, a_person(nick="[bold]A\x1b[2J")]))

    tried = server.command("validate", "--dataset", dataset[1], "--all", str(file), check=False)

    assert "item 1: 2 violations" in tried.stdout
    assert "    extraneous key [age] is not permitted" in tried.stdout
    assert "item 2: 1 violation" in tried.stdout
    assert "[bold]A" in tried.stdout
    assert "\x1b[2J" not in tried.stdout


def test_valid_messages_of_a_file_are_valid(
    server: Server, client: Client, dataset: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "messages.ndjson"
    file.write_bytes(json.encode(client.message(*dataset, a_person())))

    tried = server.command("validate", "--dataset", "tried people", str(file))

    assert tried.stdout == "1 record: 1 valid, 0 invalid\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--schema", "a", "--dataset", "b", "-"), 2, "exactly one of the two"),
        (("-",), 2, "exactly one of the two"),
        (("--dataset", "nothing", "-"), 1, "No dataset is called 'nothing'"),
        (("--schema", "tried peopel", "-"), 1, "tried people"),
        (("--dataset", "a", "no-such-file"), 2, "no-such-file"),
    ],
)
def test_mistakes_in_the_command_are_explained(
    server: Server, dataset: tuple[str, str], arguments: tuple[str, ...], code: int, told: str
) -> None:
    refused = server.command("validate", *arguments, check=False)

    assert dataset
    assert refused.returncode == code
    assert told in refused.stderr


def test_the_impact_of_a_patch_is_told_before_it_is_made(
    server: Server, client: Client, tmp_path: Path
) -> None:
    schema_id, _ = client.people("patched people")
    bare = {"workEmail": {"address": "only@example.com"}}
    file = tmp_path / "people.ndjson"
    file.write_bytes(b"\n".join(map(json.encode, [a_person(), bare, a_person("b@example.com")])))
    server.command("send", "--dataset", "patched people", str(file))
    server.await_lake()
    patch = tmp_path / "patch.json"
    patch.write_text('[{"op": "add", "path": "/required", "value": ["person"]}]')

    told = server.command(
        *("schema", "impact", "--dataset", "patched people", "--patch", str(patch)), check=False
    )
    unchanged = server.command(
        *("schema", "impact", "--dataset", "patched people", "--format", "json"),
        *("--patch", str(empty(tmp_path))),
    )

    assert told.returncode == 1
    assert "1 of 3 records of patched people would fail" in told.stdout
    assert "would be refused" in told.stdout
    assert "[REG-4003]" in told.stdout
    assert "required key [person] not found" in told.stdout
    report = json.decode(unchanged.stdout)
    assert (report["schemaId"], report["failing"], report["isChanged"]) == (schema_id, 0, False)


def empty(folder: Path) -> Path:
    patch = folder / "empty.json"
    patch.write_text("[]")
    return patch


def test_the_impact_of_schema_files_is_told(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "members.yaml"
    file.write_text(MEMBERS)
    server.command("schema", "apply", str(file))
    server.command("send", "--dataset", "Impact members", "--samples", "300")
    server.await_lake()
    arguments = ("schema", "impact", "--dataset", "Impact members", str(file))

    same = server.command(*arguments)
    file.write_text(MEMBERS.replace("points: integer", "points: {type: integer, maximum: -1}"))
    stricter = server.command(*arguments, check=False)
    file.write_text(MEMBERS + MORE)
    added = server.command(*arguments)

    assert same.stdout.splitlines()[-1] == "0 of 300 records of Impact members would fail"
    assert stricter.returncode == 1
    assert "is not less or equal to -1" in stricter.stdout
    assert added.stdout.splitlines()[-1] == "0 of 300 records of Impact members would fail"


MEMBERS = """\
schemas:
  - title: Impact members
    class: XDM Individual Profile
    fieldGroups: [Impact details]
datasets:
  - {name: Impact members, schema: Impact members}
fieldGroups:
  - title: Impact details
    classes: [XDM Individual Profile]
    fields:
      memberId: {type: string, required: true}
      points: integer
"""
MORE = """\
      level: string
"""
