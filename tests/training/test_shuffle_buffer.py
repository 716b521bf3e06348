"""shuffled and in_order: every row once, in pieces of the size asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.training.shuffle_buffer import Rows, in_order, shuffled


def blocks(sizes):
    """Blocks of rows whose two leaves both hold the row's number."""
    start = 0
    for size in sizes:
        rows = np.arange(start, start + size)
        yield np.stack([rows, rows], axis=1).astype(np.float32), rows
        start += size


def room(size):
    return lambda: (np.empty((size, 2), np.float32), np.empty(size, np.int64))


def order(pieces, size):
    """The numbers of the rows in the order in which they come."""
    found = []
    for (x, y), rows in pieces:
        np.testing.assert_array_equal(x[:rows, 0], y[:rows])
        np.testing.assert_array_equal(x[:rows, 1], y[:rows])
        found.append(y[:rows].copy())
    assert all(len(rows) == size for rows in found[:-1])
    return np.concatenate(found) if found else np.arange(0)


SIZES = st.lists(st.integers(1, 30), max_size=12)


@given(SIZES, st.integers(1, 20), st.integers(0, 60), st.integers(0, 9))
def test_shuffled_gives_every_row_once(sizes, size, more, seed):
    pieces = shuffled(Rows(blocks(sizes)), size, room(size), size + more, np.random.default_rng(seed))
    assert sorted(order(pieces, size)) == list(range(sum(sizes)))


@given(SIZES, st.integers(1, 20))
def test_in_order_gives_every_row_in_its_place(sizes, size):
    assert order(in_order(Rows(blocks(sizes)), size, room(size)), size).tolist() == list(range(sum(sizes)))


def test_the_order_follows_from_the_generator():
    def drawn(seed):
        pieces = shuffled(Rows(blocks([50] * 8)), 16, room(16), 120, np.random.default_rng(seed))
        return order(pieces, 16).tolist()

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_row_comes_no_earlier_than_the_buffer_lets_it():
    pieces = shuffled(Rows(blocks([10] * 100)), 20, room(20), 100, np.random.default_rng(0))
    found = order(pieces, 20)
    for piece in range(0, 1000, 20):
        assert found[piece : piece + 20].max() < 100 + piece


def test_each_piece_is_drawn_uniformly_from_the_buffer():
    # Of the first piece each of the 40 rows in the buffer is one with probability 10/40.
    counts = np.zeros(40)
    for seed in range(2000):
        pieces = shuffled(Rows(blocks([8] * 10)), 10, room(10), 40, np.random.default_rng(seed))
        (_, y), _ = next(iter(pieces))
        counts[y] += 1
    spread = np.sqrt(2000 * 0.25 * 0.75)
    assert abs(counts - 500).max() < 4.5 * spread


@pytest.mark.parametrize("capacity", [64, 1000])
def test_a_buffer_as_large_as_the_table_permutes_it_all(capacity):
    pieces = shuffled(Rows(blocks([16] * 4)), 16, room(16), capacity, np.random.default_rng(0))
    found = order(pieces, 16)
    assert sorted(found) == list(range(64))
    # Were rows kept near their places, the mean distance would be far below that of a permutation, n/3.
    assert 64 / 3 - 6 < abs(found - np.arange(64)).mean() < 64 / 3 + 6
