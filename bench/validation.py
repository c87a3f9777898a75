"""
What validation costs, on one core: ``python bench/validation.py``.

Prints one table: accepting and explaining records of the walk-through schemas and of a schema of
ordinary origin, composing and compiling them, the same for the largest event schema that the
standard library can make, and what the library costs the process that uses it.
"""

import gc
import multiprocessing
import random
import statistics
import sys
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind, StandardLibrary
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support.xdm import EVENT, EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, NS, an_identity

EVENT_CLASS = NS + "xdm/context/experienceevent"
ORDINARY_GROUPS = (
    "xdm/context/experienceevent-environment-details",
    "xdm/context/experienceevent-commerce",
    "xdm/context/experienceevent-web",
    "xdm/context/experienceevent-channel",
    "xdm/context/experienceevent-marketing",
    "xdm/context/experienceevent-application",
    "xdm/context/experienceevent-search",
    "xdm/context/experienceevent-order-details",
    "xdm/context/experienceevent-loyalty-details",
    "xdm/mixins/current-weather",
    "xdm/mixins/experienceevent-user-login-details",
)
OWN_FIELDS = {
    "type": "object",
    "properties": {
        "store": {
            "type": "object",
            "properties": {
                **{name: {"type": "string"} for name in ("city", "region", "manager", "phone")},
                "openedAt": {"type": "string", "format": "date-time"},
                "contact": {"type": "string", "format": "email"},
                "size": {"type": "integer", "meta:xdmType": "int"},
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "scores": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
ORDINARY_SCHEMA: dict[str, Any] = {
    "$id": NS + "acme/schemas/ordinary",
    "type": "object",
    "allOf": [
        {"$ref": EVENT_CLASS},
        *({"$ref": NS + group} for group in ORDINARY_GROUPS),
        {"type": "object", "properties": {"_acme": OWN_FIELDS}},
    ],
}
TEXTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Blue shirt, long sleeves, organic cotton, delivered within three days to the nearest shop",
    "https://shop.example.com/checkout/payment/confirmation?basket=17&campaign=autumn-2026",
    "a3f0c1de-77b2-4c8e-9a31-5f2d1c0b9e77",
    "Köln, Ehrenfeld",
    "campaign-autumn-2026-newsletter-b",
)
MEGABYTE = 1e6
MILLI = 1e-3


def ordinary_record(document: dict[str, Any], fields: int) -> object:
    """Return a valid record with so many fields, texts as people send them, in no special order."""
    luck = random.Random(1)
    record: dict[str, Any] = {}
    for seed in range(100):
        more = sample(document, seed=seed)
        merged = overlaid(record, more)
        if isinstance(merged, dict) and leaves(merged) <= fields:
            record = merged
    return shuffled(with_texts(document, record, luck), luck)


def overlaid(one: object, other: object) -> object:
    """Return the members of both; of values that both have, the first one's."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one
    both = {key: overlaid(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**other, **one, **both}


def leaves(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def with_texts(node: dict[str, Any], value: object, luck: random.Random) -> object:
    """Return a value whose free texts are realistic ones."""
    if isinstance(value, dict):
        fields = node.get("properties", {})
        below = {key: fields.get(key, node.get("additionalProperties")) for key in value}
        return {key: with_texts(below[key], member, luck) for key, member in value.items()}
    if isinstance(value, list):
        return [with_texts(node["items"], item, luck) for item in value]
    ruled = {"format", "pattern", "enum", "const", "maxLength", "oneOf", "anyOf"}
    is_free = isinstance(value, str) and ruled.isdisjoint(node)
    return luck.choice(TEXTS) if is_free else value


def shuffled(value: object, luck: random.Random) -> object:
    if isinstance(value, list):
        return [shuffled(item, luck) for item in value]
    if not isinstance(value, dict):
        return value
    keys = luck.sample(sorted(value), len(value))
    return {key: shuffled(value[key], luck) for key in keys}


def library_use() -> tuple[float, float, float]:
    """Return the seconds and megabytes of a first look into the library, and of a look at all."""
    before = memory_bytes()
    library = StandardLibrary()
    began = time.perf_counter()
    library.find(EVENT_CLASS)
    seconds = time.perf_counter() - began
    after_one = memory_bytes()
    for kind in Kind:
        library.list(kind)
    return seconds, (after_one - before) / MEGABYTE, (memory_bytes() - before) / MEGABYTE


def memory_bytes() -> int:
    """Return what is resident of this process, after the garbage is gone."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def seconds(work: Callable[[], object], *, number: int, repeat: int = 7) -> tuple[float, float]:
    # Time of this process, so that a busy neighbour does not count.
    totals = timeit.repeat(work, timer=time.process_time, number=number, repeat=repeat)
    runs = [total / number for total in totals]
    return min(runs), statistics.median(runs)


def largest_event_schema() -> dict[str, object]:
    groups = [
        group["$id"]
        for group in LIBRARY.list(Kind.FIELD_GROUP)
        if EVENT_CLASS in group.get("meta:intendedToExtend", ())
    ]
    parts = [{"$ref": identifier} for identifier in (EVENT_CLASS, *groups)]
    return {"$id": "https://ns.adobe.com/acme/schemas/all", "type": "object", "allOf": parts}


def a_record_of(document: dict[str, object], size_bytes: int) -> bytes:
    """Return the generated record that comes nearest to a size."""
    records = (json.encode(sample(document, seed=seed)) for seed in range(200))
    return min(records, key=lambda record: abs(len(record) - size_bytes))


def row(name: str, work: Callable[[], object], *, number: int, unit: float, target: str) -> None:
    best, median = seconds(work, number=number)
    print(f"{name:<58} {best / unit:>9.2f} {median / unit:>9.2f}  {target}")


def main() -> None:
    print(f"{'':<58} {'best':>9} {'median':>9}  target")
    largest = validation_document(compose(largest_event_schema(), LIBRARY))
    print("microseconds")
    record_rows(largest)
    print("milliseconds")
    schema_rows(largest)
    print("in a fresh process: milliseconds, then megabytes")
    library_rows()


def record_rows(largest: dict[str, Any]) -> None:
    document = validation_document(compose(EVENT_SCHEMA, LIBRARY), [an_identity(EVENT_IDENTITY)])
    ordinary = validation_document(compose(ORDINARY_SCHEMA, LIBRARY))
    compact = json.encode(EVENT)
    record = ordinary_record(ordinary, 200)
    encoded = json.encode(record)
    size = f"{len(encoded)} bytes, {leaves(record)} fields"
    wanted = (
        ("accept the event of the walk-through", document, compact, "<= 3"),
        ("the same, indented by two", document, msgspec.json.format(compact, indent=2), ""),
        (
            f"accept an ordinary record of 10 KB, {leaves(record)} fields",
            ordinary,
            encoded,
            "<= 25",
        ),
        ("accept a record of the largest event schema", largest, a_record_of(largest, 10_000), ""),
    )
    for name, rules, entity, target in wanted:
        accepts = Validator(rules).accepts
        assert accepts(entity)
        number = 2_000_000 // len(entity)
        micros(f"{name} ({len(entity)} bytes)", partial(accepts, entity), number, target)
    micros(f"decode {size} to dicts, nothing checked", partial(json.decode, encoded), 200, "")
    bad = {**EVENT, "_id": 7, "person": {}, "commerce": {"productViews": {"value": "one"}}}
    explain = partial(Validator(document).explain, json.encode(bad), violations_max=None)
    micros("explain three violations", explain, 1_000, "<= 300")


def micros(name: str, work: Callable[[], object], number: int, target: str) -> None:
    row(name, work, number=number, unit=1e-6, target=target)


def schema_rows(largest: dict[str, Any]) -> None:
    row(
        "compose and compile the event schema",
        lambda: Validator(validation_document(compose(EVENT_SCHEMA, LIBRARY))),
        number=3,
        unit=MILLI,
        target="< 50",
    )
    row(
        "compose the largest event schema",
        lambda: compose(largest_event_schema(), LIBRARY),
        number=1,
        unit=MILLI,
        target="<= 3000",
    )
    row(
        "compile the largest event schema",
        lambda: Validator(largest),
        number=1,
        unit=MILLI,
        target="<= 5000",
    )


def library_rows() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        found, one, everything = fresh.submit(library_use).result()
    print(f"{'standard library, first find':<58} {found / MILLI:>9.2f} {'':>9}  <= 300")
    print(f"{'standard library, one resource decoded':<58} {one:>9.1f} {'':>9}  <= 60")
    print(f"{'standard library, everything decoded':<58} {everything:>9.1f} {'':>9}  <= 60")


if __name__ == "__main__":
    main()
