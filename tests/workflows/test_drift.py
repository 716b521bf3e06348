"""Drift: what is named, what is not, and at the threshold."""

import numpy as np
import pytest

from normwise.core.column_statistics import ColumnStatistics
from normwise.workflows.drift import FEWEST, SHIFT, SPREAD, STANDARD_ERRORS, drift_notes

BASE = np.array([-1.0, 1.0] * 500)


def notes(before, after, origins=None):
    old, new = (ColumnStatistics.of(np.reshape(v, (-1, 1)), names=["age"]) for v in (before, after))
    return drift_notes(old, new, origins)


def test_the_same_rows_are_silent():
    assert notes(BASE, BASE) == ()
    assert notes(BASE, BASE[:200]) == ()


def test_a_sample_of_the_same_is_silent():
    rng = np.random.default_rng(0)
    old = rng.normal(3, 2, 5000)
    assert all(notes(old, rng.normal(3, 2, n)) == () for n in (1, 2, 10, 100, 1000) for _ in range(20))


def test_a_moved_mean_is_named_with_both_and_the_distance():
    (note,) = notes(BASE, BASE + 3)
    assert note == '"age" drifted: its mean is 3, in training it was 0 (3.0 standard deviations away)'


@pytest.mark.parametrize(
    ("shift", "fires"), [(SHIFT - 0.01, False), (SHIFT + 0.01, True), (-SHIFT - 0.01, True)]
)
def test_the_threshold_of_the_mean(shift, fires):
    assert bool(notes(BASE, BASE + shift)) == fires


@pytest.mark.parametrize(
    ("standard_errors", "fires"), [(STANDARD_ERRORS - 0.1, False), (STANDARD_ERRORS + 0.1, True)]
)
def test_few_rows_must_be_further_away(standard_errors, fires):
    four = np.array([-1.0, 1.0, -1.0, 1.0])
    assert bool(notes(BASE, four + standard_errors / 2)) == fires


def test_one_row_far_away():
    assert notes(BASE, [3.9]) == ()
    assert len(notes(BASE, [4.1])) == 1


@pytest.mark.parametrize(("factor", "fires"), [(SPREAD * 0.99, False), (SPREAD * 1.01, True)])
@pytest.mark.parametrize("grows", [True, False])
def test_the_threshold_of_the_spread(factor, fires, grows):
    after = BASE * np.sqrt(factor if grows else 1 / factor)
    found = notes(BASE, after)
    assert bool(found) == fires
    if fires:
        assert "its standard deviation is" in found[0]
        assert "in training it was 1" in found[0]


@pytest.mark.parametrize(("rows", "fires"), [(FEWEST - 2, False), (FEWEST, True)])
def test_a_spread_needs_rows(rows, fires):
    assert bool(notes(BASE, BASE[:rows] * 5)) == fires


def test_a_column_that_became_constant():
    assert "its standard deviation is 0" in notes(BASE, np.zeros(50))[0]


def test_a_constant_that_changed():
    (note,) = notes(np.full(100, 2.0), np.full(5, 3.0))
    assert note == ('"age" drifted: its mean is 3, in training it was 2 (it was always 2 in training)')
    assert notes(np.full(100, 2.0), np.full(5, 2.0)) == ()


@pytest.mark.parametrize(("before", "after"), [(BASE, [np.nan] * 9), ([np.nan] * 9, BASE), (BASE, [])])
def test_no_values_no_drift(before, after):
    assert notes(before, after) == ()


def test_only_the_features_that_moved_are_named():
    old = ColumnStatistics.of(np.stack([BASE, BASE], 1), names=["a", "b"])
    new = ColumnStatistics.of(np.stack([BASE, BASE + 9], 1), names=["a", "b"])
    (note,) = drift_notes(old, new)
    assert note.startswith('"b" drifted')


def test_means_are_told_in_the_units_of_the_table():
    (note,) = notes(BASE, BASE + 3, origins=np.array([1e9]))
    assert "its mean is 1000000003, in training it was 1000000000 (3.0" in note


@pytest.mark.parametrize(("shift", "shown"), [(999.0, "999.0"), (1000.0, "1e+03"), (1.23456e38, "1.23e+38")])
def test_a_huge_distance_is_short(shift, shown):
    assert notes(BASE, BASE + shift)[0].endswith(f"({shown} standard deviations away)")
