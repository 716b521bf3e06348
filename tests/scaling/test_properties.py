"""What holds for any numbers: the way back, the order of values, of rows, and powers of two."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tests.scaling.every_scaler import AFFINE, ALL, EACH

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import NormwiseWarning
from normwise.scaling import PowerScaler

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-100)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=NUMBERS)
# Three columns, near each other and far, tied and not; a power of 1e9 has few digits left on its way back.
PLAIN = st.one_of(st.integers(0, 8).map(float), st.floats(0.0, 1e3).map(lambda v: round(v, 6)))
PLAIN_TABLES = arrays(np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=PLAIN)
EXAMPLES = {"yeo-johnson": 15, "columns-of-all": 15}


def fitted(make, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormwiseWarning)
        return make().fit(x)


@pytest.mark.parametrize("name", AFFINE)
@settings(deadline=None, max_examples=50)
@given(x=TABLES)
def test_inverse_after_transform_is_the_identity(name, x):
    scaler = fitted(AFFINE[name], x)
    back = scaler.inverse_transform(scaler.transform(x))
    # (x − center) and the sum with it round at the size of the column's largest value.
    assert (np.abs(back - x) <= 8 * np.spacing(np.abs(x).max(axis=0))).all()


@pytest.mark.parametrize("name", ["uniform", "normal", "yeo-johnson", "log1p", "columns", "columns-of-all"])
@settings(deadline=None, max_examples=20)
@given(x=PLAIN_TABLES)
def test_inverse_after_a_bent_transform_is_the_identity_within_the_training_range(name, x):
    """To 1e-7 of the range: Φ is steep at its ends, and a power of 66 has a flat one."""
    scaler = fitted(ALL[name], x)
    back = scaler.inverse_transform(scaler.transform(x))
    assert (np.abs(back - x) <= 1e-7 * np.abs(x).max(axis=0) + 1e-12).all()


@pytest.mark.parametrize("name", EACH)
@settings(deadline=None, max_examples=25)
@given(x=PLAIN_TABLES)
def test_order_is_kept(name, x):
    scaler = fitted(EACH[name], x)
    beyond = np.sort(np.concatenate([x, x * 1.5 + 1, x / 3, x - 0.5]), axis=0)
    y = scaler.transform(beyond)
    size = np.spacing(np.nanmax(np.abs(y), axis=0))
    # A power's logarithm and exponential round each for itself.
    slack = 64 * size if isinstance(scaler, PowerScaler) else 2 * size if name == "normal" else 0.0
    assert (np.diff(y, axis=0) >= -slack).all()


@pytest.mark.parametrize("name", EACH)
@settings(deadline=None, max_examples=25)
@given(x=PLAIN_TABLES, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(name, x, seed):
    a, b = fitted(EACH[name], x), fitted(EACH[name], np.random.default_rng(seed).permutation(x))
    y, z = a.transform(x), b.transform(x)
    exact = name in ("min-max", "max-abs", "robust", "uniform", "normal")
    if exact:
        assert np.array_equal(y, z)
    elif name == "yeo-johnson":
        # λ is searched to where the likelihood is flat: of few values it may be found anywhere in there.
        assume((np.abs(a.lambdas_ - b.lambdas_) < 1e-4).all())
        assert np.allclose(y, z, rtol=1e-2, atol=1e-2)
    else:
        assert np.allclose(y, z, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("name", AFFINE)
@settings(deadline=None, max_examples=40)
@given(x=TABLES, power=st.integers(-40, 40))
def test_a_power_of_two_of_the_unit_changes_nothing(name, x, power):
    # Squares of spreads leave float64's range below 1e-154, which is an error of its own.
    assume((np.ptp(x, axis=0) > 1e-80).all())
    y = fitted(AFFINE[name], x).transform(x)
    z = fitted(AFFINE[name], x * 2.0**power).transform(x * 2.0**power)
    assert np.array_equal(y, z)


@settings(deadline=None, max_examples=60)
@given(x=TABLES, seed=st.integers(0, 2**32 - 1))
def test_shards_merge_to_the_whole_in_any_order(x, seed):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(x.shape) < 0.2, np.nan, x)
    whole = ColumnStatistics.of(x)
    shards = np.array_split(rng.permutation(x), rng.integers(1, 6))
    merged = ColumnStatistics.empty(whole.names)
    for shard in shards:
        merged = merged.merge(ColumnStatistics.of(shard))
    exact = ("rows", "nulls", "nans", "counts")
    assert all(getattr(merged, f) == getattr(whole, f) for f in exact)
    assert np.array_equal(merged.minima, whole.minima, equal_nan=True)
    assert np.array_equal(merged.maxima, whole.maxima, equal_nan=True)
    size = np.nan_to_num(np.nanmax(np.abs(np.append(x, np.zeros((1, x.shape[1])), 0)), axis=0))
    assert (np.abs(np.subtract(merged.means, whole.means)) <= 1e-14 * size).all()
    assert (np.abs(np.subtract(merged.m2s, whole.m2s)) <= 1e-13 * len(x) * size**2).all()
