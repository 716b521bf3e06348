"""The bounds of powers let a right result through, and see a λ of too few digits."""

import numpy as np
import pytest
from tests.reference.power_errors import lambda_error, power_errors
from tests.reference.scaling import likeliest_lambda, yeo_johnson


def column(offset):
    return np.random.default_rng(0).normal(offset, 30.0, 257)


def standardized(x, lam):
    y = yeo_johnson(x, lam)
    return (y - y.mean()) / y.std()


@pytest.mark.parametrize("offset", [-200.0, 0.0, 200.0])
def test_a_lambda_within_its_error_is_allowed_and_a_worse_one_is_not(offset):
    x = column(offset)
    w, lam = np.ones(257), likeliest_lambda(x)
    there, _ = power_errors(x, x)
    off = lambda_error(x, w, lam)
    assert 1e-11 < off < 1e-7

    def moved(by):
        return np.abs(standardized(x, lam + by) - standardized(x, lam)).max()

    assert moved(off) <= there
    assert moved(2 * off + 1e-9) > there


def test_the_way_back_bears_a_y_that_was_rounded_and_not_one_that_is_wrong():
    x = column(200.0)
    lam = likeliest_lambda(x)
    bent = yeo_johnson(x, lam)

    def back(y):
        return (lam * (y * bent.std() + bent.mean()) + 1) ** (1 / lam) - 1

    y = standardized(x, lam)
    assert np.abs(back(y) - x).max() <= power_errors(x, x)[1] < 1e-10
    allowed = power_errors(x, x, dtype="float32")[1]
    assert np.abs(back(y.astype(np.float32)) - x).max() <= allowed
    assert np.abs(back(y * (1 + 2.0**-19)) - x).max() > allowed


def test_a_table_of_float32_is_allowed_its_rounding_and_no_more():
    x = column(200.0)
    (y64, _), (y32, x32) = (power_errors(x, x, dtype=dtype) for dtype in ("float64", "float32"))
    largest = np.abs(standardized(x, likeliest_lambda(x))).max()
    assert y32 - y64 == pytest.approx(2.0**-24 * largest, rel=0.1)
    assert 2.0**-24 * np.abs(x).max() < x32 < 2.0**-21 * np.abs(x).max()


def test_a_logarithm_has_no_lambda_to_be_off():
    x = np.abs(column(200.0))
    assert power_errors(x, x, logarithm=True)[0] < power_errors(x, x)[0] / 1000
