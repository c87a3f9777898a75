"""The ledger of batches in memory: the adapter for tests, with every promise but durability."""

from collections.abc import Sequence

from forebay.lake.batches import Batch, BatchQuery, LastBatches, Status, age_of, last_of


class MemoryLedger:
    """A ledger that ends with the process."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}

    def record(self, batches: Sequence[Batch]) -> None:
        """Keep batches; those that are known by their id stay as they are."""
        for batch in batches:
            self._batches.setdefault(batch.batch_id, batch)

    def has(self, batch_id: str) -> bool:
        """Say whether a batch is kept."""
        return batch_id in self._batches

    def find(self, sandbox_id: str, batch_id: str) -> Batch | None:
        """Return a batch of a sandbox."""
        found = self._batches.get(batch_id)
        return found if found and found.sandbox_id == sandbox_id else None

    def list_batches(self, sandbox_id: str, query: BatchQuery) -> list[Batch]:
        """Return one page of a sandbox's batches."""
        found = [
            batch
            for batch in self._batches.values()
            if batch.sandbox_id == sandbox_id and _is_wanted(batch, query)
        ]
        found.sort(key=age_of)
        for order, is_descending in reversed(query.order):
            found.sort(key=lambda batch: getattr(batch, order.value), reverse=is_descending)
        return found[query.start : query.start + query.limit]

    def last(self, sandbox_id: str, dataset_id: str) -> LastBatches | None:
        """Return the newest batches of a dataset; None if it has none."""
        return last_of(
            self._newest(sandbox_id, dataset_id, Status.SUCCESS),
            self._newest(sandbox_id, dataset_id, Status.FAILURE),
        )

    def close(self) -> None:
        """Keep everything: there is nothing to release."""

    def _newest(self, sandbox_id: str, dataset_id: str, status: Status) -> Batch | None:
        query = BatchQuery(dataset_ids=(dataset_id,), statuses=(status,), limit=len(self._batches))
        return max(self.list_batches(sandbox_id, query), key=age_of, default=None)


def _is_wanted(batch: Batch, query: BatchQuery) -> bool:
    return (
        (not query.batch_ids or batch.batch_id in query.batch_ids)
        and (not query.dataset_ids or batch.dataset_id in query.dataset_ids)
        and (not query.statuses or batch.status in query.statuses)
        and _is_between(batch.started_ms, query.started_after_ms, query.started_before_ms)
        and _is_between(batch.completed_ms, query.completed_after_ms, query.completed_before_ms)
    )


def _is_between(value: int, after: int | None, before: int | None) -> bool:
    return (after is None or value > after) and (before is None or value < before)
