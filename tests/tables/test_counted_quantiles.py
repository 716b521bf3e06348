"""Quantiles by counting and keeping: exact where few values share a bin with one, left out elsewhere."""

import numpy as np
import polars as pl
import pytest

from normwise.tables import counted_quantiles as module
from normwise.tables.counted_quantiles import counted_quantiles
from normwise.tables.histogram import Grid

SHARES = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.999, 1.0])


def columns():
    rng = np.random.default_rng(0)
    normal = rng.normal(5.0, 2.0, 200_000)
    return {
        "normal": normal,
        "float32": normal.astype(np.float32),
        "skewed": np.exp(3 * rng.normal(size=200_000)),
        "ties": rng.integers(0, 5, 200_000).astype(np.float64),
        "far": normal + 1e9,
        "outlier": np.where(np.arange(200_000) == 7, 1e300, normal),
        "holes": np.where(rng.random(200_000) < 0.3, np.nan, normal),
        "infinite": np.where(rng.random(200_000) < 0.1, np.inf, normal),
    }


def grid(values, bins=1 << 14):
    known = values[np.isfinite(values)].astype(np.float64)
    return Grid.over(known.min(), min(known.max(), known.min() + 100.0), bins)


@pytest.mark.parametrize("name", columns())
def test_equals_numpys_to_the_bit(name):
    values = columns()[name]
    frame = pl.DataFrame({name: values}).lazy()
    found = counted_quantiles(frame, {name: grid(values)}, SHARES)[name]
    known = values[np.isfinite(values)].astype(np.float64)
    np.testing.assert_array_equal(found, np.quantile(known, SHARES))


def test_nulls_are_no_values():
    frame = pl.DataFrame({"a": [None, 1.0, 2.0, None, 4.0]}).lazy()
    found = counted_quantiles(frame, {"a": Grid.over(1.0, 4.0, 8)}, np.array([0.5]))
    assert found["a"].tolist() == [2.0]


def test_columns_whose_bins_hold_too_many_values_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 1000)
    values = {name: columns()[name] for name in ("normal", "ties")}
    grids = {name: grid(v) for name, v in values.items()}
    found = counted_quantiles(pl.DataFrame(values).lazy(), grids, np.array([0.5]))
    assert list(found) == ["normal"]
    assert found["normal"][0] == np.median(values["normal"])


def test_a_column_without_values_and_one_too_narrow_for_bins_are_left_out():
    frame = pl.DataFrame({"none": [None, None], "tiny": [0.0, 5e-324]}, schema_overrides={"none": pl.Float64})
    grids = {"none": Grid(0.0, 1.0, 4), "tiny": Grid.over(0.0, 5e-324, 4)}
    assert counted_quantiles(frame.lazy(), grids, np.array([0.5])) == {}
