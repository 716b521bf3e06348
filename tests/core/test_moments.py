"""Moments against sums in exact arithmetic; the algebra of merge, in NumPy and in traced code."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.moments import Moments, merge, merge_all

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda v: round(v, 6)), max_size=20)


def exact(values, weights=None):
    """Count, mean and m2 by the definition, in fractions."""
    x = [Fraction(v) for v in values]
    w = [Fraction(1)] * len(x) if weights is None else [Fraction(v) for v in weights]
    count = sum(w)
    mean = sum(a * b for a, b in zip(w, x, strict=True)) / count if count else Fraction(0)
    m2 = sum(a * (b - mean) ** 2 for a, b in zip(w, x, strict=True))
    return float(count), float(mean), float(m2)


def assert_moments(actual, expected, size):
    """Equal to rounding, for values no larger than `size`."""
    assert float(actual.count) == expected[0]
    assert abs(float(actual.mean) - expected[1]) <= 1e-14 * max(size, 1e-300)
    assert abs(float(actual.m2) - expected[2]) <= 1e-13 * max(size**2 * max(expected[0], 1), 1e-300)


def size_of(*lists):
    return max((abs(v) for values in lists for v in values), default=0.0)


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError):
        assert_moments(Moments(2.0, 1.0, 1.0), (2.0, 1.0, 1.1), 1.0)
    with pytest.raises(AssertionError):
        assert_moments(Moments(2.0, 1.0, 1.0), (2.0, 1.001, 1.0), 1.0)


@settings(deadline=None)
@given(values=VALUES)
def test_of_equals_the_definition(values):
    assert_moments(Moments.of(values), exact(values), size_of(values))


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 4)), max_size=12))
def test_a_weight_is_how_often_a_value_was_seen(pairs):
    values, weights = [float(v) for v, _ in pairs], [w for _, w in pairs]
    repeated = np.repeat(values, weights)
    weighted = Moments.of(values, weights=weights)
    assert_moments(weighted, exact(values, weights), size_of(values))
    assert_moments(weighted, tuple(map(float, Moments.of(repeated))), size_of(values))


@settings(deadline=None)
@given(a=VALUES, b=VALUES, c=VALUES)
def test_merge_is_the_moments_of_the_union_in_any_order(a, b, c):
    parts = [Moments.of(v) for v in (a, b, c)]
    whole = exact(a + b + c)
    size = size_of(a, b, c)
    assert_moments(merge(merge(parts[0], parts[1]), parts[2]), whole, size)
    assert_moments(merge(parts[0], merge(parts[1], parts[2])), whole, size)
    assert_moments(merge(parts[2], merge(parts[1], parts[0])), whole, size)


@given(values=VALUES)
def test_no_values_are_neutral(values):
    some, none = Moments.of(values), Moments.of([])
    assert tuple(map(float, none)) == (0.0, 0.0, 0.0)
    assert merge(some, none) == some
    assert merge(none, some) == some


def test_axes_and_shapes():
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    m = Moments.of(x, axis=(0, 2))
    assert m.count.tolist() == [15.0] * 4
    assert_close(m.mean, x.mean(axis=(0, 2)), 1e-15)
    assert_close(m.variance(), x.var(axis=(0, 2)), 1e-14)
    assert_close(m.variance(ddof=1), x.var(axis=(0, 2), ddof=1), 1e-14)
    per_column = Moments.of(x, axis=1, weights=np.array([1.0, 0.0, 2.0, 1.0])[:, None])
    assert per_column.mean.shape == (3, 5)
    assert_close(per_column.mean, np.average(x, axis=1, weights=[1, 0, 2, 1]), 1e-14)


def test_values_of_weight_zero_are_never_read():
    m = Moments.of([[1.0, np.nan], [np.inf, 5.0]], axis=0, weights=[[1, 0], [0, 1]])
    assert [v.tolist() for v in m] == [[1.0, 1.0], [1.0, 5.0], [0.0, 0.0]]


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_weights_are_named(bad):
    with pytest.raises(ValueError, match=f"weights must be finite and not negative, got {bad}"):
        Moments.of([1.0, 2.0], weights=[1.0, bad])


@pytest.mark.parametrize(
    ("values", "ddof", "variance"),
    [
        ([], 0, 0.0),
        ([], 1, 0.0),
        ([7.0], 0, 0.0),
        ([7.0], 1, 0.0),
        ([1.0, 3.0], 1, 2.0),
        ([1.0, 3.0], 2, 1.0),
    ],
)
def test_variance_where_there_are_too_few_values(values, ddof, variance):
    assert float(Moments.of(values).variance(ddof)) == variance


def test_a_large_mean_beside_a_small_spread():
    x = np.random.default_rng(1).normal(0.0, 1.0, 100_000)
    for offset in (1e5, 1e9):
        shifted = x + offset
        reference = shifted - offset  # exact in float64 here
        m = Moments.of(shifted)
        assert abs(float(m.mean) - offset - reference.mean()) <= tolerance("float64") * offset
        assert_close(m.variance(), reference.var(), 1e-9)


def test_merge_and_variance_in_traced_code():
    import jax
    import jax.numpy as jnp
    from keras import ops

    if os.environ["KERAS_BACKEND"] != "jax":
        pytest.skip("traced by JAX")
    a, b = np.random.default_rng(2).normal(3.0, 2.0, (2, 50, 4)).astype(np.float32)
    merged = jax.jit(lambda p, q: merge(p, q, xp=ops))(
        *(Moments(*(jnp.asarray(v, jnp.float32) for v in Moments.of(x, axis=0))) for x in (a, b))
    )
    expected = Moments.of(np.concatenate([a, b]), axis=0)
    allowed = tolerance("float32", conditioning=4)
    assert isinstance(merged, Moments)
    for found, value in zip(merged, expected, strict=True):
        assert_close(found, value, allowed)
    assert_close(jax.jit(lambda m: m.variance(1, xp=ops))(merged), expected.variance(1), allowed)
    none = Moments(*(jnp.zeros(4) for _ in range(3)))
    again = jax.jit(lambda p, q: merge(p, q, xp=ops))(none, merged)
    assert all(np.array_equal(x, y) for x, y in zip(again, merged, strict=True))
    assert not np.isnan(jax.jit(lambda m: merge(m, m, xp=ops).variance(xp=ops))(none)).any()


def test_gradients_of_an_empty_variance_are_finite():
    import jax
    import jax.numpy as jnp
    from keras import ops

    if os.environ["KERAS_BACKEND"] != "jax":
        pytest.skip("traced by JAX")
    gradient = jax.grad(lambda c: Moments(c, jnp.zeros(()), jnp.zeros(())).variance(xp=ops))(0.0)
    assert np.isfinite(gradient)


def test_merging_many_sets_at_once_is_merging_them_one_by_one():
    random = np.random.default_rng(0)
    sets = [random.normal(size=(n, 3)) for n in (5, 0, 1, 8)]
    moments = [Moments.of(s, axis=0) for s in sets]
    parts = Moments(*(np.stack(field) for field in zip(*moments, strict=True)))
    whole = merge_all(parts, lambda values: values.sum(0))
    for found, expected in zip(whole, Moments.of(np.concatenate(sets), axis=0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    empty = merge_all(Moments(*(np.zeros((2, 3)) for _ in range(3))), lambda values: values.sum(0))
    assert [field.tolist() for field in empty] == [[0.0] * 3] * 3
