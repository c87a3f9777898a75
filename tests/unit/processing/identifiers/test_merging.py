from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.processing.identifiers.entries import CONTENT, KEY_HIGH, by_key
from forebay.processing.identifiers.merging import Merge
from forebay.processing.identifiers.runs import Run, RunName, open_run, write_run


def a_run(folder: Path, serial: int, keys: list[int]) -> Run:
    entries = np.zeros((5, len(keys)), np.uint64)
    entries[KEY_HIGH] = keys
    entries[CONTENT] = serial
    name = RunName(500_000, serial, serial, serial, 0, len(keys))
    write_run(folder, name, by_key(entries))
    return open_run(folder, name)


keys = st.integers(0, 5) | st.integers(0, 2**64 - 1)


@given(
    st.lists(st.lists(keys, min_size=1, max_size=40), min_size=2, max_size=8), st.integers(1, 50)
)
@settings(max_examples=50, deadline=None)
def test_merged_run_has_all_entries_the_oldest_of_a_key_first(
    tmp_path_factory: pytest.TempPathFactory, content: list[list[int]], slice_entries: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    runs = [a_run(folder, serial, some) for serial, some in enumerate(content, 1)]
    merge = Merge(folder, runs, serial=99, slice_entries=slice_entries)
    while not merge.step():
        pass

    merged = open_run(folder, merge.name)

    found = list(zip(*merged.entries[[KEY_HIGH, CONTENT]].tolist(), strict=True))
    assert found == sorted((key, n) for n, some in enumerate(content, 1) for key in some)
    assert merge.name == RunName(500_000, 1, len(content), 99, 1, len(found))


def test_step_has_a_bound(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, serial, list(range(serial, 9_000, 7))) for serial in range(1, 9)]
    merge = Merge(tmp_path, runs, serial=99, slice_entries=400)
    sizes: list[int] = []
    append = merge._writer.append
    merge._writer.append = lambda entries: (sizes.append(entries.shape[1]), append(entries))[1]  # type: ignore[method-assign]

    while not merge.step():
        pass

    assert max(sizes) <= 400
    assert len(sizes) > 20
