"""
What is ours and not Adobe's: ``/forebay/v1/…``.

Watermarks carry positions and counts only, like metrics, and need no credentials.
"""

from typing import Any, NamedTuple, Protocol

from fastapi import APIRouter

from forebay.kernel.ids import PartitionId


class Lag(NamedTuple):
    """How far a sink is behind what is durable."""

    records: int
    """Messages that are durable and not yet visible."""
    seconds: float
    """Age of the oldest of them."""


class Watermarks(Protocol):
    """The positions of all stages, as log offsets."""

    def durable(self) -> dict[PartitionId, int]:
        """Return the last acknowledged offset of each partition, -1 if there is none."""

    def lake(self) -> dict[PartitionId, int]:
        """Return the last offset of each partition up to which everything is in the lake."""

    def lake_lag(self) -> Lag:
        """Return how far the lake is behind."""


def router(watermarks: Watermarks) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/forebay/v1", tags=["Forebay"])

    @routes.get("/watermarks")
    def get_watermarks() -> dict[str, Any]:
        """Positions of each partition and the lag of each sink; null: there is no such sink."""
        lake, lag = watermarks.lake(), watermarks.lake_lag()
        return {
            "partitions": {
                f"{partition:04d}": {
                    "durable": durable,
                    "lake": lake.get(partition, -1),
                    "profile": None,
                }
                for partition, durable in watermarks.durable().items()
            },
            "lag": {
                "lake": {"records": lag.records, "seconds": lag.seconds},
                "profile": {"records": None, "seconds": None},
            },
        }

    return routes
