"""
``POST /forebay/v1/schemas/impact``: how many stored records a changed schema would refuse.

Nothing is changed. A large table is read in parts: an answer that has not read all rows says
where the next request begins, and in which snapshot.
"""

import asyncio
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter
from msgspec import UNSET, UnsetType
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.api.problems import json_response
from forebay.api.validate import DryRunInvalid
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.proposal import Change, DescriptorChange, ResourceChange
from forebay.control.scope import Actor, Scope

CHANGES_MAX = 1_000
SECONDS_DEFAULT = 20
SECONDS_MAX = 60

_NEVER_MADE = (ResourceType.BEHAVIOR, ResourceType.UNION)
_TYPES = {kind.value: kind for kind in ResourceType if kind not in _NEVER_MADE}
_TYPES["fieldgroups"] = ResourceType.FIELD_GROUP
_INT64_MAX = 2**63 - 1


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is to be about."""

    dataset_id: str
    changes: tuple[Change, ...]
    start: int
    """The row to begin with, from 0."""
    limit: int | None
    """Rows to read at most; None reads all."""
    seconds_max: int
    """After this no more rows are begun."""
    snapshot_id: int | None
    """The state of the table; None is the present one."""


class Impacts(Protocol):
    """The datasets of all sandboxes, and what changes would do to them."""

    def report(self, scope: Scope, actor: Actor, asked: Asked) -> dict[str, Any]:
        """Return the report."""


class _Change(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: str | None = None
    type: str | None = None
    body: Any = UNSET
    patch: Any = UNSET
    descriptor: Any = UNSET
    descriptor_id: str | None = None


class _Document(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    dataset_id: str
    changes: list[_Change]
    start: int = 0
    limit: int | None = None
    seconds_max: int = SECONDS_DEFAULT
    snapshot_id: str | None = None


def router(impacts: Impacts) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/forebay/v1", tags=["Forebay"])
    turn = asyncio.Semaphore(1)

    @routes.post("/schemas/impact")
    async def report_impact(request: Request) -> Response:
        """Say which stored records of a dataset a changed schema would refuse."""
        asked = _read(document_of(request))
        async with turn:
            return await run_in_threadpool(_answer, request, impacts, asked)

    return routes


def _answer(request: Request, impacts: Impacts, asked: Asked) -> Response:
    context = context_of(request)
    return json_response(impacts.report(context.scope, context.actor, asked))


def _read(document: object) -> Asked:
    try:
        found = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise DryRunInvalid(
            f"The body is not what is expected: {error}. Expected are datasetId and changes, and "
            "where wanted start, limit, secondsMax and snapshotId."
        ) from None
    if len(found.changes) > CHANGES_MAX:
        raise DryRunInvalid(f"{len(found.changes)} changes; at most {CHANGES_MAX} are possible.")
    _require("start", found.start, 0, _INT64_MAX)
    _require("secondsMax", found.seconds_max, 1, SECONDS_MAX)
    if found.limit is not None:
        _require("limit", found.limit, 0, _INT64_MAX)
    return Asked(
        dataset_id=found.dataset_id,
        changes=tuple(_change(number, change) for number, change in enumerate(found.changes)),
        start=found.start,
        limit=found.limit,
        seconds_max=found.seconds_max,
        snapshot_id=_snapshot_id(found.snapshot_id),
    )


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise DryRunInvalid(f"{name} is {value}; expected a number from {low} to {high}.")


def _snapshot_id(text: str | None) -> int | None:
    if text is None:
        return None
    # A text, because it has more digits than the numbers of JavaScript.
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_INT64_MAX))
    if not is_number or int(text) > _INT64_MAX:
        raise DryRunInvalid(f"snapshotId is {text[:40]!r}; expected the digits of an answer's.")
    return int(text)


def _change(number: int, change: _Change) -> Change:
    given = [name for name in ("body", "patch", "descriptor") if getattr(change, name) is not UNSET]
    if len(given) != 1:
        raise DryRunInvalid(
            f"changes/{number} has {' and '.join(given) or 'none of them'}; expected exactly one "
            "of body, patch and descriptor."
        )
    if given == ["descriptor"]:
        if change.id is not None or change.type is not None:
            raise DryRunInvalid(f"changes/{number}: a descriptor has a descriptorId, or no id yet.")
        return DescriptorChange(body=change.descriptor, descriptor_id=change.descriptor_id)
    if change.id is None or change.descriptor_id is not None:
        raise DryRunInvalid(
            f"changes/{number}: id is missing: the $id of the resource, or of a new one what the "
            "other changes call it."
        )
    if change.type is not None and (change.type not in _TYPES or given == ["patch"]):
        raise DryRunInvalid(
            f"changes/{number}: type is {change.type!r}; expected one of "
            f"{', '.join(sorted(_TYPES))}, and a body: a type says that the resource is new."
        )
    return ResourceChange(
        resource_id=change.id,
        body=_given(change.body),
        patch=_given(change.patch),
        new_type=None if change.type is None else _TYPES[change.type],
    )


def _given(value: Any | UnsetType) -> Any:  # noqa: ANN401  any JSON value
    return None if value is UNSET else value
