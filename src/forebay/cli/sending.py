"""Streaming records to an inlet as fast as it answers, and counting what it said."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

import httpx2
import msgspec

from forebay.kernel import json

_TIMEOUT_SECONDS = 60.0
_RETRIES_MAX = 10
_RETRY_SECONDS_MAX = 30.0
HTTP_OK = 200
HTTP_MULTI_STATUS = 207
HTTP_UNAVAILABLE = 503
HTTP_THROTTLED = 429


class Summary(msgspec.Struct, kw_only=True):
    """What became of the records, by what the inlet answered."""

    accepted: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Messages that are definitely not stored, by reason."""
    unknown: int = 0
    """Messages without an answer: they may be stored."""
    requests: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = msgspec.field(default_factory=list)

    def latency_ms(self, share: float) -> float:
        """Return the latency below which this share of the requests lay."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Sender:
    """Sends messages over several connections and stops at the first lost one."""

    def __init__(
        self,
        inlet_url: str,
        *,
        batch_size: int,
        connections: int,
        headers: dict[str, str],
        is_sync_validated: bool,
        receipts: TextIO | None,
        advance: Callable[[int], None],
    ) -> None:
        """
        Prepare to send.

        Args:
            inlet_url: As Flow Service names it.
            batch_size: Messages in one request; 1 uses the single endpoint.
            connections: Requests under way at once.
            headers: Sent with each request.
            is_sync_validated: Ask for validation before the answer.
            receipts: Gets the transaction id of each accepted message, a line each, as soon
                as it is answered.
            advance: Told the number of messages answered.
        """
        self._batch_size = batch_size
        self._connections = connections
        self._headers = {"content-type": "application/json", **headers}
        self._receipts = receipts
        self._advance = advance
        self.summary = Summary()
        url = inlet_url
        if batch_size > 1:
            url = inlet_url.replace("/collection/", "/collection/batch/")
            if is_sync_validated:
                self._headers["x-forebay-sync-validation"] = "true"
        elif is_sync_validated:
            url += "?syncValidation=true"
        self._url = url

    async def send(self, messages: Iterable[bytes]) -> Summary:
        """Send every message; return what became of them."""
        started = time.perf_counter()
        requests = _batches(messages, self._batch_size)
        limits = httpx2.Limits(max_connections=self._connections)
        async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, limits=limits) as http:
            await asyncio.gather(*(self._work(http, requests) for _ in range(self._connections)))
        self.summary.seconds = time.perf_counter() - started
        return self.summary

    async def _work(self, http: httpx2.AsyncClient, requests: Iterator[list[bytes]]) -> None:
        for batch in requests:
            if self.summary.unknown:
                return  # the connection is gone; what was not sent is simply not sent
            await self._request(http, batch)
            self._advance(len(batch))

    async def _request(self, http: httpx2.AsyncClient, batch: list[bytes]) -> None:
        body = batch[0] if self._batch_size == 1 else b'{"messages":[' + b",".join(batch) + b"]}"
        for attempt in range(_RETRIES_MAX + 1):
            started = time.perf_counter()
            try:
                answer = await http.post(self._url, content=body, headers=self._headers)
            except httpx2.TransportError:
                self.summary.unknown += len(batch)
                return
            self.summary.requests += 1
            self.summary.latencies_ms.append((time.perf_counter() - started) * 1000)
            if (
                answer.status_code not in {HTTP_UNAVAILABLE, HTTP_THROTTLED}
                or attempt == _RETRIES_MAX
            ):
                self._count(answer, len(batch))
                return
            # Definitely not stored (promise P3): the same bytes may be sent again.
            wait = float(answer.headers.get("retry-after", "1"))
            await asyncio.sleep(min(wait, _RETRY_SECONDS_MAX))

    def _count(self, answer: httpx2.Response, count: int) -> None:
        if answer.status_code == HTTP_OK:
            self._accept([json.decode(answer.content)["xactionId"]])
        elif answer.status_code == HTTP_MULTI_STATUS:
            items = json.decode(answer.content)["responses"]
            self._accept([item["xactionId"] for item in items if "status" not in item])
            self.summary.refused.update(_reason(item) for item in items if "status" in item)
        elif answer.is_server_error and answer.status_code != HTTP_UNAVAILABLE:
            self.summary.unknown += count
        else:
            self.summary.refused[f"{answer.status_code}: {_explanation(answer)}"] += count

    def _accept(self, transaction_ids: list[str]) -> None:
        self.summary.accepted += len(transaction_ids)
        if self._receipts is not None and transaction_ids:
            self._receipts.write("".join(f"{receipt}\n" for receipt in transaction_ids))
            self._receipts.flush()


def _batches(messages: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(messages)
    while batch := list(islice(iterator, size)):
        yield batch


def _explanation(answer: httpx2.Response) -> str:
    """Return what a refusal says: the message, and what was wrong with the record."""
    try:
        report = json.decode(answer.content)["report"]
        nodes = report.get("cause", {}).get("_streamingValidation", [])
        broken = [f"{n['pointerToViolation']}: {n['message']}" for n in _leaves(nodes)]
        return "; ".join([_reason(report), *broken])
    except (json.NotJson, KeyError, TypeError, AttributeError):
        return answer.text[:500]


def _leaves(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if node.get("causingExceptions"):
            yield from _leaves(node["causingExceptions"])
        else:
            yield node


def _reason(item: dict[str, Any]) -> str:
    # The inlet's address in brackets is the same in every message of one run.
    message = str(item.get("message", ""))
    return message.rpartition("] ")[2] or message
