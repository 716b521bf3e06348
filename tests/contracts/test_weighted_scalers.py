"""Every scaler with sample weights, on every kind of table that takes them, against a float64 reference."""

import numpy as np
import polars as pl
import pytest
from tests.contracts.table_kinds import as_array, assert_matches
from tests.engines import native
from tests.reference import scaling as reference
from tests.reference.power_errors import power_errors
from tests.reference.scaling import by_column
from tests.reference.tolerance import tolerance

from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)

SCALERS = {
    "standard": (StandardScaler, reference.standardized, {}),
    "min-max": (MinMaxScaler, reference.normalized, {}),
    "max-abs": (MaxAbsScaler, reference.by_the_largest, {}),
    "robust": (RobustScaler, reference.robust, {}),
    "uniform": (lambda: QuantileScaler(50), reference.ranked, {"n_quantiles": 50}),
    "normal": (
        lambda: QuantileScaler(50, output="normal"),
        reference.ranked,
        {"n_quantiles": 50, "normal": True},
    ),
    "yeo-johnson": (PowerScaler, reference.powered, {}),
    "log1p": (lambda: PowerScaler("log1p"), reference.logarithmic, {}),
    "columns": (lambda: ColumnScaler({0: RobustScaler()}, default=StandardScaler()), None, {}),
}
NAMES = ["a", "b"]


def data(rows=211):
    rng = np.random.default_rng(0)
    x = rng.gamma(2.0, [1.0, 30.0], (rows, 2))
    x[::7, 0] = np.nan
    w = np.where(rng.random(rows) < 0.2, 0.0, rng.gamma(1.0, 1.0, rows))
    x[np.flatnonzero(w == 0)[:2], 1] = [np.inf, 1e6]
    return x, w


def named(kind, x, w, folder):
    """A table of this kind whose weights are its middle column."""
    frame = pl.DataFrame({"a": x[:, 0], "w": w, "b": x[:, 1]})
    if kind in ("polars", "duckdb", "spark"):
        return native(kind, frame, folder)
    if kind == "file":
        frame.write_parquet(folder / "t.parquet")
        return str(folder / "t.parquet")
    return {
        "eager": lambda: frame,
        "pandas": frame.to_pandas,
        "arrow": frame.to_arrow,
        "batches": lambda: iter([frame[:50], frame[50:]]),
    }[kind]()


def expected(name, x, w):
    formula, options = SCALERS[name][1:]
    later = np.where(np.isinf(x), np.nan, x)
    if formula is not None:
        return by_column(formula, later, weights=w, **options)
    parts = [reference.robust, reference.standardized]
    return np.stack([part(later[:, i], later[:, i], weights=w) for i, part in enumerate(parts)], axis=1)


def applied(scaler, x):
    """What the fitted scaler makes of the rows, the infinity of weight 0 left out."""
    frame = pl.DataFrame(np.where(np.isinf(x), np.nan, x), schema=NAMES)
    return as_array(scaler.transform(frame if hasattr(scaler, "feature_names_in_") else frame.to_numpy()))


def assert_right(name, scaler, x, w):
    """Column by column within what rounding explains: a normal quantile is steep at its ends."""
    found, wanted = applied(scaler, x), expected(name, x, w)
    for i in range(2):
        column = np.where(np.isinf(x[:, i]), np.nan, x[:, i])
        allowed = tolerance("float64", len(x), 100.0 if name == "normal" else 10.0)
        if name in ("yeo-johnson", "log1p"):
            error, _ = power_errors(column, column, w, logarithm=name == "log1p")
            allowed = error / np.nanmax(np.abs(wanted[:, i]))
        assert_matches(found[:, i], wanted[:, i], allowed)


@pytest.mark.parametrize("name", [name for name in SCALERS if name not in ("min-max", "max-abs")])
def test_other_weights_would_be_seen(name):
    x, w = data()
    scaler = SCALERS[name][0]().fit(x, sample_weight=np.where(np.arange(len(w)) == 5, w + 0.01, w))
    with pytest.raises(AssertionError, match=r"error .*, allowed"):
        assert_right(name, scaler, x, w)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("kind", ["array", "fortran", "list", "frame"])
def test_weights_beside_rows_in_memory(name, kind):
    x, w = data()
    table = {
        "array": lambda: x,
        "fortran": lambda: np.asfortranarray(x),
        "list": x.tolist,
        "frame": lambda: pl.DataFrame(x, schema=NAMES),
    }[kind]()
    scaler = SCALERS[name][0]().fit(table, sample_weight=w.tolist() if kind == "list" else w)
    assert_right(name, scaler, x, w)


SLOW = ("yeo-johnson", "spark"), ("uniform", "spark"), ("normal", "spark")
CASES = [
    (name, kind)
    for name in SCALERS
    for kind in ("eager", "pandas", "arrow", "polars", "duckdb", "spark", "file", "batches")
    if (name, kind) not in SLOW
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_weights_in_a_column(name, kind, tmp_path):
    x, w = data()
    scaler = SCALERS[name][0]().fit(named(kind, x, w, tmp_path), sample_weight="w")
    assert scaler.statistics_.names == ("a", "b")
    assert list(scaler.feature_names_in_) == NAMES
    assert_right(name, scaler, x, w)


def test_a_large_table_keeps_its_rank_error_and_says_it(monkeypatch):
    monkeypatch.setattr("normwise.scaling.measure.EXACT_ROWS", 100)
    x, w = data()
    frame = pl.LazyFrame({"a": x[:, 0], "b": x[:, 1], "w": w})
    scaler = RobustScaler().fit(frame, sample_weight="w")
    total = np.array(scaler.statistics_.counts)
    assert_matches(scaler.rank_error_, 1e-5 + 0.5 / total, 1e-6)
    assert RobustScaler().fit(frame.drop("w").filter(pl.col("b") < 1e6)).rank_error_.tolist() == [1e-5] * 2
