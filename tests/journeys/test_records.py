"""From an inlet to rows of the lake."""

from forebay.kernel import json
from support.server import Client, Server, a_person, an_event


def test_a_person_and_an_event_become_rows(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    people, events = client.people("rows people"), client.events("rows events")

    person = server.http.post(inlet, json=client.message(*people, a_person()))
    event = server.http.post(inlet, json=client.message(*events, an_event("evt-rows")))

    server.await_lake()
    assert (person.status_code, event.status_code) == (200, 200)
    assert server.query("select person.name.firstName as name from rows_people") == [
        {"name": "Ada"}
    ]
    assert server.query("select _id, commerce.productViews.value as views from rows_events") == [
        {"_id": "evt-rows", "views": 1.0}
    ]


def test_the_receipt_is_the_address_of_the_row(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    people = client.people("receipts")

    receipt = server.http.post(inlet, json=client.message(*people, a_person())).json()

    server.await_lake()
    assert server.query("select _ingest.xactionId as id from receipts") == [
        {"id": receipt["xactionId"]}
    ]


def test_a_wrong_type_is_kept_with_its_violation_tree(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    people = client.people("wrong types")
    wrong = a_person(person={"name": {"firstName": 7}})

    receipt = server.http.post(inlet, json=client.message(*people, wrong)).json()

    server.await_lake()
    (failed,) = server.query(
        "select stage, violations, violationCount from failed_records "
        f"where xactionId = '{receipt['xactionId']}'"
    )
    assert failed["stage"] == "validation"
    assert failed["violationCount"] == 1
    assert '"message":"expected type: String, found: Long"' in failed["violations"]
    assert server.query("select count(*) as n from wrong_types") == [{"n": 0}]


def test_synchronous_validation_refuses_with_the_same_tree(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    people = client.people("sync")
    wrong = a_person(person={"name": {"firstName": 7}})

    answer = server.http.post(
        inlet, params={"syncValidation": "true"}, json=client.message(*people, wrong)
    )

    assert answer.status_code == 400
    assert answer.json()["report"]["cause"]["_streamingValidation"] == [
        {
            "schemaLocation": "#/properties/person/properties/name/properties/firstName",
            "pointerToViolation": "#/person/name/firstName",
            "causingExceptions": [],
            "keyword": "type",
            "message": "expected type: String, found: Long",
        }
    ]


def test_a_batch_keeps_the_good_ones_beside_a_refused_one(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    people = client.people("batch")
    good = [client.message(*people, a_person(f"p{n}@example.com")) for n in range(2)]
    foreign = client.message(*people, a_person())
    foreign["header"]["imsOrgId"] = "000000000000000000000000@AdobeOrg"

    answer = server.http.post(
        inlet.replace("/collection/", "/collection/batch/"),
        json={"messages": [good[0], foreign, good[1]]},
    )

    server.await_lake()
    first, refused, last = answer.json()["responses"]
    assert answer.status_code == 207
    assert first == {"xactionId": f"{answer.json()['batchId']}:0"}
    assert last == {"xactionId": f"{answer.json()['batchId']}:2"}
    assert (refused["status"], refused["statusCode"]) == (400, 400)
    assert server.query("select workEmail.address as a from batch order by 1") == [
        {"a": "p0@example.com"},
        {"a": "p1@example.com"},
    ]


def test_a_deleted_connection_takes_nothing_more(client: Client, server: Server) -> None:
    connection = client.create_inlet()
    inlet = connection["auth"]["params"]["inletUrl"]
    people = client.people("deleted")

    client.call("DELETE", f"/data/foundation/flowservice/connections/{connection['id']}")

    answers = {
        server.http.post(inlet, json=client.message(*people, a_person())).status_code
        for _ in range(100)
    }
    assert 404 in answers


def test_another_organization_sees_nothing(client: Client, server: Server) -> None:
    connection = client.create_inlet()
    other = Client(server, _new_organization(server, "Other"))

    answer = other.call("GET", f"/data/foundation/flowservice/connections/{connection['id']}")

    assert answer.status_code == 404


def _new_organization(server: Server, name: str) -> dict[str, str]:
    created: dict[str, str] = json.decode(
        server.command("org", "create", "--name", name, "--format", "json").stdout
    )
    return created
