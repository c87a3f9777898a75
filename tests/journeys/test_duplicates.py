"""The one duplicate rule, from an inlet to the lake."""

from support.server import CONTENT_TYPE, Client, Server, an_event


def test_event_that_is_sent_again_is_one_row(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    batch = inlet.replace("/collection/", "/collection/batch/")
    events = client.events("again")
    message = client.message(*events, an_event("evt-again"))
    rewritten = client.message(*events, dict(reversed(an_event("evt-again").items())))

    first = server.http.post(inlet, json=message)
    server.await_lake()
    second = server.http.post(inlet, json=message)
    third = server.http.post(batch, json={"messages": [message, rewritten]})

    server.await_lake()
    batch_id = third.json()["batchId"]
    assert (first.status_code, second.status_code) == (200, 200)
    assert third.json()["responses"] == [{"xactionId": f"{batch_id}:{n}"} for n in range(2)]
    assert server.query("select _ingest.xactionId as id from again") == [
        {"id": first.json()["xactionId"]}
    ]
    assert server.query(
        f"select count(*) as n from failed_records where datasetId = '{events[1]}'"
    ) == [{"n": 0}]


def test_other_content_under_the_same_id_is_a_failed_record(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    events = client.events("conflicts")
    other = an_event("evt-conflict", commerce={"productViews": {"value": 2}})
    first = server.http.post(inlet, json=client.message(*events, an_event("evt-conflict"))).json()

    second = server.http.post(inlet, json=client.message(*events, other))

    server.await_lake()
    (failed,) = server.query(
        "select stage, message from failed_records "
        f"where xactionId = '{second.json()['xactionId']}'"
    )
    assert second.status_code == 200
    assert failed["stage"] == "duplicate"
    assert failed["message"].startswith("ID_CONFLICT: _id 'evt-conflict'")
    assert first["xactionId"] in failed["message"]
    assert server.query("select commerce.productViews.value as n from conflicts") == [{"n": 1.0}]


def test_tag_of_a_dataset_switches_the_rule_off(client: Client, server: Server) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    schema_id, _ = client.events("judged")
    made = client.call(
        "POST",
        "/data/foundation/catalog/dataSets",
        {
            "name": "repeats",
            "schemaRef": {"id": schema_id, "contentType": CONTENT_TYPE},
            "tags": {"forebay/duplicates": ["off"]},
        },
    )
    dataset_id = made.json()[0].removeprefix("@/dataSets/")
    message = client.message(schema_id, dataset_id, an_event("evt-repeat"))

    for _ in range(2):
        server.http.post(inlet, json=message)

    server.await_lake()
    assert server.query("select count(*) as n from repeats") == [{"n": 2}]
