"""A schema grows while its dataset takes records: what came before and after is in one table."""

from typing import Any

from support.server import CONTENT_TYPE, Client, Server

REGISTRY = "/data/foundation/schemaregistry/tenant"
CLASS = "https://ns.adobe.com/xdm/context/profile"
ATTEMPTS_MAX = 30


def a_loyalty_group(client: Client) -> str:
    """Create a field group with an object, a list of objects and a map; return its id."""
    text = {"type": "string"}
    members = {
        "card": {"type": "object", "properties": {"tier": text}},
        "visits": {"type": "array", "items": {"type": "object", "properties": {"shop": text}}},
        "notes": {"type": "object", "additionalProperties": text},
        "points": {"type": "integer"},
    }
    tenant = f"_{client.members['tenant_id']}"
    created = client.call(
        "POST",
        f"{REGISTRY}/fieldgroups",
        {
            "title": "Loyalty that grows",
            "meta:intendedToExtend": [CLASS],
            "definitions": {
                "loyalty": {"properties": {tenant: {"type": "object", "properties": members}}}
            },
            "allOf": [{"$ref": "#/definitions/loyalty"}],
        },
    )
    assert created.status_code == 201, created.text
    return str(created.json()["$id"])


def a_dataset(client: Client, group: str) -> tuple[str, str]:
    schema = client.call(
        "POST",
        f"{REGISTRY}/schemas",
        {"title": "Grows", "type": "object", "allOf": [{"$ref": CLASS}, {"$ref": group}]},
    )
    assert schema.status_code == 201, schema.text
    schema_id = str(schema.json()["$id"])
    reference = {"id": schema_id, "contentType": CONTENT_TYPE}
    dataset = client.call(
        "POST", "/data/foundation/catalog/dataSets", {"name": "Grows", "schemaRef": reference}
    )
    assert dataset.status_code == 201, dataset.text
    return schema_id, dataset.json()[0].removeprefix("@/dataSets/")


def test_field_added_to_a_group_is_a_column_of_the_next_records(
    client: Client, server: Server
) -> None:
    tenant = f"_{client.members['tenant_id']}"
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    group = a_loyalty_group(client)
    dataset = a_dataset(client, group)

    def send(record_id: str, **members: Any) -> None:
        message = client.message(*dataset, {"_id": record_id, tenant: members})
        assert server.http.post(inlet, json=message).status_code == 200

    send("old", card={"tier": "gold"}, visits=[{"shop": "A"}], notes={"k": "v"}, points=1)
    server.await_lake()
    (before,) = server.query(f"SELECT {tenant} AS t FROM grows")

    fields = f"/definitions/loyalty/properties/{tenant}/properties"
    changed = client.call(
        "PATCH",
        f"{REGISTRY}/fieldgroups/{group.replace(':', '%3A').replace('/', '%2F')}",
        [
            {"op": "add", "path": f"{fields}/card/properties/since", "value": {"type": "string"}},
            {
                "op": "add",
                "path": f"{fields}/visits/items/properties/spent",
                "value": {"type": "number"},
            },
            {"op": "add", "path": f"{fields}/nick", "value": {"type": "string"}},
        ],
    )
    assert changed.status_code == 200, changed.text
    new = {"card": {"since": "2020"}, "visits": [{"shop": "B", "spent": 2.5}], "nick": "Ada"}
    for attempt in range(ATTEMPTS_MAX):
        send(f"new-{attempt}", **new)
        server.await_lake()
        if server.query("SELECT _id FROM grows WHERE _id LIKE 'new-%'"):
            break

    after = server.query(
        f"SELECT {tenant}.card.since AS since, {tenant}.visits[1].spent AS spent,"
        f" {tenant}.nick AS nick, {tenant}.card.tier AS tier FROM grows ORDER BY _id DESC"
    )
    assert before["t"]["card"] == {"tier": "gold"}
    assert after == [
        {"since": None, "spent": None, "nick": None, "tier": "gold"},
        {"since": "2020", "spent": 2.5, "nick": "Ada", "tier": None},
    ]
