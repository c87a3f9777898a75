"""The laws of `processing.identifiers.ports.IdentifierIndex`, for every adapter."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from forebay.processing.identifiers.files import FileIndex
from forebay.processing.identifiers.memory import MemoryIndex
from forebay.processing.identifiers.ports import HOUR_MS, IdentifierIndex, Verdict
from support.identifiers import START_MS, WINDOW_MS, Claim, claims_of, firsts, kinds

FIRST, SAME, OTHER = Verdict

ADAPTERS: dict[str, Callable[[Path], IdentifierIndex]] = {
    "files": lambda folder: FileIndex(folder, window_ms=WINDOW_MS, slice_entries=3),
    "memory": lambda _: MemoryIndex(window_ms=WINDOW_MS),
}


@pytest.fixture(params=list(ADAPTERS))
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentifierIndex]:
    index = ADAPTERS[request.param](tmp_path / "identifiers")
    yield index
    index.close()


def claim(index: IdentifierIndex, *claims: Claim) -> list[Verdict]:
    return kinds(index.claim(claims_of(claims)))


def test_new_ids_are_their_claimers(index: IdentifierIndex) -> None:
    assert claim(index, Claim("a"), Claim("b", offset=1)) == [FIRST, FIRST]


def test_no_claims_have_no_verdicts(index: IdentifierIndex) -> None:
    assert claim(index) == []
    index.commit()


def test_second_record_with_an_id_is_told_by_its_content(index: IdentifierIndex) -> None:
    claim(index, Claim("a"))
    index.commit()

    verdicts = index.claim(claims_of([Claim("a", offset=1), Claim("a", "x", offset=2, index=3)]))

    assert kinds(verdicts) == [SAME, OTHER]
    assert firsts(verdicts) == [(START_MS, 1, 0, 0)] * 2


def test_first_of_one_call_decides_over_the_others(index: IdentifierIndex) -> None:
    claims = [
        Claim("a", "x", offset=7, index=9),
        Claim("b", offset=1),
        Claim("a", "x", partition=2),
        Claim("a", "y", offset=2),
        Claim("a", "y", offset=3),
    ]

    verdicts = index.claim(claims_of(claims))

    assert kinds(verdicts) == [FIRST, FIRST, SAME, OTHER, OTHER]
    assert firsts(verdicts)[2:] == [(START_MS, 1, 7, 9)] * 3


def test_claims_are_known_before_they_are_committed(index: IdentifierIndex) -> None:
    claim(index, Claim("a"))

    assert claim(index, Claim("a", offset=1)) == [SAME]


def test_discarded_claims_leave_nothing(index: IdentifierIndex) -> None:
    claim(index, Claim("a"))
    index.commit()
    claim(index, Claim("b"))
    index.discard()
    index.commit()

    assert claim(index, Claim("a", offset=1), Claim("b", offset=1)) == [SAME, FIRST]


def test_message_that_claims_again_is_still_the_first(index: IdentifierIndex) -> None:
    claim(index, Claim("a", index=2))
    index.commit()

    again = claim(index, Claim("a", "other", offset=9), Claim("a", index=2), Claim("a", index=3))

    assert again == [OTHER, FIRST, SAME]


def test_message_of_another_log_at_the_same_offset_is_another_message(
    index: IdentifierIndex,
) -> None:
    claim(index, Claim("a"))

    assert claim(index, Claim("a", received_ms=START_MS + 1)) == [SAME]


@pytest.mark.parametrize("sign", [1, -1])
def test_window_ends_to_the_millisecond(index: IdentifierIndex, sign: int) -> None:
    claim(index, Claim("a"), Claim("b"))
    index.commit()

    inside = Claim("a", received_ms=START_MS + sign * (WINDOW_MS - 1), offset=1)
    outside = Claim("b", received_ms=START_MS + sign * WINDOW_MS, offset=2)

    assert claim(index, inside, outside) == [SAME, FIRST]


def test_windows_of_one_call_follow_one_another(index: IdentifierIndex) -> None:
    days = [Claim("a", received_ms=START_MS + day * WINDOW_MS, offset=day) for day in range(4)]
    sooner = [c._replace(received_ms=c.received_ms - 5, offset=c.offset + 10) for c in days]

    verdicts = index.claim(claims_of([*days, *sooner]))

    assert kinds(verdicts) == [FIRST] * 4 + [SAME] * 4
    # Between two that are a window apart, the first that claimed decides.
    assert [offset for _, _, offset, _ in firsts(verdicts)[4:]] == [0, 0, 1, 2]


def test_of_several_entries_the_one_received_first_decides(index: IdentifierIndex) -> None:
    claim(index, Claim("a", "late", received_ms=START_MS + WINDOW_MS, offset=1))
    index.commit()
    claim(index, Claim("a", "early", offset=2))
    index.commit()

    between = Claim("a", "early", received_ms=START_MS + HOUR_MS, offset=3)

    assert claim(index, between) == [SAME]


def test_released_id_is_free_for_another_record(index: IdentifierIndex) -> None:
    claim(index, Claim("a"), Claim("b", offset=1))
    index.commit()

    given_back = index.release(claims_of([Claim("a", "changed"), Claim("b", offset=7), Claim("c")]))
    index.commit()

    assert given_back == 1
    assert claim(index, Claim("a", offset=2), Claim("b", offset=3)) == [FIRST, SAME]


def test_released_id_can_be_claimed_by_the_same_message(index: IdentifierIndex) -> None:
    for _ in range(2):
        claim(index, Claim("a"))
        index.release(claims_of([Claim("a")]))
        index.commit()
    claim(index, Claim("a"))
    index.commit()

    assert claim(index, Claim("a", offset=1), Claim("a")) == [SAME, FIRST]


def test_entries_are_there_until_nothing_can_meet_them(index: IdentifierIndex) -> None:
    claim(index, Claim("a"), Claim("b", received_ms=START_MS + HOUR_MS, offset=1))
    index.commit()

    index.expire(START_MS + HOUR_MS + WINDOW_MS)

    soon = START_MS + HOUR_MS + WINDOW_MS - 1
    assert claim(index, Claim("b", received_ms=soon, offset=2)) == [SAME]


def test_upkeep_comes_to_an_end_and_changes_nothing(index: IdentifierIndex) -> None:
    claims = [Claim(f"{n}", received_ms=START_MS + n * 60_000, offset=n) for n in range(150)]
    for one in claims:
        claim(index, one)
        index.commit()

    while index.tidy():
        pass

    assert claim(index, *(c._replace(offset=c.offset + 1_000) for c in claims)) == [SAME] * 150


def test_nothing_is_lost_without_damage(index: IdentifierIndex) -> None:
    index.mended()

    assert index.lost() == ()


class ManyClaims(RuleBasedStateMachine):
    """Claims, releases, crashes and upkeep against a list of who has which id."""

    folder: tempfile.TemporaryDirectory[str]

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Claim] = []
        self.committed: list[Claim] = []
        self.horizon_ms = START_MS
        self.offset = 0

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.index: IdentifierIndex = self.open()

    def open(self) -> IdentifierIndex:
        return FileIndex(Path(self.folder.name), window_ms=WINDOW_MS, slice_entries=3)

    @rule(
        numbers=st.lists(st.integers(0, 8), max_size=12),
        data=st.data(),
    )
    def claim(self, numbers: list[int], data: st.DataObject) -> None:
        claims = [data.draw(self.a_claim(number)) for number in numbers]

        verdicts = self.index.claim(claims_of(claims))

        before, found = list(self.entries), []
        for one in claims:
            first = self.first(before, one) or self.first_now(self.entries[len(before) :], one)
            if first is None:
                self.entries.append(one)
            found.append(self.judged(one, first or one))
        assert list(zip(kinds(verdicts), firsts(verdicts), strict=True)) == found

    def a_claim(self, number: int) -> st.SearchStrategy[Claim]:
        self.offset += 1
        offset = self.offset
        fresh = st.tuples(st.sampled_from("xy"), st.integers(0, 60)).map(
            lambda drawn: Claim(
                f"{number}", drawn[0], self.horizon_ms + drawn[1] * HOUR_MS, offset=offset
            )
        )
        again = [c for c in self.entries if c.received_ms >= self.horizon_ms]
        return fresh | st.sampled_from(again) if again else fresh

    def first(self, entries: list[Claim], one: Claim) -> Claim | None:
        near = [c for c in entries if self.is_near(c, one)]
        own = [c for c in near if c[2:] == one[2:]]
        return own[0] if own else min(near, key=lambda c: c[2:], default=None)

    def first_now(self, entries: list[Claim], one: Claim) -> Claim | None:
        return next((c for c in entries if self.is_near(c, one)), None)

    def is_near(self, one: Claim, other: Claim) -> bool:
        is_within = abs(one.received_ms - other.received_ms) < WINDOW_MS
        return one.identifier == other.identifier and is_within

    def judged(self, one: Claim, first: Claim) -> tuple[Verdict, tuple[int, ...]]:
        if first[2:] == one[2:]:
            return FIRST, first[2:]
        return (SAME if first.content == one.content else OTHER), first[2:]

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        some = data.draw(st.lists(st.sampled_from(self.entries), unique=True))
        strangers = [c._replace(offset=c.offset + 10**6) for c in some]

        assert self.index.release(claims_of([*some, *strangers])) == len(some)

        self.entries = [c for c in self.entries if c not in some]

    @rule()
    def commit(self) -> None:
        self.index.commit()
        self.committed = list(self.entries)

    @rule()
    def discard(self) -> None:
        self.index.discard()
        self.entries = list(self.committed)

    @rule()
    def open_again(self) -> None:
        self.index.close()
        self.index = self.open()
        self.entries = list(self.committed)

    @rule(hours=st.integers(0, 30))
    def expire(self, hours: int) -> None:
        self.horizon_ms += hours * HOUR_MS
        self.index.expire(self.horizon_ms)
        oldest_ms = self.horizon_ms - WINDOW_MS - HOUR_MS
        self.entries = [c for c in self.entries if c.received_ms > oldest_ms]
        self.committed = [c for c in self.committed if c.received_ms > oldest_ms]

    @rule(steps=st.integers(1, 9))
    def tidy(self, steps: int) -> None:
        for _ in range(steps):
            self.index.tidy()

    def teardown(self) -> None:
        self.index.close()
        self.folder.cleanup()


class ManyClaimsInMemory(ManyClaims):
    """The same, for the index that keeps nothing."""

    def open(self) -> IdentifierIndex:
        return MemoryIndex(window_ms=WINDOW_MS)

    @precondition(lambda _: False)
    @rule()
    def open_again(self) -> None:
        raise NotImplementedError


TestManyClaims = ManyClaims.TestCase
TestManyClaims.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestManyClaimsInMemory = ManyClaimsInMemory.TestCase
TestManyClaimsInMemory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
