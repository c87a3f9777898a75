"""
What validation costs, on one core: ``python bench/validation.py``.

Prints one table: accepting and explaining records of the walk-through schemas, composing and
compiling them, and the same for the largest event schema that the standard library can make.
"""

import statistics
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind, StandardLibrary
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support.xdm import EVENT, EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, an_identity

EVENT_CLASS = "https://ns.adobe.com/xdm/context/experienceevent"


def seconds(work: Callable[[], object], *, number: int, repeat: int = 7) -> tuple[float, float]:
    runs = [total / number for total in timeit.repeat(work, number=number, repeat=repeat)]
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
    micro, milli = 1e-6, 1e-3
    document = validation_document(compose(EVENT_SCHEMA, LIBRARY), [an_identity(EVENT_IDENTITY)])
    validator = Validator(document)
    fixture = json.encode(EVENT)
    bad = json.encode(
        {**EVENT, "_id": 7, "person": {}, "commerce": {"productViews": {"value": "one"}}}
    )
    largest = compose(largest_event_schema(), LIBRARY)
    large_document = validation_document(largest)
    large_validator = Validator(large_document)
    large = a_record_of(large_document, 10_000)
    assert validator.accepts(fixture)
    assert large_validator.accepts(large)

    print(f"{'':<58} {'best':>9} {'median':>9}  target")
    print("microseconds")
    row(
        f"accept the event of the walk-through ({len(fixture)} bytes)",
        lambda: validator.accepts(fixture),
        number=20_000,
        unit=micro,
        target="<= 3",
    )
    row(
        f"accept a record of the largest event schema ({len(large)} bytes)",
        lambda: large_validator.accepts(large),
        number=2_000,
        unit=micro,
        target="<= 25",
    )
    row(
        "explain three violations",
        lambda: validator.explain(bad, violations_max=None),
        number=1_000,
        unit=micro,
        target="<= 300",
    )
    print("milliseconds")
    row(
        "load the standard library and find one class",
        lambda: StandardLibrary().find(EVENT_CLASS),
        number=3,
        unit=milli,
        target="<= 300",
    )
    row(
        "compose and compile the event schema",
        lambda: Validator(validation_document(compose(EVENT_SCHEMA, LIBRARY))),
        number=3,
        unit=milli,
        target="< 50",
    )
    row(
        "compose the largest event schema",
        lambda: compose(largest_event_schema(), LIBRARY),
        number=1,
        unit=milli,
        target="<= 3000",
    )
    row(
        "compile the largest event schema",
        lambda: Validator(large_document),
        number=1,
        unit=milli,
        target="<= 5000",
    )


if __name__ == "__main__":
    main()
