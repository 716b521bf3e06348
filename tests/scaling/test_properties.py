"""What holds for any numbers: inverse after transform is the identity, shards merge, scaling is monotone."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import NormwiseWarning
from normwise.scaling import MinMaxScaler, StandardScaler

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-100)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=NUMBERS)


def fitted(make, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormwiseWarning)
        return make().fit(x)


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler, lambda: MinMaxScaler((-3, 5))])
@settings(deadline=None, max_examples=60)
@given(x=TABLES)
def test_inverse_after_transform_is_the_identity(make, x):
    scaler = fitted(make, x)
    back = scaler.inverse_transform(scaler.transform(x))
    # (x − center) and the sum with it round at the size of the column's largest value.
    assert (np.abs(back - x) <= 8 * np.spacing(np.abs(x).max(axis=0))).all()


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler])
@settings(deadline=None, max_examples=60)
@given(x=TABLES)
def test_order_is_kept(make, x):
    y = fitted(make, x).transform(x)
    for i in range(x.shape[1]):
        assert (np.diff(y[np.argsort(x[:, i], kind="stable"), i]) >= 0).all()


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
