"""A dataset, messages for it, and a log that is a list: what processing is tested with."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from forebay.kernel import json
from forebay.kernel.ids import (
    ConnectionId,
    DatasetId,
    InletId,
    Offset,
    OrgId,
    PartitionId,
    SandboxId,
    SchemaId,
)
from forebay.lake.ports import TableId
from forebay.log.entry import Head, pack
from forebay.log.ports import Bounds, LogRecord, NotInLog
from forebay.processing.ports import Dataset
from forebay.xdm.validator import Validator

ORG = OrgId("49BBD1E62946471EC999E271@AdobeOrg")
SANDBOX = SandboxId("bd013bac-372e-4e8a-af1f-83c53d1d5dda")
INLET = InletId("ce8495a5aa56b405ed46e595b873ef3b138a55f615a0dd61311b351f1a8b37c3")
RECEIVED_MS = 1_795_000_000_000
PARTITION = PartitionId(1)

EVENTS = DatasetId("0" * 23 + "1")
VISITS = DatasetId("0" * 23 + "2")
EVENTS_TABLE = TableId(SANDBOX, EVENTS)
VISITS_TABLE = TableId(SANDBOX, VISITS)
FAILED_TABLE = TableId(SANDBOX, "failed_records")


def an_object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    """Return the rules of an object with declared members only."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def kind(name: str, xdm_type: str | None = None, **rules: Any) -> dict[str, Any]:
    return {"type": name, "meta:xdmType": xdm_type or name, **rules}


STRING = kind("string")
NUMBER = kind("number")
LONG = kind("integer", "long", minimum=-(2**53), maximum=2**53)
INT = kind("integer", "int", minimum=-(2**31), maximum=2**31 - 1)
BOOLEAN = kind("boolean")
DATE = kind("string", "date", format="date")
DATE_TIME = kind("string", "date-time", format="date-time")


def an_array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def a_map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


EVENT_DOCUMENT = an_object(
    ("_id", "timestamp"),
    _id=STRING,
    timestamp=DATE_TIME,
    eventType=STRING,
    producedBy=STRING,
    identityMap=a_map(an_array(an_object(id=STRING, primary=BOOLEAN, authenticatedState=STRING))),
    web=an_object(
        webPageDetails=an_object(name=STRING, URL=STRING, pageViews=an_object(value=NUMBER)),
        webReferrer=an_object(URL=STRING),
    ),
    device=an_object(type=STRING, screenHeight=INT, screenWidth=INT),
    environment=an_object(
        browserDetails=an_object(userAgent=STRING, viewportWidth=INT), ipV4=STRING
    ),
    productListItems=an_array(an_object(SKU=STRING, name=STRING, quantity=INT, priceTotal=NUMBER)),
    _acme=an_object(
        loyalty=an_object(tier=STRING, points=INT, since=DATE, balance=LONG, score=NUMBER)
    ),
)


def an_event(number: int) -> dict[str, Any]:
    """Return a valid event of some 700 bytes."""
    minute, second = divmod(number % 3600, 60)
    return {
        "_id": f"event-{number:012d}",
        "timestamp": f"2026-11-24T13:{minute:02d}:{second:02d}.{number % 1000:03d}Z",
        "eventType": "web.webpagedetails.pageViews",
        "producedBy": "self",
        "identityMap": {
            "ECID": [
                {"id": f"{number * 7919:038d}", "primary": True, "authenticatedState": "ambiguous"}
            ]
        },
        "web": {
            "webPageDetails": {
                "name": "Product page",
                "URL": f"https://shop.example.com/products/{number % 1000}",
                "pageViews": {"value": 1.0},
            },
            "webReferrer": {"URL": "https://search.example.org/"},
        },
        "device": {"type": "mobile", "screenHeight": 1920, "screenWidth": 1080},
        "environment": {
            "browserDetails": {
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140",
                "viewportWidth": 390,
            },
            "ipV4": "203.0.113.7",
        },
        "productListItems": [
            {
                "SKU": f"SKU-{number % 5000}",
                "name": "Blue shirt",
                "quantity": 1 + number % 3,
                "priceTotal": 19.99 + number % 50,
            }
        ],
        "_acme": {"loyalty": {"tier": "gold", "points": number % 10000}},
    }


def schema_id(dataset_id: str) -> SchemaId:
    return SchemaId(f"https://ns.adobe.com/acme/schemas/{dataset_id}")


def a_message(
    entity: Any, dataset_id: str = EVENTS, *, schema: str | None = None, **header: Any
) -> dict[str, Any]:
    """Return a message for a dataset."""
    reference = {
        "id": schema or schema_id(dataset_id),
        "contentType": "application/vnd.adobe.xed-full+json;version=1.0",
    }
    return {
        "header": {
            "schemaRef": reference,
            "imsOrgId": ORG,
            "datasetId": dataset_id,
            "source": {"name": "Shop"},
            **header,
        },
        "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity},
    }


def a_head(*, is_batch: bool = True, received_ms: int = RECEIVED_MS, **changes: Any) -> Head:
    return Head(
        received_ms=received_ms,
        org_id=ORG,
        sandbox_id=SANDBOX,
        sandbox_name="prod",
        inlet_id=INLET,
        connection_id=ConnectionId("66134de2-e797-40ac-9cbc-166de8e2934f"),
        source_name="Shop connection",
        is_batch=is_batch,
        **changes,
    )


def a_batch(messages: Sequence[Any], **changes: Any) -> bytes:
    """Return the log record of a batch."""
    return b"".join(pack(a_head(**changes), json.encode({"messages": list(messages)})))


def a_single(message: Any, **changes: Any) -> bytes:
    """Return the log record of a single message; bytes are taken as they are."""
    body = message if isinstance(message, bytes) else json.encode(message)
    return b"".join(pack(a_head(is_batch=False, **changes), body))


class ListLog:
    """A log that is read like any other."""

    def __init__(self, log_id: str = "1f" * 16) -> None:
        self.payloads: dict[PartitionId, list[bytes]] = {PARTITION: []}
        self.id = log_id

    def append(self, payload: bytes, partition: PartitionId = PARTITION) -> Offset:
        records = self.payloads.setdefault(partition, [])
        records.append(payload)
        return Offset(len(records) - 1)

    def partitions(self) -> list[PartitionId]:
        return sorted(self.payloads)

    def log_id(self, partition: PartitionId) -> str:
        return f"{self.id}{partition}"

    def bounds(self, partition: PartitionId) -> Bounds:
        return Bounds(Offset(0), Offset(len(self.payloads[partition])))

    def read(self, partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        if start < 0:
            raise NotInLog(f"{start} is no offset")
        found: list[LogRecord] = []
        size = 0
        for offset, payload in enumerate(self.payloads[partition][start:], start):
            found.append(LogRecord(Offset(offset), payload))
            size += len(payload)
            if size >= bytes_max:
                break
        return found

    def close(self) -> None:
        pass


class Directory:
    """Datasets in a dict; the schemas may change under way."""

    def __init__(
        self, documents: Mapping[str, Mapping[str, Any]], unique: Collection[str] = ()
    ) -> None:
        """Know datasets by their validation documents; in those of `unique`, ids are unique."""
        self.datasets = {
            dataset_id: Dataset(
                dataset_id=DatasetId(dataset_id),
                schema_id=schema_id(dataset_id),
                schema_version="1.0",
                validator=Validator(document),
                has_unique_ids=dataset_id in unique,
            )
            for dataset_id, document in documents.items()
        }

    def find(self, org_id: OrgId, sandbox_id: SandboxId, dataset_id: str) -> Dataset | None:
        return self.datasets.get(dataset_id) if (org_id, sandbox_id) == (ORG, SANDBOX) else None
