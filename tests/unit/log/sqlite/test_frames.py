"""Tests of the framing of a group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged, LogRecord
from forebay.log.sqlite.frames import pack_group, unpack_group

groups = st.lists(st.lists(st.binary(max_size=40), max_size=3), min_size=1, max_size=5)
offsets = st.integers(0, 2**60)


def unpack_what_is_sound(blob: bytes, first: int, count: int) -> tuple[list[LogRecord], bool]:
    records = []
    try:
        for record in unpack_group(blob, Offset(first), count, start=Offset(first)):
            records.append(record)  # noqa: PERF402  what came before the damage is kept
    except LogDamaged:
        return records, True
    return records, False


@given(groups, offsets, st.integers(0, 6))
def test_group_comes_back_from_any_offset_on(
    group: list[list[bytes]], first: int, skipped: int
) -> None:
    blob = pack_group(Offset(first), group)

    records = list(unpack_group(blob, Offset(first), len(group), start=Offset(first + skipped)))

    whole = [LogRecord(Offset(o), b"".join(parts)) for o, parts in enumerate(group, first)]
    assert records == whole[skipped:]


@given(groups, offsets, st.data())
def test_flipped_bit_never_changes_a_record_silently(
    group: list[list[bytes]], first: int, data: st.DataObject
) -> None:
    blob = bytearray(pack_group(Offset(first), group))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8

    records, is_damaged = unpack_what_is_sound(bytes(blob), first, len(group))

    assert is_damaged
    assert (
        records
        == [LogRecord(Offset(o), b"".join(parts)) for o, parts in enumerate(group, first)][
            : len(records)
        ]
    )


@given(groups, offsets, st.data())
def test_shortened_group_never_loses_a_record_silently(
    group: list[list[bytes]], first: int, data: st.DataObject
) -> None:
    blob = pack_group(Offset(first), group)
    length = data.draw(st.integers(0, len(blob) - 1))

    records, is_damaged = unpack_what_is_sound(blob[:length], first, len(group))

    assert is_damaged
    assert len(records) < len(group)


def test_damaged_length_is_seen_where_a_bare_checksum_would_not_see_it() -> None:
    first = Offset(2**32 - 1)
    blob = bytearray(pack_group(first, [[], []]))
    blob[0] ^= 1

    with pytest.raises(LogDamaged, match=f"offset {first}"):
        list(unpack_group(bytes(blob), first, 2, start=first))


def test_record_in_another_place_does_not_match() -> None:
    blob = pack_group(Offset(7), [[b"a"], [b"b"]])

    with pytest.raises(LogDamaged, match="offset 8"):
        list(unpack_group(blob, Offset(8), 2, start=Offset(8)))
