"""Drift: each number against its definition, and what it is where the definition has none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.drift import Drift
from normwise.core.errors import TableError

VALUES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)


def ks(before, now):
    with np.errstate(all="ignore"):  # of its p-value, which is not asked for
        return ks_2samp(before, now, method="asymp").statistic


def column(before, now, size=64):
    old, new = (
        ColumnStatistics.of(np.reshape(np.array(v, np.float64), (-1, 1)), ["x"], sketch_size=size)
        for v in (before, now)
    )
    return old.compare(new).columns[0]


def test_against_the_definitions():
    rng = np.random.default_rng(0)
    before, now = rng.normal(3, 2, 500), rng.normal(-1, 5, 300)
    found = column(before, now, size=1000)
    allowed = tolerance("float64", n=500, conditioning=10)
    assert_close(found.shift, (now.mean() - before.mean()) / before.std(), allowed)
    assert found.shift < 0
    assert_close(found.variance_ratio, now.var() / before.var(), allowed)
    assert_close(found.ks, ks(before, now), tolerance("float64"))
    assert (found.ks_error, found.new_nulls) == (0.0, 0.0)
    means, stds = [found.mean_before, found.mean_now], [found.std_before, found.std_now]
    assert_close(means, [before.mean(), now.mean()], allowed)
    assert_close(stds, [before.std(), now.std()], allowed)
    assert (found.name, found.count_before, found.count_now) == ("x", 500.0, 300.0)


@settings(deadline=None)
@given(before=VALUES, now=VALUES)
def test_ks_is_scipys_while_the_sketches_are_exact(before, now):
    found = column(before, now)
    # A difference of shares, which are of size 1: it cancels where it is small.
    assert abs(found.ks - ks(before, now)) <= tolerance("float64", n=40)
    assert found.ks_error == 0.0


@pytest.mark.parametrize("shift", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("sizes", [(20_000, 300), (300, 20_000), (5000, 5000)])
def test_ks_is_scipys_to_the_error_that_it_states(shift, sizes):
    rng = np.random.default_rng(1)
    before, now = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
    found = column(before, now)
    assert 0 < found.ks_error < 0.25
    assert abs(found.ks - ks(before, now)) <= found.ks_error


def test_the_same_rows_do_not_move():
    found = column([1.0, 2.0, 5.0], [5.0, 1.0, 2.0])
    # In another order, sums round otherwise.
    assert abs(found.shift) <= tolerance("float64", n=3)
    assert abs(found.variance_ratio - 1.0) <= tolerance("float64", n=3)
    assert (found.ks, found.new_nulls) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("before", "now", "shift", "ratio", "largest"),
    [
        ([0.1] * 7, [0.1] * 9, 0.0, 1.0, 0.0),
        ([0.1] * 7, [0.3], math.inf, 1.0, 1.0),
        ([0.1] * 7, [-0.3] * 3, -math.inf, 1.0, 1.0),
        ([2.0], [1.0, 3.0], 0.0, math.inf, 0.5),
        ([1.0, 3.0], [2.0], 0.0, 0.0, 0.5),
        ([1.0, 3.0], [3.0], 1.0, 0.0, 0.5),
        ([1.0, 3.0], [], None, None, None),
        ([], [1.0, 3.0], None, None, None),
        ([], [], None, None, None),
        ([np.nan, np.inf], [1.0], None, None, None),
        ([1e200, -1e200], [1.0], None, None, 0.5),
        ([1.0, 3.0], [1e200, -1e200], None, None, 0.5),
        ([1e-200, 3e-200], [1.0], math.inf, 1.0, 1.0),
        ([1.7e308] * 2, [-1.7e308] * 2, -math.inf, 1.0, 1.0),
    ],
)
def test_constants_single_rows_and_none(before, now, shift, ratio, largest):
    found = column(before, now)
    assert (found.shift, found.variance_ratio, found.ks) == (shift, ratio, largest)
    assert found.ks_error == (None if largest is None else 0.0)


@pytest.mark.parametrize(
    ("values", "mean", "std"),
    [([0.1] * 3, 0.1, 0.0), ([], None, None), ([np.nan], None, None), ([1e200, -1e200], None, None)],
)
def test_means_and_standard_deviations_where_there_are_none(values, mean, std):
    found = column(values, values)
    assert (found.mean_before, found.std_before, found.mean_now, found.std_now) == (mean, std, mean, std)


@pytest.mark.parametrize("sketched", [(False, True), (True, False), (False, False)])
def test_no_ks_without_sketches_on_both_sides(sketched):
    old, new = (ColumnStatistics.of([[1.0], [2.0]], sketch_size=8 if s else None) for s in sketched)
    found = old.compare(new).columns[0]
    assert (found.ks, found.ks_error, found.shift) == (None, None, 0.0)


def test_new_nulls_are_null_and_nan_but_not_infinity():
    before = ColumnStatistics.of([[1.0], [np.nan], [3.0], [np.inf]])
    now = ColumnStatistics.of(
        [[1.0], [np.nan], [3.0], [4.0]], nulls=np.array([[True], [False], [False], [True]])
    )
    assert before.compare(now).columns[0].new_nulls == 0.5
    assert now.compare(before).columns[0].new_nulls == -0.5
    assert before.compare(ColumnStatistics.empty(["0"])).columns[0].new_nulls == -0.25


def test_columns_are_matched_by_name():
    before = ColumnStatistics.of([[1.0, 10.0], [3.0, 30.0]], ["a", "b"])
    now = ColumnStatistics.of([[30.0, 5.0]], ["b", "a"])
    assert [(c.name, c.shift) for c in before.compare(now).columns] == [("a", 3.0), ("b", 1.0)]


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ("age income", "age incme", 'the second statistics lack "income". Did you mean "incme"?'),
        ("age", "age incme", 'the first statistics lack "incme". There are: "age".'),
        ("age", "", 'the second statistics lack "age". There are none.'),
        ("a a b", "b a a", 'the columns "a" occur more than once, in two orders. Rename them.'),
    ],
)
def test_columns_that_do_not_match(before, now, message):
    old, new = (ColumnStatistics.empty(names.split()) for names in (before, now))
    with pytest.raises(TableError) as caught:
        old.compare(new)
    assert message in str(caught.value)


def test_columns_of_one_name_are_compared_in_their_order():
    old, new = (ColumnStatistics.of([v, v[::-1]], ["a", "a"]) for v in ([1.0, 3.0], [2.0, 5.0]))
    assert [c.shift for c in old.compare(new).columns] == [1.5, 1.5]


def test_json_round_trip():
    old = ColumnStatistics.of([[1.0, 2.0], [1.0, 3.0]], sketch_size=8)
    drift = old.compare(ColumnStatistics.of([[2.0, 3.0], [2.0, np.nan]]))
    assert drift.columns[0].shift == math.inf
    assert Drift.from_json(drift.to_json()) == drift
