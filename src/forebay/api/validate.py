"""
``POST /forebay/v1/validate``: records tried against a schema or a dataset, nothing stored.

Records are cut out of the body as bytes and judged as bytes, since a duplicate key or a number
too long is seen in nothing else. The work is done beside the event loop, for a few requests at a
time; the others wait their turn and cost nothing but their body.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.bodies import BodyTooLarge
from forebay.api.context import body_of, context_of
from forebay.api.problems import json_response
from forebay.control.scope import Scope
from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.limits import VALIDATE_RECORDS_MAX
from forebay.xdm.advice import right_instead
from forebay.xdm.explainer import Budget
from forebay.xdm.pointers import dotted
from forebay.xdm.tally import Tally, decoded, wrong_value
from forebay.xdm.violations import Violation

RESULTS_MAX = 10_000
RESULTS_DEFAULT = 100
VIOLATIONS_OF_RECORD_MAX = 1_000
VIOLATIONS_SHOWN_MAX = 10_000
"""Violations written out in one answer; all are counted."""

_AT_ONCE_MAX = 2
_SUMMARY_MAX = 200


class DryRunInvalid(PlatformError):
    """A dry run was asked for in a way that cannot be understood."""

    code = "DRYRUN-1400"
    status = 400
    title = "Dry run invalid"
    disposition = Disposition.REJECT


class Judgement(NamedTuple):
    """What is wrong with one record."""

    entity: bytes
    """The record: of a message, its ``xdmEntity``."""
    violation: Violation | None
    """All that is wrong, None if nothing is."""
    is_message: bool


class Target(Protocol):
    """What records are tried against."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The rules."""

    @property
    def schema_id(self) -> str:
        """The schema."""

    @property
    def version(self) -> str:
        """Its version now."""

    @property
    def dataset_id(self) -> str | None:
        """The dataset, if records are tried against one."""

    def judge(self, data: bytes) -> Judgement:
        """Return what is wrong with a record, or with a whole message."""


class Targets(Protocol):
    """The schemas and datasets of all sandboxes."""

    def of_schema(self, scope: Scope, schema_id: str) -> Target:
        """Return a schema by ``$id`` or ``meta:altId``."""

    def of_dataset(self, scope: Scope, dataset_id: str) -> Target:
        """Return a dataset by its id."""


_ABSENT = json.Raw(b"")
"""No JSON value is empty."""


class _Document(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A JSON body."""

    schema_id: str | None = None
    dataset_id: str | None = None
    record: json.Raw = _ABSENT
    records: list[json.Raw] | None = None


class _Options(NamedTuple):
    """What the answer shall hold."""

    results: str
    limit: int


class _Item(NamedTuple):
    """One record of a body."""

    number: int
    """Its place among the records, from 0."""
    line: int | None
    """Its line, from 1, in NDJSON."""
    data: bytes

    def where(self) -> dict[str, Any]:
        at: dict[str, Any] = {"index": self.number}
        return at if self.line is None else at | {"line": self.line}


class _Asked(NamedTuple):
    schema_id: str | None
    dataset_id: str | None
    items: Iterator[_Item]
    options: _Options


_document = msgspec.json.Decoder(_Document)


def router(targets: Targets) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/forebay/v1", tags=["Forebay"])
    turns = asyncio.Semaphore(_AT_ONCE_MAX)

    @routes.post("/validate")
    async def validate(request: Request) -> Response:
        """Say which of the records would be refused, and all that is wrong with them."""
        async with turns:
            return await run_in_threadpool(_answer, request, targets)

    return routes


def _answer(request: Request, targets: Targets) -> Response:
    asked = _read(request)
    scope = context_of(request).scope
    if asked.dataset_id is not None:
        target = targets.of_dataset(scope, asked.dataset_id)
    elif asked.schema_id is not None:
        target = targets.of_schema(scope, asked.schema_id)
    else:
        raise DryRunInvalid("Name what the records are tried against: schemaId or datasetId.")
    return json_response(_report(target, asked.items, asked.options))


def _report(target: Target, items: Iterator[_Item], options: _Options) -> dict[str, Any]:
    tally = Tally(target.document)
    results: list[dict[str, Any]] = []
    count = invalid = left_out = shown = 0
    for item in items:
        count += 1
        judgement = target.judge(item.data)
        leaves = judgement.violation.leaves() if judgement.violation else []
        if leaves:
            invalid += 1
            tally.add(leaves, judgement.entity, item.where)
        elif options.results != "all":
            continue
        if len(results) < options.limit and shown < VIOLATIONS_SHOWN_MAX:
            results.append(_result(target, item, judgement, leaves))
            shown += len(leaves)
        else:
            left_out += 1
    kinds = tally.kinds()
    return {
        "schemaId": target.schema_id,
        "schemaVersion": target.version,
        "datasetId": target.dataset_id,
        "records": count,
        "valid": count - invalid,
        "invalid": invalid,
        "violations": tally.violations,
        "summary": [kind.shown() for kind in kinds[:_SUMMARY_MAX]],
        "summaryLeftOut": sum(kind.violations for kind in kinds[_SUMMARY_MAX:]) + tally.left_out,
        "results": results,
        "resultsLeftOut": left_out,
    }


def _result(
    target: Target, item: _Item, judgement: Judgement, leaves: list[Violation]
) -> dict[str, Any]:
    result = {
        **item.where(),
        "valid": not leaves,
        "isMessage": judgement.is_message,
        "violationCount": len(leaves),
    }
    tree = judgement.violation
    if tree is None:
        return result
    if len(leaves) > VIOLATIONS_OF_RECORD_MAX:
        tree = Budget(VIOLATIONS_OF_RECORD_MAX).trim(tree)
        leaves = leaves[:VIOLATIONS_OF_RECORD_MAX]
    record = decoded(judgement.entity)
    return result | {
        "violations": [
            {
                "path": dotted(leaf.pointer, record),
                "keyword": leaf.keyword,
                "message": leaf.message,
                "value": wrong_value(leaf, record),
                "right": right_instead(target.document, leaf),
            }
            for leaf in leaves
        ],
        "report": tree.tree(),
    }


def _read(request: Request) -> _Asked:
    query, body = request.query_params, body_of(request)
    options = _read_options(query)
    schema_id, dataset_id = query.get("schemaId"), query.get("datasetId")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower().endswith("ndjson"):
        return _Asked(schema_id, dataset_id, _lines(body), options)
    try:
        document = _document.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DryRunInvalid(
            f"The body is not what is expected: {error}. Expected are schemaId or datasetId, and "
            "record or records; or one record a line as application/x-ndjson."
        ) from None
    record = bytes(document.record)
    if (not record) == (document.records is None):
        raise DryRunInvalid("The body has either record or records, exactly one of the two.")
    raws: Iterable[bytes] = [record] if record else map(bytes, document.records or ())
    _require_count(len(document.records or ()))
    items = (_Item(number, None, raw) for number, raw in enumerate(raws))
    return _Asked(
        document.schema_id or schema_id, document.dataset_id or dataset_id, items, options
    )


def _read_options(query: QueryParams) -> _Options:
    known = {"schemaId", "datasetId", "results", "limit"}
    for name in query:
        if name not in known:
            raise DryRunInvalid(
                f"The parameter {name!r} is unknown; there are {', '.join(sorted(known))}."
            )
    results, limit = query.get("results", "invalid"), query.get("limit", str(RESULTS_DEFAULT))
    if results not in {"invalid", "all"}:
        raise DryRunInvalid(f"results is {results!r}; expected invalid or all.")
    is_number = limit.isascii() and limit.isdigit() and len(limit) <= len(str(RESULTS_MAX))
    if not is_number or int(limit) > RESULTS_MAX:
        raise DryRunInvalid(f"limit is {limit!r}; expected a number from 0 to {RESULTS_MAX}.")
    return _Options(results, int(limit))


def _lines(body: bytes) -> Iterator[_Item]:
    lines = body.split(b"\n")
    _require_count(sum(1 for line in lines if line.strip()))
    filled = ((place, data) for place, line in enumerate(lines, 1) if (data := line.strip()))
    for number, (place, data) in enumerate(filled):
        yield _Item(number, place, data)


def _require_count(count: int) -> None:
    if count > VALIDATE_RECORDS_MAX:
        raise BodyTooLarge(
            f"The request has {count} records; {VALIDATE_RECORDS_MAX} are possible at once."
        )
