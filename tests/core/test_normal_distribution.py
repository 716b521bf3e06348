"""The normal distribution against SciPy's, and the same formula on Narwhals expressions."""

import math

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.normal_distribution import Operations, probability, quantile

EPSILON = tolerance("float64")
NARWHALS = Operations(
    where=lambda condition, a, b: nw.when(condition).then(literal(a)).otherwise(literal(b)),
    sqrt=lambda e: e.sqrt(),
    log=lambda e: e.log(),
    exp=lambda e: e.exp(),
    absolute=lambda e: e.abs(),
)


def literal(value):
    return value if isinstance(value, nw.Expr) else nw.lit(value)


def relative(found, expected):
    """The largest error of one value, relative to that value: small ones count like large ones."""
    return float(np.abs(found / expected - 1).max())


def test_the_quantile_is_right_to_the_last_digits_everywhere():
    small = np.logspace(-300, -1, 5001)
    p = np.concatenate([small, np.linspace(0.0, 1.0, 5000)[1:-1], 1 - np.logspace(-15, -1, 1001)])
    assert relative(quantile(p), ndtri(p)) <= 2 * EPSILON


def test_the_probability_is_right_to_the_last_digits():
    y = np.linspace(-40, 40, 40_001)
    assert float(np.abs(probability(y) - ndtr(y)).max()) <= EPSILON
    small = y[(y < 0) & (y > -37)]
    assert relative(probability(small), ndtr(small)) <= 1e-8


def test_the_relative_error_is_that_of_the_worst_value():
    assert relative(np.array([1.0, 1.1e-9]), np.array([1.0, 1e-9])) == pytest.approx(0.1)


def test_a_complement_reaches_where_one_minus_p_ends():
    q = np.array([1e-7, 1e-30, 1e-300])
    assert_close(quantile(1 - q, q), -ndtri(q), EPSILON)


def test_a_complement_keeps_float32s_upper_tail():
    q = np.array([1e-7, 1e-12], "float32")
    assert_close(quantile(np.float32(1) - q, q), -ndtri(q.astype("float64")), tolerance("float32"))


def test_ends_beyond_them_and_nan():
    p = np.array([0.0, 1.0, -0.1, 1.1, np.nan, 0.5])
    assert repr(quantile(p).tolist()) == repr([-math.inf, math.inf, math.nan, math.nan, math.nan, 0.0])
    y = np.array([-np.inf, np.inf, np.nan, 0.0])
    assert repr(probability(y).tolist()) == repr([0.0, 1.0, math.nan, 0.5])


@given(st.floats(1e-300, 0.5))
def test_the_quantile_is_odd_and_inverts_the_probability(p):
    y = float(quantile(np.float64(p)))
    assert float(quantile(np.float64(1 - p), np.float64(p))) == -y
    # A step of y changes p by the factor 1 + |y|·dy: that much of y's rounding is seen in p.
    allowed = {"abs": EPSILON, "rel": tolerance("float64", conditioning=1 + y * y) if p > 1e-3 else 1e-8}
    assert float(probability(np.float64(y))) == pytest.approx(p, **allowed)


def test_the_same_formula_on_expressions():
    values = [0.0, 1e-300, 1e-7, 0.3, 0.5, 0.9, 1.0, None, float("nan"), -1.0, 2.0]
    frame = nw.from_native(pl.DataFrame({"p": values, "y": [v if v is None else 8 * v - 4 for v in values]}))
    found = frame.select(y=quantile(nw.col("p"), operations=NARWHALS), p=probability(nw.col("y"), NARWHALS))
    p = np.array([np.nan if v is None else v for v in values])
    for name, expected in (("y", quantile(p)), ("p", probability(8 * p - 4))):
        column = found[name].to_list()
        assert [v is None for v in column] == [v is None for v in values]
        filled = np.array([np.nan if v is None else v for v in column])
        np.testing.assert_array_equal(np.isfinite(filled), np.isfinite(expected))
        usable = np.isfinite(expected)
        np.testing.assert_array_equal(filled[~usable], expected[~usable])
        assert_close(filled[usable], expected[usable], EPSILON)
