"""
The way of one request: decode, route, validate; each message ends as a row or a failed record.

Whatever is wrong with a message concerns that message alone. Nothing here touches a file:
rows and failed records wait in `Pending` for the next flush.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import structlog

from forebay.kernel.clock import Clock
from forebay.kernel.limits import VIOLATIONS_MAX
from forebay.lake.failed_records import Stage
from forebay.lake.ports import Origin, Rows, TableId, TableUnavailable
from forebay.processing.failures import Failure, failed_record
from forebay.processing.messages import Message, Request, Undecodable, messages
from forebay.processing.metrics import Outcome
from forebay.processing.pending import Done, Pending
from forebay.processing.ports import Dataset, DatasetDirectory

_OWN_ID = re.compile(r"[0-9a-f]{24}")
"""A dataset id as we give them: no other text is looked for among the tables."""


class Route(NamedTuple):
    """Where the messages of one request go that have the same header."""

    dataset: Dataset
    table: TableId
    origin: Origin
    rows: Rows


class Elsewhere(NamedTuple):
    """No way to go: the table has the records already, or takes none now."""

    outcome: Outcome
    stored_in: TableId | None = None
    """The table that has them, if their ids are to be theirs."""


Destination = Route | Elsewhere | Failure


@dataclass(frozen=True)
class Tally:
    """What the requests since the last flush are up to."""

    pending: Pending
    """Receives rows and failed records."""
    done: Done
    """What the tables have already."""
    held: set[TableId]
    """Tables that take nothing now; one that turns out to be unreadable is added."""


class Pipeline:
    """Turns requests into rows and failed records."""

    def __init__(self, directory: DatasetDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def run(self, request: Request, tally: Tally) -> dict[Outcome, int]:
        """Take the messages of a request to where they belong; return what became of how many."""
        outcomes = dict.fromkeys(Outcome, 0)
        failed_before = tally.done.failed_before(request)
        destinations: dict[object, Destination] = {}
        for index, message in messages(request):
            if index in failed_before:
                outcomes[Outcome.REPEATED] += 1
                continue
            if isinstance(message, Undecodable):
                outcomes[self._fail(request, index, _no_message(message), tally)] += 1
                continue
            key = (message.header, message.body.xdm_meta)
            if key not in destinations:
                destinations[key] = self._route(request, message, tally)
            outcomes[self._take(request, index, message, destinations[key], tally)] += 1
        return outcomes

    def _route(self, request: Request, message: Message, tally: Tally) -> Destination:
        head, header = request.head, message.header
        dataset = self._dataset(request, message)
        name = dataset.dataset_id if isinstance(dataset, Dataset) else header.dataset_id or ""
        table = TableId(head.sandbox_id, name) if _OWN_ID.fullmatch(name) else None
        if table is not None and (elsewhere := _elsewhere(request, table, tally)):
            is_claiming = isinstance(dataset, Dataset) and dataset.has_unique_ids
            is_stored = is_claiming and elsewhere.outcome is Outcome.REPEATED
            return elsewhere._replace(stored_in=table if is_stored else None)
        if isinstance(dataset, Failure):
            return msgspec.structs.replace(dataset, table=table)
        if table is None:
            return _misrouted(f"dataset {name!r} has no usable id")
        origin = Origin(
            received_ms=head.received_ms,
            partition=request.partition,
            offset=request.offset,
            is_batch=head.is_batch,
            inlet_id=head.inlet_id,
            source_name=(header.source and header.source.name) or head.source_name,
            flow_id=header.flow_id or head.flow_id,
            is_authenticated=head.is_authenticated,
            schema_version=dataset.schema_version,
        )
        return Route(dataset, table, origin, tally.pending.rows_of(table, dataset))

    def _dataset(self, request: Request, message: Message) -> Dataset | Failure:
        """Return the dataset a message belongs to, or why it belongs to none."""
        head, header = request.head, message.header
        if header.ims_org_id not in {None, "", head.org_id}:
            return _misrouted(f"header.imsOrgId is {header.ims_org_id}, not {head.org_id}")
        dataset_id = header.dataset_id or head.dataset_id
        if not dataset_id:
            return _misrouted("the message names no dataset: header.datasetId is missing")
        dataset = self._directory.find(head.org_id, head.sandbox_id, dataset_id)
        if dataset is None:
            return _misrouted(f"dataset {dataset_id} does not exist in sandbox {head.sandbox_name}")
        meta = message.body.xdm_meta
        references = {
            "header.schemaRef": header.schema_ref,
            "body.xdmMeta.schemaRef": None if meta is None else meta.schema_ref,
        }
        for place, reference in references.items():
            if reference is None or reference.id != dataset.schema_id:
                return _misrouted(
                    f"{place} names {reference and reference.id}, but the schema of dataset "
                    f"{dataset_id} is {dataset.schema_id}",
                    dataset,
                )
        return dataset

    def _take(
        self, request: Request, index: int, message: Message, destination: Destination, tally: Tally
    ) -> Outcome:
        entity = message.body.xdm_entity
        data = None if entity is msgspec.UNSET else bytes(entity)
        if isinstance(destination, Elsewhere):
            if destination.stored_in is not None and data is not None:
                tally.pending.stored.add(destination.stored_in, data, request.transaction_id, index)
            return destination.outcome
        if isinstance(destination, Failure):
            return self._fail(request, index, destination, tally, entity=data)
        if data is None:
            return self._fail(request, index, _no_entity(destination), tally)
        if failure := validate(destination, data):
            return self._fail(request, index, failure, tally, entity=data)
        rows = destination.rows
        rows.entities.append(data)
        rows.indexes.append(index)
        rows.origins.append(destination.origin)
        return Outcome.GOOD

    def _fail(
        self,
        request: Request,
        index: int,
        failure: Failure,
        tally: Tally,
        *,
        entity: bytes | None = None,
    ) -> Outcome:
        record = failed_record(request, index, failure, now_ms=self._clock.now_ms())
        tally.pending.fail(request.head.sandbox_id, record, failure.table)
        has_rule = failure.dataset is None or failure.dataset.has_unique_ids
        if entity is not None and failure.table is not None and has_rule:
            tally.pending.given_up.add(failure.table, entity, request.transaction_id, index)
        return Outcome.FAILED


def validate(route: Route, entity: bytes) -> Failure | None:
    """Return why a record does not obey its dataset's schema, None if it does."""
    validator = route.dataset.validator
    try:
        if validator.accepts(entity):
            return None
        violations = validator.explain(entity, violations_max=None)
        if violations is None:
            return None
        leaves = violations.leaves()
        shown = violations
        if len(leaves) > VIOLATIONS_MAX:
            shown = validator.explain(entity, violations_max=VIOLATIONS_MAX) or violations
    except Exception as error:  # noqa: BLE001  the worker's supervisor: one record's trouble stays its own
        structlog.get_logger().exception("record could not be validated")
        return _invalid(
            route, f"the record could not be validated: {type(error).__name__}: {error}"
        )
    more = f" (and {len(leaves) - 1} more)" if len(leaves) > 1 else ""
    failure = _invalid(route, f"{leaves[0].pointer}: {leaves[0].message}{more}")
    return msgspec.structs.replace(failure, violations=violations, shown=shown)


def _invalid(route: Route, message: str) -> Failure:
    return Failure(
        stage=Stage.VALIDATION, message=message, dataset=route.dataset, table=route.table
    )


def _no_message(found: Undecodable) -> Failure:
    return Failure(stage=found.stage, message=found.reason)


def _no_entity(route: Route) -> Failure:
    return Failure(
        stage=Stage.ENVELOPE,
        message="Payload body is missing xdmEntity",
        dataset=route.dataset,
        table=route.table,
    )


def _elsewhere(request: Request, table: TableId, tally: Tally) -> Elsewhere | None:
    """Say why nothing is to be done about the records of a table, if so."""
    if table in tally.held:
        return Elsewhere(Outcome.HELD)
    try:
        return Elsewhere(Outcome.REPEATED) if tally.done.has(table, request) else None
    except TableUnavailable as error:
        structlog.get_logger().error("table cannot be read", code=error.code, error=error.message)
        tally.held.add(table)
        return Elsewhere(Outcome.HELD)


def _misrouted(message: str, dataset: Dataset | None = None) -> Failure:
    return Failure(stage=Stage.ROUTING, message=message, dataset=dataset)
