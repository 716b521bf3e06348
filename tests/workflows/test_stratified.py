"""Rows held out: the share, of each class alike, the same for a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.workflows.stratified import held_out_rows

CLASSES = st.lists(st.integers(0, 4), min_size=0, max_size=120).map(lambda v: np.array(v, dtype=np.int64))
FRACTIONS = st.floats(0, 0.99)


@given(classes=CLASSES, fraction=FRACTIONS, seed=st.integers(0, 2**32), keep=st.integers(0, 3))
def test_of_each_class_the_share_but_for_the_rows_that_stay(classes, fraction, seed, keep):
    held = held_out_rows(classes, fraction, seed, keep)
    assert held.shape == classes.shape
    assert held.dtype == bool
    for number in np.unique(classes):
        rows = int((classes == number).sum())
        assert held[classes == number].sum() == max(0, min(round(fraction * rows), rows - keep))


@given(classes=CLASSES, fraction=FRACTIONS, seed=st.integers(0, 2**32))
def test_the_same_for_the_same_seed(classes, fraction, seed):
    assert np.array_equal(
        held_out_rows(classes, fraction, seed), held_out_rows(classes.copy(), fraction, seed)
    )


@given(rows=st.integers(0, 200), fraction=FRACTIONS, seed=st.integers(0, 2**32))
def test_without_classes_all_rows_are_one(rows, fraction, seed):
    one = np.zeros(rows, dtype=np.int64)
    assert np.array_equal(held_out_rows(rows, fraction, seed), held_out_rows(one, fraction, seed))


def test_another_seed_holds_out_others():
    assert not np.array_equal(held_out_rows(100, 0.3, 0), held_out_rows(100, 0.3, 1))


def test_every_row_has_its_turn():
    turns = sum(held_out_rows(20, 0.25, seed).astype(int) for seed in range(400))
    assert turns.min() > 60
    assert turns.max() < 140


@pytest.mark.parametrize("rows", [1, 2])
def test_a_small_class_stays_whole(rows):
    assert not held_out_rows(np.zeros(rows, dtype=int), 0.9, 0, keep=2).any()


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()
    held_out_rows(50, 0.2, 3)
    assert np.random.get_state()[1].tolist() == before
