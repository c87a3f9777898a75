import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.processing.identifiers.entries import Entries
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.identifiers.memory import MemoryIndex
from forebay.processing.identifiers.ports import HOUR_MS, Verdict
from forebay.processing.identifiers.verdicts import Hits, Judge, Keys
from support.identifiers import START_MS, WINDOW_MS, Claim, claims_of, firsts, kinds

numbers = st.tuples(
    st.sampled_from([0, 1, 2**63, 2**64 - 1]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from([START_MS + hour * HOUR_MS << 16 | 1 for hour in (0, 1, 23, 24, 30, 50)]),
    st.integers(0, 30).map(lambda offset: offset << 1),
)
flushes = st.lists(st.lists(numbers, max_size=15), max_size=5)


def entries(flush: list[tuple[int, ...]]) -> Entries:
    return np.array(flush, np.uint64).reshape(-1, 5).T


@given(flushes)
@settings(max_examples=150, deadline=None)
def test_verdicts_over_many_are_those_of_one_after_the_other(
    content: list[list[tuple[int, ...]]],
) -> None:
    memory = MemoryIndex(window_ms=WINDOW_MS)
    with tempfile.TemporaryDirectory() as folder:
        files = FileIndex(Path(folder), window_ms=WINDOW_MS, slice_entries=3)
        for flush in content:
            found, expected = files.claim(entries(flush)), memory.claim(entries(flush))
            files.commit()
            files.tidy()

            assert kinds(found) == kinds(expected)
            assert firsts(found) == firsts(expected)
        files.close()


def test_many_copies_in_one_flush_take_one_round() -> None:
    claims = claims_of([Claim("a", offset=n) for n in range(10_000)])
    judge = Judge(claims, WINDOW_MS)

    first = judge.among_themselves(Keys.of(claims).order)

    assert first.tolist() == [0]
    assert kinds(judge.verdicts).count(Verdict.SAME) == 9_999


def test_own_entry_counts_even_beside_one_that_was_received_before_it() -> None:
    other, own = Claim("a", offset=1), Claim("a", offset=2)
    judge = Judge(claims_of([own]), WINDOW_MS)

    judge.against(Hits(np.array([0, 0]), claims_of([other, own])))

    assert kinds(judge.verdicts) == [Verdict.FIRST]
    assert firsts(judge.verdicts) == [own[2:]]
