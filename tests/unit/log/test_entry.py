"""Tests of the record layout."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel.ids import ConnectionId, DatasetId, InletId, OrgId, SandboxId
from forebay.log.entry import Head, HeadTemplate, pack, unpack

heads = st.builds(
    Head,
    received_ms=st.integers(0, 2**53),
    org_id=st.text().map(OrgId),
    sandbox_id=st.text().map(SandboxId),
    sandbox_name=st.text(),
    inlet_id=st.text().map(InletId),
    connection_id=st.text().map(ConnectionId),
    source_name=st.text(),
    data_type=st.sampled_from(["xdm", "raw"]),
    is_batch=st.booleans(),
    is_authenticated=st.booleans(),
    dataset_id=st.none() | st.text().map(DatasetId),
    flow_id=st.none() | st.text(),
    refused=st.dictionaries(st.integers(0, 1000), st.text(), max_size=3),
    count=st.integers(1, 1000),
)


@given(heads, st.binary())
def test_unpacking_returns_what_was_packed(head: Head, body: bytes) -> None:
    payload = b"".join(pack(head, body))

    unpacked, content = unpack(payload)

    assert unpacked == head
    assert bytes(content) == body


@given(heads, st.integers(0, 2**53), st.binary())
def test_template_packs_what_its_head_with_another_time_would(
    head: Head, received_ms: int, body: bytes
) -> None:
    payload = b"".join(HeadTemplate(head).pack(received_ms, body))

    unpacked, content = unpack(payload)

    assert unpacked == msgspec.structs.replace(head, received_ms=received_ms)
    assert bytes(content) == body


@given(heads, st.integers(2**32, 2**53), st.binary())
def test_template_writes_the_same_bytes_for_times_of_this_century(
    head: Head, received_ms: int, body: bytes
) -> None:
    timed = msgspec.structs.replace(head, received_ms=received_ms)

    assert b"".join(HeadTemplate(head).pack(received_ms, body)) == b"".join(pack(timed, body))
