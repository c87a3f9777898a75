"""
Verdicts over a whole flush at once: claims against the entries that have the same key.

The order of the claims matters only among those whose id nobody has. They are grouped by key; the
first of a group has the id, and decides over the others within its window. Who is left beyond
it, a window away, is judged in another round: there are as many rounds as windows, almost always
one.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from forebay.processing.identifiers.entries import (
    CONTENT,
    KEY_HIGH,
    KEY_LOW,
    PLACE,
    WHEN,
    Entries,
    Indexes,
    empty,
    is_released,
    own_place,
    received_ms,
)
from forebay.processing.identifiers.ports import Verdict, Verdicts


class Hits(NamedTuple):
    """Entries with the keys of claims, in the order in which they were made."""

    claims: Indexes
    entries: Entries


class Keys(NamedTuple):
    """The keys of claims, sorted by their first half, and the order that sorts the claims so."""

    high: Entries
    low: Entries
    order: Indexes

    @classmethod
    def of(cls, claims: Entries) -> Self:
        """Sort the keys of claims; equal ones stay in their order."""
        order = np.argsort(claims[KEY_HIGH], kind="stable")
        return cls(claims[KEY_HIGH, order], claims[KEY_LOW, order], order)

    def among(self, some: Indexes) -> Self:
        """Return some of the keys, by their places in ascending order."""
        return type(self)(self.high[some], self.low[some], self.order[some])


def hits_in(run: Entries, keys: Keys) -> Hits:
    """Return the entries of a run, which is sorted as the keys are, that have one of the keys."""
    column, count = run[KEY_HIGH], run.shape[1]
    position = np.searchsorted(column, keys.high)
    left = np.flatnonzero(position < count)
    found: list[tuple[Indexes, Indexes]] = []
    while left.size:
        left = left[column[position[left]] == keys.high[left]]
        is_hit = run[KEY_LOW, position[left]] == keys.low[left]
        found.append((left[is_hit], position[left[is_hit]]))
        position[left] += 1
        left = left[position[left] < count]
    if not found:
        return Hits(keys.order[:0], empty())
    # Equal keys of a run stand in the order of their age, and so do the steps of the loop.
    hit = np.concatenate([number for number, _ in found])
    return Hits(keys.order[hit], run[:, np.concatenate([at for _, at in found])])


def together(hits: Iterable[Hits]) -> Hits:
    """Return the hits of several runs, the oldest run first."""
    listed = [hit for hit in hits if hit.claims.size]
    if not listed:
        return Hits(np.empty(0, np.intp), empty())
    return Hits(
        np.concatenate([hit.claims for hit in listed]),
        np.concatenate([hit.entries for hit in listed], axis=1),
    )


def standing(hits: Hits) -> Hits:
    """
    Return the hits that have not been taken back, ordered by claim and time of receipt.

    Of the entries that one message made, the last one tells how it ended.
    """
    entries, claims = hits.entries, hits.claims
    place = own_place(entries[PLACE])
    order = np.lexsort((place, entries[WHEN], claims))
    claims, entries, place = claims[order], entries[:, order], place[order]
    is_last = np.ones(claims.size, np.bool_)
    is_last[:-1] = (
        (claims[1:] != claims[:-1])
        | (entries[WHEN, 1:] != entries[WHEN, :-1])
        | (place[1:] != place[:-1])
    )
    is_kept = is_last & ~is_released(entries)
    return Hits(claims[is_kept], entries[:, is_kept])


def own(claims: Entries, hits: Hits) -> NDArray[np.bool_]:
    """Say which hits are entries of the claiming message itself."""
    found: NDArray[np.bool_] = (hits.entries[WHEN] == claims[WHEN, hits.claims]) & (
        hits.entries[PLACE] == claims[PLACE, hits.claims]
    )
    return found


class Judge:
    """The verdicts on one call's claims, as they are found."""

    def __init__(self, claims: Entries, window_ms: int) -> None:
        self._claims = claims
        self._window_ms = window_ms
        self._received = received_ms(claims[WHEN])
        count = claims.shape[1]
        self._is_open = np.ones(count, np.bool_)
        self.verdicts = Verdicts(
            np.full(count, Verdict.FIRST, np.uint8), claims[WHEN].copy(), claims[PLACE].copy()
        )

    def against(self, hits: Hits) -> None:
        """Judge the claims that meet an entry from before."""
        hits = standing(hits)
        away = np.abs(received_ms(hits.entries[WHEN]) - self._received[hits.claims])
        is_near = away < self._window_ms
        hits = Hits(hits.claims[is_near], hits.entries[:, is_near])
        self._is_open[hits.claims[own(self._claims, hits)]] = False
        is_other = self._is_open[hits.claims]
        late, first = np.unique(hits.claims[is_other], return_index=True)
        self._decide(late, hits.entries[:, is_other][:, first])

    def among_themselves(self, order: Indexes) -> Indexes:
        """
        Judge the claims that are left; return those that are the first of their key.

        Args:
            order: All claims by the first half of their keys, equal ones in their order.
        """
        claims = self._claims
        left = order[self._is_open[order]]
        high, low = claims[KEY_HIGH, left], claims[KEY_LOW, left]
        if np.any((high[1:] == high[:-1]) & (low[1:] != low[:-1])):
            left = left[np.lexsort((low, high))]
        firsts: list[Indexes] = []
        while left.size:
            is_head = np.ones(left.size, np.bool_)
            is_head[1:] = (claims[KEY_HIGH, left[1:]] != claims[KEY_HIGH, left[:-1]]) | (
                claims[KEY_LOW, left[1:]] != claims[KEY_LOW, left[:-1]]
            )
            heads = left[is_head]
            firsts.append(heads)
            head = heads[np.cumsum(is_head) - 1]
            is_near = np.abs(self._received[left] - self._received[head]) < self._window_ms
            is_late = is_near & ~is_head
            self._decide(left[is_late], claims[:, head[is_late]])
            left = left[~is_near]
        return np.concatenate(firsts) if firsts else left

    def _decide(self, late: Indexes, entries: Entries) -> None:
        """Judge claims by the entries that have their ids."""
        kinds, when, place = self.verdicts
        is_same = entries[CONTENT] == self._claims[CONTENT, late]
        kinds[late] = np.where(is_same, Verdict.SAME, Verdict.OTHER)
        is_own = (entries[WHEN] == when[late]) & (entries[PLACE] == place[late])
        kinds[late[is_own]] = Verdict.FIRST
        when[late], place[late] = entries[WHEN], entries[PLACE]
        self._is_open[late] = False
