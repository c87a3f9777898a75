"""What a change of a schema would do to stored records: the proposed rules over the rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from forebay.api.impact import Asked
from forebay.app.dry_run import Validators
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.proposal import Proposal, Proposals
from forebay.control.schemas.service import SchemaService
from forebay.control.scope import Actor, Scope
from forebay.kernel import json
from forebay.kernel.clock import Clock
from forebay.lake.ports import TableId
from forebay.lake.records import StoredRecord, StoredRows, open_rows
from forebay.xdm.tally import Tally
from forebay.xdm.validator import Validator

_SUMMARY_MAX = 200


class Impact:
    """Reports what changes would do to stored records (`api.impact.Impacts`)."""

    def __init__(
        self,
        schemas: SchemaService,
        datasets: DatasetService,
        proposals: Proposals,
        validators: Validators,
        lake: Path,
        clock: Clock,
    ) -> None:
        self._schemas = schemas
        self._datasets = datasets
        self._proposals = proposals
        self._validators = validators
        self._lake = lake
        self._clock = clock

    def report(self, scope: Scope, actor: Actor, asked: Asked) -> dict[str, Any]:
        """
        Return what the changes would do to the stored records of a dataset.

        Raises:
            DatasetNotFound: The sandbox has no such dataset.
            SnapshotGone: There is no such snapshot.
            TableUnavailable: The rows cannot be read.
            StoreBusy: Another process holds the control store.
        """
        dataset = self._datasets.get(scope, asked.dataset_id)
        present = self._schemas.validation(scope, dataset.schema_id)
        proposal = self._proposals.propose(scope, actor, dataset.schema_id, asked.changes)
        about = {
            "datasetId": dataset.dataset_id,
            "schemaId": dataset.schema_id,
            "proposedVersion": proposal.version,
            "isChanged": proposal.rules is not None and proposal.rules.digest != present.digest,
            "refused": _refused(proposal),
        }
        if proposal.rules is None:
            return about | _NOT_TRIED
        today = self._validators.get(present)
        table = TableId(scope.sandbox_id, dataset.dataset_id)
        rows = open_rows(self._lake, table, today.fields, snapshot_id=asked.snapshot_id)
        trial = _Trial(today, self._validators.get(proposal.rules))
        trial.run(self._within(asked, rows))
        following = asked.start + trial.read
        return about | {
            "snapshotId": None if rows.snapshot_id is None else str(rows.snapshot_id),
            "rows": {
                "total": rows.row_count,
                "start": asked.start,
                "read": trial.read,
                "next": following if following < rows.row_count else None,
            },
            **trial.shown(),
        }

    def _within(self, asked: Asked, rows: StoredRows) -> Iterator[Sequence[StoredRecord]]:
        """Yield batches until the rows, the limit or the time is used up."""
        deadline_s = self._clock.monotonic_s() + asked.seconds_max
        left = rows.row_count if asked.limit is None else asked.limit
        for batch in rows.batches(start=asked.start) if left else ():
            yield batch[:left]
            left -= len(batch)
            if left <= 0 or self._clock.monotonic_s() >= deadline_s:
                return


class _Trial:
    """Proposed rules over records that are valid today."""

    def __init__(self, today: Validator, proposed: Validator) -> None:
        self._today = today
        self._proposed = proposed
        self._tally = Tally(proposed.document)
        self._failing = 0
        self._failing_today = 0
        self.read = 0

    def run(self, batches: Iterator[Sequence[StoredRecord]]) -> None:
        for batch in batches:
            for stored in batch:
                self._take(stored)
            self.read += len(batch)

    def _take(self, stored: StoredRecord) -> None:
        entity = json.encode(stored.record)
        violation = self._proposed.validate(entity, violations_max=None)
        if violation is None:
            return
        self._failing += 1
        self._failing_today += self._today.validate(entity) is not None
        where = {"xactionId": stored.xaction_id, "id": stored.record.get("_id")}
        self._tally.add(violation.leaves(), entity, lambda: where)

    def shown(self) -> dict[str, Any]:
        kinds, tally = self._tally.kinds(), self._tally
        return {
            "failing": self._failing,
            "failingToday": self._failing_today,
            "violations": tally.violations,
            "summary": [kind.shown() for kind in kinds[:_SUMMARY_MAX]],
            "summaryLeftOut": sum(kind.violations for kind in kinds[_SUMMARY_MAX:])
            + tally.left_out,
        }


_NOT_TRIED: dict[str, Any] = {
    "snapshotId": None,
    "rows": None,
    "failing": None,
    "failingToday": None,
    "violations": None,
    "summary": [],
    "summaryLeftOut": 0,
}


def _refused(proposal: Proposal) -> list[dict[str, Any]]:
    return [
        {
            "change": refused.number,
            "code": refused.code,
            "title": refused.title,
            "message": refused.message,
            "isTried": refused.is_tried,
        }
        for refused in proposal.refused
    ]
