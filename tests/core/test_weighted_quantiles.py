"""Weighted quantiles against repeated rows, to the bit, and against their definition in exact fractions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.reference.scaling import weighted_quantile

from normwise.core.array_quantiles import array_quantiles
from normwise.core.weighted_quantiles import weighted_quantiles

P = np.array([0.0, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.999, 1.0])
VALUES = st.one_of(st.integers(0, 5).map(float), st.floats(-1e9, 1e9), st.just(np.nan))
FRACTIONS = st.one_of(st.just(0.0), st.floats(1e-3, 3.0), st.floats(1e-9, 1e-3))


def table(weight):
    rows = st.integers(1, 12)
    return rows.flatmap(
        lambda n: st.tuples(
            arrays(np.float64, (n, 2), elements=VALUES), arrays(np.float64, n, elements=weight)
        )
    )


@given(data=table(st.integers(0, 5).map(float)), dtype=st.sampled_from([np.float64, np.float32]))
@settings(max_examples=200)
def test_whole_weights_are_repeated_rows_to_the_bit(data, dtype):
    x, w = data[0].astype(dtype), data[1]
    expected = array_quantiles(np.repeat(x, w.astype(int), axis=0), P)
    assert np.array_equal(weighted_quantiles(x, w, P), expected, equal_nan=True)


@given(data=table(FRACTIONS))
@settings(max_examples=200)
def test_fractions_as_the_definition_says(data):
    x, w = data
    for column, found in zip(x.T, weighted_quantiles(x, w, P), strict=True):
        there = ~np.isnan(column) & (w > 0)
        if not there.any():
            assert np.isnan(found).all()
        elif w[there].sum() >= 1:
            size = np.abs(column[there]).max() or 1.0
            # Where the ranks lie is known to the rounding of Σw, of which a whole rank of values is the mean.
            allowed = 2.0**-52 * 64 * size
            expected = [weighted_quantile(column[there], w[there], p) for p in P]
            assert np.abs(found - expected).max() <= allowed


@given(data=table(FRACTIONS), row=st.integers(0, 11))
@settings(max_examples=100)
def test_a_weight_that_goes_to_0_leaves_like_an_absent_row(data, row):
    x, w = np.nan_to_num(data[0]), data[1] + 1.0
    w[row % len(w)] = 0.0
    without = weighted_quantiles(np.delete(x, row % len(w), axis=0), np.delete(w, row % len(w)), P)
    assert np.array_equal(weighted_quantiles(x, w, P), without, equal_nan=True)
    w[row % len(w)] = 1e-9
    # At most three ends of ranges of ranks move by 1e-9 each.
    moved = np.abs(weighted_quantiles(x, w, P) - without)
    if len(w) > 1:
        assert (moved <= 4e-9 * np.ptp(x, axis=0)[:, None] + 1e-12 * np.abs(x).max()).all()


@given(data=table(FRACTIONS))
@settings(max_examples=100)
def test_they_rise_from_the_minimum_to_the_maximum(data):
    x, w = np.nan_to_num(data[0]), data[1] + 1e-3
    found = weighted_quantiles(x, w, P)
    slack = 1e-14 * np.abs(x).max()
    assert (np.diff(found, axis=1) >= -slack).all()
    assert (found >= x.min(axis=0)[:, None]).all()
    assert (found <= x.max(axis=0)[:, None]).all()


def test_weights_are_counts_and_no_shares():
    x, w = np.array([[0.0], [1.0]]), np.ones(2)
    assert weighted_quantiles(x, w, [0.25]).item() == 0.25
    assert weighted_quantiles(x, 2 * w, [0.25]).item() == 0.0
    # Of less than one row there is the mean alone.
    assert weighted_quantiles(x, w / 4, [0.0, 0.5, 1.0]).tolist() == [[0.5] * 3]


def test_the_smallest_value_of_half_a_weight_is_half_of_the_first_quantile():
    assert weighted_quantiles(np.array([[0.0], [8.0], [9.0]]), np.array([0.5, 2.0, 1.0]), [0.0]).item() == 4.0


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float16])
def test_any_numbers(dtype):
    x = np.array([[0], [1], [1]]).astype(dtype)
    assert weighted_quantiles(x, np.array([3.0, 1.0, 1.0]), [0.5, 1.0]).tolist() == [[0.0, 1.0]]


def test_the_ends_of_float64():
    x = np.array([[-1.5e308], [0.0], [1.5e308]])
    assert weighted_quantiles(x, np.array([1.0, 0.0, 1.0]), [0.5]).item() == 0.0
    assert weighted_quantiles(x, np.array([0.5, 0.5, 1.0]), [0.0, 1.0]).tolist() == [[-0.75e308, 1.5e308]]
    assert weighted_quantiles(x, np.array([0.75, 0.5, 0.75]), [0.5]).item() == 0.0


def test_nothing():
    assert weighted_quantiles(np.empty((3, 0)), np.ones(3), [0.5]).shape == (0, 1)
    for x in (np.empty((0, 1)), np.full((2, 1), np.nan), np.full((2, 1), np.inf)):
        assert np.isnan(weighted_quantiles(x, np.ones(len(x)), [0.5])).all()
    assert np.isnan(weighted_quantiles(np.ones((2, 1)), np.zeros(2), [0.5])).all()
