"""Blocks cover an array once, lie side by side without a copy, and are worked off in order by threads."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.core import blocks
from normwise.core.blocks import (
    BLOCK_BYTES,
    LANE,
    WIDE_LANE,
    each,
    row_blocks,
    rows_side_by_side,
    side_by_side,
)


@given(rows=st.integers(0, 300_000), columns=st.integers(1, 3000))
def test_blocks_cover_the_rows_once(rows, columns):
    found = row_blocks(rows, columns)
    covered = [0, *(b.stop for b in found)]
    assert [b.start for b in found] == covered[:-1]
    assert covered[-1] == rows
    beside = rows_side_by_side(columns)
    assert all((b.stop - b.start) % beside == 0 for b in found[:-1])
    wide = rows_side_by_side(columns, wide=True)
    assert all((b.stop - b.start) % wide == 0 for b in found[:-2])
    assert all(0 < (b.stop - b.start) <= max(1, BLOCK_BYTES // (8 * columns), beside) for b in found)


@given(rows=st.integers(1, 3000), columns=st.integers(1, 2000))
def test_rows_side_by_side_are_the_same_memory(rows, columns):
    beside = rows_side_by_side(columns)
    assert beside == 1 or beside * columns <= LANE
    x = np.zeros((rows, columns), np.int8)
    lanes, found = side_by_side(x)
    assert np.shares_memory(lanes, x)
    assert found in (1, beside)
    assert lanes.shape == (rows // found, columns * found)
    assert side_by_side(np.asfortranarray(np.zeros((beside * 2, 2))))[1] in (1, beside)


@given(columns=st.integers(1, 10_000))
def test_a_wide_lane_is_longer_than_half_of_numpys_buffer(columns):
    wide = rows_side_by_side(columns, wide=True)
    assert wide % rows_side_by_side(columns) == 0
    assert WIDE_LANE / 2 < wide * columns <= max(WIDE_LANE, columns)


@given(rows=st.integers(1, 3000), columns=st.integers(1, 2000))
def test_rows_in_a_wide_lane_are_the_same_memory(rows, columns):
    beside, wide = rows_side_by_side(columns), rows_side_by_side(columns, wide=True)
    x = np.arange(rows * columns).reshape(rows, columns)
    lanes, found = side_by_side(x, wide=True)
    assert np.shares_memory(lanes, x)
    assert found == next((n for n in (wide, beside) if rows % n == 0), 1)
    assert (lanes.reshape(x.shape) == x).all()


def test_what_does_not_lie_in_order_comes_back_as_it_is():
    x = np.zeros((1024, 4))
    assert side_by_side(x)[1] == 256
    for other in (x[::2], x[:, ::2], x.T.copy().T, x[:1023], x[:0]):
        found, beside = side_by_side(other)
        assert found is other
        assert beside == 1


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_results_come_in_order_whatever_the_threads(cores, monkeypatch):
    monkeypatch.setattr(blocks, "cores", lambda: cores)
    waiting = threading.Barrier(min(cores, 7))

    def square(i):
        if i < cores:
            waiting.wait(10)  # so many run at once, or this breaks
        return i * i

    assert each(square, range(20)) == [i * i for i in range(20)]
    assert each(square, []) == []


@pytest.mark.parametrize("cores", [1, 4])
def test_errors_come_through(cores, monkeypatch):
    monkeypatch.setattr(blocks, "cores", lambda: cores)

    def fail(i):
        raise ValueError(f"block {i}")

    with pytest.raises(ValueError, match="block 0"):
        each(fail, range(5))


def test_cores_are_counted():
    assert blocks.cores() >= 1
