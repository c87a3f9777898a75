"""Every standard component on its whole way: from the library into a table and back."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forebay.kernel import json
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import TableId, table_fields
from forebay.lake.records import open_rows
from forebay.xdm.composition import compose
from forebay.xdm.fields import ArrayOf, FieldType, MapOf, Object, Scalar, ScalarKind
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator
from forebay.xdm.values import identity_of
from support.lake import ONE, mark, rows_of
from support.xdm import LIBRARY

STAGES = ("composed", "compiled", "sampled", "validated", "written", "read back equal")
SHARES = (1.0, 0.35, 0.35)
"""Each component is followed with that many records; the first has every member it can have."""

Schema = Mapping[str, Any]


def schemas_of(kind: Kind) -> list[Schema]:
    """Return a schema for every component of a kind that uses the component as people do."""
    uses = {Kind.DATA_TYPE: _used_as_type, Kind.FIELD_GROUP: _used_as_group}
    use = uses.get(kind, _used_as_whole)
    return [use(resource) for resource in LIBRARY.list(kind)]


def schemas_of_classes() -> list[Schema]:
    """Return one schema per class: the class and every field group that is intended for it."""
    groups = LIBRARY.list(Kind.FIELD_GROUP)
    return [
        _schema(
            f"{owner['$id']} with its groups",
            owner["$id"],
            *(g["$id"] for g in groups if owner["$id"] in g.get("meta:intendedToExtend", ())),
        )
        for owner in LIBRARY.list(Kind.CLASS)
    ]


def follow(schemas: list[Schema], folder: Path) -> tuple[dict[str, int], list[str]]:
    """Return how many schemas passed each stage, and what went wrong with the others."""
    tables = IcebergTables(folder)
    passed: Counter[str] = Counter(dict.fromkeys(STAGES, 0))
    faults: list[str] = []
    for number, schema in enumerate(schemas):
        stages = _follow(schema, tables, folder, TableId("census", f"{number}"))
        for stage, fault in stages:
            if fault:
                faults.append(f"{schema['title']}: not {stage}: {fault}")
                break
            passed[stage] += 1
    tables.close()
    return {"of": len(schemas), **passed}, faults


def _schema(title: str, *parts: str) -> Schema:
    return {"title": title, "type": "object", "allOf": [{"$ref": part} for part in parts]}


def _used_as_whole(resource: Schema) -> Schema:
    return _schema(resource["$id"], resource["$id"])


def _used_as_group(resource: Schema) -> Schema:
    owners = [o for o in resource.get("meta:intendedToExtend", ()) if LIBRARY.find(o)]
    return _schema(resource["$id"], *owners[:1], resource["$id"])


def _used_as_type(resource: Schema) -> Schema:
    reference = {"$ref": resource["$id"]}
    return {
        "title": resource["$id"],
        "type": "object",
        "properties": {"one": reference, "many": {"type": "array", "items": reference}},
        "required": ["one"],
    }


def _follow(
    schema: Schema, tables: IcebergTables, folder: Path, table: TableId
) -> Iterator[tuple[str, str]]:
    """Yield each stage with what is wrong there, nothing if all is well."""
    composed = compose(schema, LIBRARY)
    yield "composed", "" if "$ref" not in str(composed) else "a reference is left"
    validator = Validator(validation_document(composed))
    yield "compiled", ""
    records = [
        sample(validator.document, seed=seed, optional_share=share)
        for seed, share in enumerate(SHARES)
    ]
    yield "sampled", "" if any(records) or not validator.fields.fields else "no record has a member"
    entities = [json.encode(record) for record in records]
    yield "validated", _invalid(validator, entities)
    columns = table_fields(validator.fields)
    tables.ensure(table, columns)
    prepared = tables.prepare(columns, rows_of(entities))
    tables.append(table, prepared, {ONE: mark(1)})
    yield "written", str(prepared.refusals or "")
    stored = open_rows(folder, table, validator.fields)
    back = [row.record for batch in stored.batches() for row in batch]
    yield "read back equal", _difference(validator.fields, records, back)


def _invalid(validator: Validator, entities: list[bytes]) -> str:
    violations = [validator.explain(entity, violations_max=None) for entity in entities]
    verdicts = [validator.accepts(entity) for entity in entities]
    agree = [violation is None for violation in violations] == verdicts
    return "" if agree and all(verdicts) else f"accepted {verdicts}, explained {violations}"


def _difference(fields: Object, sent: list[dict[str, Any]], back: list[dict[str, Any]]) -> str:
    wanted = [identity_of(normal(fields, record)) for record in sent]
    found = [identity_of(record) for record in back]
    return "" if wanted == found else f"sent {wanted}, found {found}"


def normal(kind: FieldType, value: Any) -> Any:
    """
    Return a sent value as the lake tells it; these are all the liberties of the comparison.

    - a ``date-time`` is an instant: in UTC, microseconds, ``Z``;
    - numbers are equal by value (1.0 is 1), as JSON Schema has it: `identity_of` does that;
    - members have no order: `identity_of` again.
    """
    match kind:
        case Object():
            types = {field.name: field.type for field in kind.fields}
            return {name: normal(types[name], member) for name, member in value.items()}
        case ArrayOf():
            return [normal(kind.item, item) for item in value]
        case MapOf():
            return {key: normal(kind.value, member) for key, member in value.items()}
        case Scalar(ScalarKind.DATE_TIME):
            instant = datetime.fromisoformat(value).astimezone(UTC)
            return instant.isoformat().replace("+00:00", "Z")
        case _:
            return value
