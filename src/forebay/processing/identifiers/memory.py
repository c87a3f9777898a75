"""The index in memory: one claim after the other, for tests and for the eye."""

from collections import defaultdict
from typing import NamedTuple

from forebay.processing.identifiers.entries import (
    CONTENT,
    KEY_HIGH,
    KEY_LOW,
    PLACE,
    WHEN,
    Entries,
    message_of,
)
from forebay.processing.identifiers.ports import HOUR_MS, Lost, Verdict, Verdicts


class _Entry(NamedTuple):
    when: int
    place: int
    content: int

    @property
    def received_ms(self) -> int:
        return message_of(self.when, self.place)[0].received_ms


_Key = tuple[int, int]
_State = dict[_Key, list[_Entry]]


class MemoryIndex:
    """Entries in a dictionary; `commit` keeps them, a new object has none."""

    def __init__(self, *, window_ms: int) -> None:
        self._window_ms = window_ms
        self._committed: _State = {}
        self._entries: _State = defaultdict(list)

    def claim(self, claims: Entries) -> Verdicts:
        """Enter the claims that come first, and return the verdicts."""
        before = {key: list(entries) for key, entries in self._entries.items()}
        count = claims.shape[1]
        verdicts = Verdicts(claims[0].astype("u1"), claims[WHEN].copy(), claims[PLACE].copy())
        for number in range(count):
            key, entry = _read(claims, number)
            first = self._first(before.get(key, []), self._entries[key], entry)
            if first is None:
                self._entries[key].append(entry)
                first = entry
            verdicts.kinds[number] = _verdict(entry, first)
            verdicts.when[number], verdicts.place[number] = first.when, first.place
        return verdicts

    def release(self, claims: Entries) -> int:
        """Give back the ids that these very messages have; return how many had one."""
        count = 0
        for number in range(claims.shape[1]):
            key, entry = _read(claims, number)
            own = [e for e in self._entries[key] if e[:2] == entry[:2]]
            self._entries[key] = [e for e in self._entries[key] if e not in own]
            count += len(own)
        return count

    def commit(self) -> None:
        """Keep what was entered and given back."""
        self._committed = {key: list(entries) for key, entries in self._entries.items()}

    def discard(self) -> None:
        """Forget what was entered and given back since the last commit."""
        kept = {key: list(entries) for key, entries in self._committed.items()}
        self._entries = defaultdict(list, kept)

    def expire(self, horizon_ms: int) -> None:
        """Drop what no later claim can meet."""
        for state in (self._entries, self._committed):
            for key in list(state):
                state[key] = [
                    entry
                    for entry in state[key]
                    if (entry.received_ms // HOUR_MS + 1) * HOUR_MS + self._window_ms > horizon_ms
                ]

    def tidy(self) -> bool:
        """Say that there is nothing to do."""
        return False

    def lost(self) -> tuple[Lost, ...]:
        """Return nothing: memory is not damaged."""
        return ()

    def mended(self) -> None:
        """Do nothing: there is nothing to mend."""

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _first(self, before: list[_Entry], now: list[_Entry], claim: _Entry) -> _Entry | None:
        near = [e for e in before if abs(e.received_ms - claim.received_ms) < self._window_ms]
        if near:
            return next((e for e in near if e[:2] == claim[:2]), min(near))
        others = (e for e in now if abs(e.received_ms - claim.received_ms) < self._window_ms)
        return next(others, None)


def _read(claims: Entries, number: int) -> tuple[_Key, _Entry]:
    values = claims[:, number].tolist()
    entry = _Entry(values[WHEN], values[PLACE], values[CONTENT])
    return (values[KEY_HIGH], values[KEY_LOW]), entry


def _verdict(claim: _Entry, first: _Entry) -> Verdict:
    if first[:2] == claim[:2]:
        return Verdict.FIRST
    return Verdict.SAME if first.content == claim.content else Verdict.OTHER
