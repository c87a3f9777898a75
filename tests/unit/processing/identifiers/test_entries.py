import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel.ids import TransactionId
from forebay.processing.identifiers.entries import (
    PLACE,
    WHEN,
    entries_of,
    is_released,
    message_of,
    own_place,
    released,
)
from support.identifiers import Claim, claims_of


@given(
    st.integers(0, 2**48 - 1),
    st.integers(0, 9999),
    st.integers(0, 2**43 - 1),
    st.integers(0, 10**6),
)
def test_entry_names_its_message(ms: int, partition: int, offset: int, index: int) -> None:
    entries = claims_of([Claim("a", "c", ms, partition, offset, index)])

    found = message_of(int(entries[WHEN, 0]), int(entries[PLACE, 0]))

    assert found == (TransactionId(ms, partition, offset), index)


def test_taken_back_entry_names_its_message_too() -> None:
    entries = claims_of([Claim("a", offset=5, index=3)])

    taken_back = released(entries)

    assert (is_released(taken_back).all(), is_released(entries).any()) == (True, False)
    assert own_place(taken_back[PLACE]) == entries[PLACE]


@pytest.mark.parametrize("claim", [Claim("a", index=2**20), Claim("a", offset=2**43)])
def test_message_beyond_the_room_of_an_entry_is_refused(claim: Claim) -> None:
    with pytest.raises(OverflowError):
        claims_of([claim])


def test_no_messages_have_no_entries() -> None:
    assert entries_of(b"", [], []).shape == (5, 0)
