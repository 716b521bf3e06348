"""Variance inflation against least squares column by column, and against what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from normwise.insight import condition_numbers, variance_inflation

COLUMNS = ["a", "b", "c", "d"]


def factors(x, columns=COLUMNS):
    return {m.column: m.value for m in variance_inflation(x, columns)}


def by_least_squares(x, j):
    about = x - x.mean(axis=0)
    others = np.delete(about, j, axis=1)
    left = about[:, j] - others @ np.linalg.lstsq(others, about[:, j], rcond=None)[0]
    return np.square(about[:, j]).sum() / np.square(left).sum()


@pytest.fixture(name="x")
def correlated() -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    x[:, 3] = x[:, 0] - 2 * x[:, 1] + 0.1 * rng.normal(size=200)
    return x


def test_it_is_what_least_squares_leave_unexplained(x):
    expected = [by_least_squares(x, j) for j in range(4)]
    # κ of the unit columns is about 1e3: least squares keep 1e-12 or so.
    np.testing.assert_allclose(list(factors(x).values()), expected, rtol=1e-9)
    assert expected[3] > 100
    assert expected[2] < 2


def test_scale_and_offset_of_a_column_do_not_matter(x):
    moved = x * [1e-6, 1.0, 1e5, 30.0] + [0.0, 1e3, -7.0, 0.0]
    np.testing.assert_allclose(list(factors(moved).values()), list(factors(x).values()), rtol=1e-6)


def test_no_scaling_brings_the_condition_number_below_it(x):
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    kappa = condition_numbers(scaled, COLUMNS)[1].value
    assert kappa >= max(factors(x).values())


def test_what_others_determine_is_infinite_and_what_they_do_not_is_not(x):
    x[:, 3] = 2 * x[:, 0]
    found = factors(x)
    assert found["a"] == found["d"] == np.inf
    assert found["b"] == pytest.approx(by_least_squares(x[:, :3], 1), rel=1e-9)


def test_fewer_rows_than_columns_determine_all(x):
    assert set(factors(x[:3]).values()) == {np.inf}


def test_constant_columns_are_left_out_and_none_left_is_refused(x):
    x[:, 1] = 5.0
    assert list(factors(x)) == ["a", "c", "d"]
    with pytest.raises(ValueError, match="none of the 2 columns of x varies"):
        variance_inflation(np.ones((3, 2)), ["a", "b"])
