"""Every scaler on constants, extreme spreads, infinities, odd arrays and columns that are not its own."""

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from tests.contracts.table_kinds import as_array
from tests.reference.tolerance import assert_close
from tests.scaling.every_scaler import AFFINE, ALL, EACH

from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    RobustScaler,
    StandardScaler,
)
from normwise.tables.collect import collect
from normwise.tables.scan import scan_table

LOW = {"min-max": 2.0}
"""What a constant becomes, where that is not 0."""


@pytest.fixture(params=EACH)
def case(request):
    return EACH[request.param](), LOW.get(request.param, 0.0)


@pytest.fixture(params=ALL)
def scaler(request):
    return ALL[request.param]()


def duckdb(columns):
    engine = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    frame = pl.DataFrame(columns)  # noqa: F841
    return engine.sql("select * from frame")


FRAMES = {
    "numpy": lambda d: np.stack([np.asarray(v) for v in d.values()], axis=1),
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars-lazy": pl.LazyFrame,
    "duckdb": duckdb,
}
EAGER = ("numpy", "pandas", "polars")


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]


# To search for a power takes seconds on DuckDB; test_scaler_kinds does it once.
PAIRS = [(name, kind) for name in EACH for kind in FRAMES if (name, kind) != ("yeo-johnson", "duckdb")]


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request):
    name, kind = request.param
    return EACH[name](), LOW.get(name, 0.0), FRAMES[kind]


@pytest.fixture(params=EAGER)
def eager(request):
    return FRAMES[request.param]


def column(table, i):
    return as_array(table)[:, i].tolist()


def quietly(scaler, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormwiseWarning)
        return scaler.fit(table)


# Constants


def test_constants_become_one_number_whatever_comes_later(pair):
    scaler, low, frame = pair
    with pytest.warns(NormwiseWarning, match=r"always 0\.1") as caught:
        scaler.fit(frame({"x0": [0.1] * 3, "x1": [1.0, 2.0, 3.0]}))
    (message,) = (str(w.message) for w in caught)
    assert '"x0" (always 0.1)' in message
    assert f"makes it {low:g}" in message
    assert "x1" not in message
    later = {"x0": [0.1, 0.2, 1e300], "x1": [1.0, 2.5, 3.0]}
    scaled = scaler.transform(frame(later))
    assert column(scaled, 0) == [low] * 3
    back = column(scaler.inverse_transform(scaler.transform(frame(later))), 0)
    assert_close(back, [0.1] * 3, 1e-15 if "log1p" in repr(scaler) else 0.0)


def test_constants_in_columns_of_several_scalers():
    scaler = ColumnScaler({"a": MinMaxScaler((3, 4))}, default=StandardScaler())
    with pytest.warns(NormwiseWarning) as caught:
        scaled = scaler.fit_transform(pl.DataFrame({"a": [1.0, 1.0], "b": [2.0, 2.0]}))
    assert scaled.row(0) == (3.0, 0.0)
    assert sorted(str(w.message)[:59] for w in caught) == [
        'the column "a" (always 1.0) is constant: MinMaxScaler makes',
        'the column "b" (always 2.0) is constant: StandardScaler mak',
    ]
    assert scaler.inverse_transform(scaled).row(0) == (1.0, 2.0)


@pytest.mark.parametrize(
    "options", [{"with_mean": False}, {"with_std": False}, {"clip": 1.0}, {"unbiased": True}]
)
def test_a_constant_comes_back_whatever_was_asked_for(options):
    scaler = quietly(StandardScaler(**options), [[5.0], [5.0]])
    assert scaler.transform([[5.0], [7.0]]).ravel().tolist() == [0.0, 0.0]
    assert scaler.inverse_transform([[0.0]]).item() == 5.0


def test_a_constant_with_missing_values_keeps_them(pair):
    scaler, low, frame = pair
    table = {"x0": [5.0, math.nan, 5.0], "x1": [1.0, 2.0, 4.0]}
    with pytest.warns(NormwiseWarning, match="always 5"):
        scaler.fit(frame(table))
    assert np.array_equal(column(scaler.transform(frame(table)), 0), [low, np.nan, low], equal_nan=True)


def test_equal_floats_whose_mean_rounds_are_constant(case):
    scaler, low = case
    x = np.full((100_000, 1), 1 / 3)
    assert x.mean() != 1 / 3  # what makes the case
    with pytest.warns(NormwiseWarning, match="always 0.333"):
        scaler.fit(x)
    assert scaler.transform(x[:1]).item() == low
    assert scaler.inverse_transform([[low]]).item() == 1 / 3


def test_a_column_without_values(pair):
    scaler, low, frame = pair
    with pytest.warns(NormwiseWarning, match=r'"x0" \(no value at all\)'):
        scaler.fit(frame({"x0": [np.nan] * 2, "x1": [1.0, 2.0]}))
    later = scaler.transform(frame({"x0": [7.0, np.nan], "x1": [1.0, 2.0]}))
    assert np.array_equal(column(later, 0), [low, np.nan], equal_nan=True)
    assert scaler.statistics_.counts == (0.0, 2.0)
    assert np.isnan(scaler.data_min_[0])


def test_a_column_of_nulls_of_no_type(scaler):
    frame = pl.DataFrame({"a": [1.0, 2.0], "n": [None, None], "b": [4.0, 2.0]})
    scaled = quietly(scaler, frame).transform(frame)
    assert scaled["n"].to_list() == [None, None]


def test_many_constants_are_counted(case):
    with pytest.warns(NormwiseWarning, match="and 3 more are constant"):
        case[0].fit(np.ones((2, 11)))


@pytest.mark.parametrize("rows", [[[3.0, 4.0]], [[3.0, 4.0]] * 2])
def test_one_row(case, rows):
    scaler, low = case
    with pytest.warns(NormwiseWarning, match="are constant"):
        assert (scaler.fit_transform(rows) == low).all()


# Spreads


@pytest.mark.parametrize("size", [1e-20, 1e-150, 1e150])
@pytest.mark.parametrize("kind", ["numpy", "polars-lazy", "duckdb"])
@pytest.mark.parametrize("name", [name for name in EACH if name not in ("yeo-johnson", "log1p")])
def test_tiny_and_huge_spreads_are_scaled(name, kind, size):
    scaler, frame = EACH[name](), FRAMES[kind]
    x = np.array([1.0, 2.0, 3.0])
    y = as_array(scaler.fit(frame({"a": x * size})).transform(frame({"a": x * size})))
    assert_close(y, as_array(clone(scaler).fit_transform(FRAMES["numpy"]({"a": x}))), 1e-14)
    assert_close(as_array(scaler.inverse_transform(frame({"a": y[:, 0]})))[:, 0], x * size, 1e-14)
    assert np.ptp(y) > 0.6


@pytest.mark.parametrize("method", ["yeo-johnson", "log1p"])
@pytest.mark.parametrize("size", [1e-20, 1e-150, 1e150])
def test_powers_of_tiny_and_huge_spreads(method, size):
    x = np.array([[1.0], [2.0], [3.0]]) * size
    y = PowerScaler(method).fit_transform(x)
    assert_close([y.mean(), y.std()], [0.0, 1.0], 1e-12)
    assert (np.diff(y[:, 0]) > 0.5).all()


@pytest.mark.parametrize("name", AFFINE)
@pytest.mark.parametrize(("low", "high"), [(-1.5e308, 1.5e308), (0.0, 5e-324)])
def test_spreads_that_no_float64_holds_are_named(name, low, high):
    x = np.array([[low], [high], [low], [high]])
    if name == "max-abs" and high > 1:
        # 1/1.5e308 has a few digits less than others.
        assert_close(MaxAbsScaler().fit_transform(x).ravel(), [-1.0, 1.0, -1.0, 1.0], 1e-14)
        return
    with pytest.raises(ColumnError) as caught:
        AFFINE[name]().fit(x)
    assert '"x0"' in str(caught.value)
    assert f"from {low} to {high}" in str(caught.value)


def test_a_value_too_far_from_the_median_is_named():
    with pytest.raises(ColumnError, match=r'"x0".*their distance from the center does not fit in float64'):
        RobustScaler().fit([[1e308], [-1e308], [1.7e308]])


@pytest.mark.parametrize("name", AFFINE)
@pytest.mark.parametrize("values", [(1e-44, 3e-44, 2e-44, 5e-44), (-3e38, 3e38, 1e38, 0.0)])
def test_the_ends_of_float32(name, values):
    x = np.array(values, np.float32)[:, None]
    scaler = AFFINE[name]().fit(x)
    y = scaler.transform(x)
    assert_close(y.astype(float), scaler.transform(x.astype(float)), 1e-6)
    # The smallest step of float32, 1.4e-45, is 1/30 of the spread of the tiny ones.
    back = scaler.inverse_transform(y).astype(float)
    assert_close(back / np.ptp(x.astype(float)), x / np.ptp(x.astype(float)), 0.02)


def test_quantiles_between_the_ends_of_float64():
    x = np.array([[-1.5e308], [1.5e308]])
    scaler = RobustScaler((40, 60)).fit(x)
    assert (scaler.median_[0], scaler.center_[0]) == (0.0, 0.0)
    assert_close([scaler.quantile_low_[0], scaler.quantile_high_[0]], [-0.3e308, 0.3e308], 1e-14)
    assert_close(scaler.transform(x).ravel(), [-2.5, 2.5], 1e-14)


@pytest.mark.parametrize("method", ["yeo-johnson", "log1p"])
@pytest.mark.parametrize("ends", [(0.0, 1.7e308), (-1.5e308, 1.5e308)])
def test_powers_at_the_ends_of_float64_are_finite_or_refused(method, ends):
    x = np.array([[ends[0]], [1.0], [ends[1]]])
    if ends[0] < 0:
        message = "have no log1p" if method == "log1p" else "their power has the variance inf"
        with pytest.raises(ColumnError, match=f'"x0".*{message}'):
            PowerScaler(method).fit(x)
        return
    y = PowerScaler(method).fit_transform(x)
    assert np.isfinite(y).all()
    assert (np.diff(y[:, 0]) > 0).all()


@pytest.mark.parametrize(
    ("feature_range", "x", "message"),
    [
        ((-1e5, 1e5), [[0.0], [1e-306]], "what brings them to the feature_range"),
        ((0, 1e-10), [[0.0], [1e308]], "what brings them back from the feature_range"),
    ],
)
def test_a_range_that_no_factor_reaches(feature_range, x, message):
    with pytest.raises(ColumnError, match=f'"x0".*{message} does not fit in float64'):
        MinMaxScaler(feature_range).fit(x)


def test_whole_numbers_beyond_2_to_the_53(case):
    scaler, _ = case
    start = 2**60 if scaler.__class__ is not PowerScaler else 2**55
    values = [start, start + 4096, start + 8192]
    expected = scaler.fit_transform(np.array([[float(v)] for v in values]))
    assert len(set(expected.ravel())) == 3 or "log1p" in repr(scaler)
    for table in (np.array([[v] for v in values]), pl.DataFrame({"a": values}), pd.DataFrame({"a": values})):
        assert_close(as_array(clone(scaler).fit_transform(table)), expected, 1e-12)


def test_a_power_of_1_keeps_the_digits_of_a_column_far_from_0():
    x = np.array([2.0**55, 2.0**55 + 4096, 2.0**55 + 8192])
    expected = [-math.sqrt(1.5), 0.0, math.sqrt(1.5)]
    for frame in (FRAMES["numpy"], FRAMES["polars-lazy"], FRAMES["duckdb"]):
        scaler = PowerScaler().fit(frame({"a": x}))
        assert_close(column(scaler.transform(frame({"a": x})), 0), expected, 1e-12)
        assert column(scaler.inverse_transform(frame({"a": [0.0]})), 0) == [2.0**55 + 4096]


def test_booleans(pair):
    scaler, _, frame = pair
    both = {"a": np.array([True, False, True]), "b": np.array([False, False, True])}
    wide = {name: values.astype(np.float64) for name, values in both.items()}
    found = as_array(scaler.fit(frame(both)).transform(frame(both)))
    assert_close(found, as_array(clone(scaler).fit_transform(FRAMES["numpy"](wide))), 1e-7)


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars", "polars-lazy"])
@pytest.mark.parametrize("make", [PowerScaler, lambda: ColumnScaler(default=PowerScaler())])
def test_what_no_power_gives_has_no_inverse_and_says_so(make, kind):
    x = np.random.default_rng(0).lognormal(0.0, 2.0, 300)
    scaler = make().fit(FRAMES[kind]({"a": x}))
    with pytest.raises(ColumnError, match=r'column "(a|x0)" holds 50\.0, which has no inverse.*Expected'):
        as_array(scaler.inverse_transform(FRAMES[kind]({"a": np.array([0.0, np.nan, 50.0])})))
    back = as_array(scaler.inverse_transform(FRAMES[kind]({"a": np.array([0.0, np.nan])})))
    assert np.isfinite(back[0, 0])
    assert np.isnan(back[1, 0])


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars", "polars-lazy"])
@pytest.mark.parametrize(
    "make", [lambda: PowerScaler("log1p"), lambda: ColumnScaler(default=PowerScaler("log1p"))]
)
@pytest.mark.parametrize(
    ("later", "shown"),
    [([-1.0], r"-1\.0"), ([0.0, -3.5, np.nan, -7.0, -1.0], r"-3\.5 and at least 2 more such")],
)
def test_what_has_no_logarithm_says_so(make, kind, later, shown):
    scaler = make().fit(FRAMES[kind]({"a": np.array([0.0, 1.0, 2.0])}))
    if kind != "numpy":
        # Polars hands on a few rows at once, in any order: it is those in hand that are named and counted.
        shown = shown.replace(" and at least 2", "( and at least [12]").replace("such", "such)?")
        shown = shown.replace(r"-3\.5", r"-(3\.5|7\.0|1\.0)")
    message = rf'column "(a|x0)" holds {shown}, which has no log\(1 \+ x\)\. Expected values above −1'
    for dtype in (np.float64, np.float32):
        with pytest.raises(ColumnError, match=message):
            as_array(scaler.transform(FRAMES[kind]({"a": np.array(later, dtype)})))
    near = as_array(scaler.transform(FRAMES[kind]({"a": np.array([-0.999, np.nan])})))
    assert np.isfinite(near[0, 0])
    assert np.isnan(near[1, 0])


def test_a_file_with_values_without_a_logarithm_raises_when_it_is_read(tmp_path):
    pl.DataFrame({"a": [1.0, -2.0]}).write_parquet(tmp_path / "t.parquet")
    scaler = PowerScaler("log1p").fit(pl.DataFrame({"a": [0.0, 1.0]}))
    lazily = scaler.transform(tmp_path / "t.parquet")
    with pytest.raises(ColumnError, match=r'column "a" holds -2\.0, which has no log'):
        lazily.sink_parquet(tmp_path / "out.parquet")


def test_duckdb_has_nan_where_there_is_no_logarithm():
    scaler = PowerScaler("log1p").fit(pl.DataFrame({"a": [0.0, 1.0]}))
    found = column(scaler.transform(duckdb({"a": [-1.0, -2.0, 0.0]})), 0)
    assert np.isnan(found).tolist() == [True, True, False]


def test_powers_of_a_column_far_from_0_keep_their_digits():
    rng = np.random.default_rng(0)
    for offset, size in ((2000.0, 5.0), (1e5, 3.0), (1e4, 1e3), (-2000.0, 5.0), (1e6, 1e5)):
        x = offset + size * rng.gamma(2.0, 1.0, (1000, 1))
        scaler = PowerScaler().fit(x)
        y = scaler.transform(x)
        assert_close([y.mean(), y.std()], [0.0, 1.0], 1e-7)
        assert len(np.unique(y)) == 1000
        assert (np.diff(y[np.argsort(x[:, 0]), 0]) > 0).all()
        assert_close(scaler.inverse_transform(y) - offset, x - offset, 1e-6)


# Infinities


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_infinities_are_named_and_counted(case, eager, dtype):
    scaler, _ = case
    good = {"x0": np.array([1, 2, 3], dtype), "x1": np.array([1, 2, 4], dtype)}
    bad = {"x0": good["x0"], "x1": np.array([np.inf, 1, -np.inf], dtype)}
    scaler.fit(eager(good))
    for call in (scaler.transform, scaler.inverse_transform, scaler.fit):
        with pytest.raises(ColumnError, match=r'infinite values in "x1" \(2\)\. Expected finite'):
            call(eager(bad))


@pytest.mark.parametrize("kind", ["polars-lazy", "duckdb"])
def test_fit_refuses_infinities_on_an_engine(case, kind):
    table = FRAMES[kind]({"x0": [1.0, 2.0], "x1": [math.inf, -math.inf]})
    with pytest.raises(ColumnError, match=r'infinite values in "x1" \(2\)\. Expected finite'):
        case[0].fit(table)


def test_infinities_raise_when_a_lazy_frame_is_collected(case, tmp_path):
    scaler, _ = case
    scaler.fit(pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 4.0]}))
    bad = pl.DataFrame({"a": [1.0, 2.0], "b": [math.inf, 2.0]})
    bad.write_parquet(tmp_path / "bad.parquet")
    for table in (bad.lazy(), pl.scan_parquet(tmp_path / "bad.parquet"), tmp_path / "bad.parquet"):
        lazily = scaler.transform(table)
        with pytest.raises(ColumnError, match=r'infinite values in "b" \((at least )?1\)'):
            collect(scan_table(lazily))
        for ends in (lazily.collect, lambda t=lazily: t.sink_parquet(tmp_path / "out.parquet")):
            with pytest.raises(ColumnError, match=r'^infinite values in "b" \((at least )?1\).*line\)\.$'):
                ends()


def test_duckdb_hands_infinities_through(case):
    """Decision 0071: it cannot raise on the way; a power makes NaN of them, anything else keeps them."""
    scaler, _ = case
    scaler.fit(pl.DataFrame({"a": [1.0, 2.0, 4.0]}))
    found = column(scaler.transform(duckdb({"a": [math.inf, -math.inf]})), 0)
    expected = [math.nan] * 2 if isinstance(scaler, PowerScaler) else [math.inf, -math.inf]
    assert np.array_equal(found, expected, equal_nan=True)


def test_infinities_as_missing_values(pair):
    scaler, _, frame = pair
    scaler.set_params(infinite="null")
    table = {"x0": [1.0, math.inf, 3.0, 2.0], "x1": [-math.inf, 2.0, math.nan, 4.0]}
    holed = {name: [v if math.isfinite(v) else math.nan for v in values] for name, values in table.items()}
    scaler.fit(frame(table))
    assert scaler.statistics_.infinities == (1, 1)
    expected = clone(scaler).fit_transform(FRAMES["numpy"](holed))
    found = as_array(scaler.transform(frame(table)))
    assert_close(np.nan_to_num(found), np.nan_to_num(expected), 1e-7)
    assert np.array_equal(np.isnan(found), np.isnan(expected))


@pytest.mark.parametrize("kind", ["polars", "polars-lazy", "duckdb"])
def test_infinities_become_null_where_there_is_null(case, kind):
    scaler, _ = case
    scaler.set_params(infinite="null").fit(pl.DataFrame({"a": [1.0, 2.0, 4.0]}))
    table = {"a": [1.0, math.inf, math.nan, None, -math.inf]}
    found = scaler.transform(FRAMES[kind](table))
    values = pl.DataFrame(found.collect() if kind == "polars-lazy" else found)["a"]
    assert values.is_null().to_list() == [False, True, False, True, True]
    assert values[2] != values[2]


def test_infinities_among_many_blocks_are_counted_whole(case):
    scaler, _ = case
    x = np.random.default_rng(0).random((300_000, 2))
    x[:, 1] = 3.0
    quietly(scaler, x)
    x[::60_000] = np.inf
    with pytest.raises(ColumnError, match=r'infinite values in "x0" \(5\), "x1" \(5\)\.'):
        scaler.transform(x)


def test_each_scaler_of_a_column_scaler_decides_on_infinities():
    scaler = ColumnScaler({0: StandardScaler(infinite="null"), 1: RobustScaler(), 2: MinMaxScaler()})
    x = np.array([[1.0, 2.0, 3.0, np.inf], [np.inf, 4.0, 5.0, 1.0], [5.0, 5.0, 9.0, 1.0]])
    for fit in (scaler.fit, clone(scaler).partial_fit):
        scaled = fit(x).transform(x)
        assert np.isnan(scaled[:, 0]).tolist() == [False, True, False]
        assert scaled[0, 3] == np.inf  # not its business
    bad = np.where(x == 5.0, -np.inf, x)
    for call in (clone(scaler).fit, clone(scaler).partial_fit):
        with pytest.raises(ColumnError, match=r'infinite values in "x1" \(1\), "x2" \(1\)\.'):
            call(bad)


# Shapes and layouts


def arrays(x, folder):
    path = Path(folder, "x.npy")
    np.save(path, x)
    frozen = x.copy()
    frozen.flags.writeable = False
    wide = np.zeros((2 * len(x), 2 * x.shape[1]))
    wide[::2, ::2] = x
    swapped = np.asfortranarray(x[::-1])[::-1]
    return {
        "memory-mapped": np.load(path, mmap_mode="r"),
        "read-only": frozen,
        "strided": wide[::2, ::2],
        "reversed": swapped,
        "columns reversed": np.ascontiguousarray(x[:, ::-1])[:, ::-1],
        "objects": x.astype(object),
        "long double": x.astype(np.longdouble),
        "lists": x.tolist(),
    }


def test_arrays_of_any_layout(scaler, tmp_path):
    x = np.random.default_rng(0).gamma(2.0, 3.0, (61, 4))
    x[5, 1] = np.nan
    expected = scaler.fit_transform(x)
    allowed = 1e-7 if "Power" in repr(scaler) else 1e-13
    for name, table in arrays(x, tmp_path).items():
        found = clone(scaler).fit(table).transform(table)
        assert found.dtype == np.float64, name
        assert_close(np.nan_to_num(found), np.nan_to_num(expected), allowed)
        assert np.array_equal(np.asarray(table, np.float64), x, equal_nan=True), f"{name} was changed"


@pytest.mark.parametrize("kind", ["numpy", "polars-lazy"])
@pytest.mark.parametrize("name", [name for name in ALL if "columns" not in name])
def test_more_columns_than_rows(name, kind):
    many = 5000 if kind == "numpy" else 20 if name == "yeo-johnson" else 100
    x = np.random.default_rng(0).gamma(2.0, 3.0, (7, many))
    table = x if kind == "numpy" else pl.LazyFrame({f"c{i}": x[:, i] for i in range(many)})
    scaler = EACH[name]().fit(table)
    found = as_array(scaler.transform(table))
    some = [0, 1, 7, many - 1]
    allowed = 1e-6 if "Power" in repr(scaler) else 1e-13
    assert_close(found[:, some], clone(scaler).fit_transform(x[:, some]), allowed)


def test_one_dimension(scaler):
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        scaler.fit(np.array([1.0, 2.0]))
    scaler.fit(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 5.0]]))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        scaler.transform(np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("table", [pd.DataFrame({"a": []}), pl.DataFrame({"a": []}), np.empty((0, 1))])
def test_no_rows_to_learn_from(case, table):
    scaler, _ = case
    for call in (scaler.fit, getattr(scaler, "partial_fit", scaler.fit)):
        with pytest.raises(ValueError, match=r"Found array with 0"):
            call(table)


@pytest.mark.parametrize("table", [pd.DataFrame(), pl.DataFrame(), np.empty((3, 0))])
def test_no_columns(scaler, table):
    with pytest.raises(ValueError, match=r"Found array with 0 (feature|column|sample)"):
        scaler.fit(table)


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars-lazy", "duckdb"])
def test_no_rows_to_transform(case, kind):
    scaler, _ = case
    scaler.fit(pl.DataFrame({"a": [1.0, 2.0, 4.0]}))
    nothing = FRAMES[kind](pl.DataFrame({"a": []}, schema={"a": pl.Float64}).to_dict(as_series=True))
    if kind == "pandas":
        nothing = pd.DataFrame({"a": np.empty(0)})
    for call in (scaler.transform, scaler.inverse_transform):
        assert as_array(call(nothing)).shape == (0, 1)


def test_what_a_mask_covers_is_missing(case):
    scaler, _ = case
    masked = np.ma.masked_array([[1], [3], [999]], mask=[[False], [False], [True]])
    scaled = scaler.fit_transform(masked)
    assert (scaler.data_min_[0], scaler.data_max_[0]) == (1.0, 3.0)
    assert np.isnan(scaled[2, 0])


@pytest.mark.parametrize("dtype", ["datetime64[D]", "timedelta64[s]"])
def test_arrays_of_times_are_refused(case, dtype):
    scaler, _ = case
    times = np.array([[1], [2]]).astype(dtype)
    with pytest.raises(ColumnError) as caught:
        scaler.fit(times)
    assert f"expected an array of numbers, got {dtype}" in str(caught.value)
    scaler.fit(np.array([[1.0], [2.0]]))
    with pytest.raises(ColumnError, match="expected an array of numbers"):
        scaler.transform(times)


# Columns


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars-lazy", "duckdb"])
def test_columns_that_are_not_those_of_fit(scaler, kind):
    frame = FRAMES[kind]
    scaler.fit(pl.DataFrame({"age": [1.0, 2.0], "income": [3.0, 4.0], "debt": [0.5, 2.0]}))
    rest = {"debt": [1.0]}
    with pytest.raises(ColumnError) as renamed:
        scaler.transform(frame({"age": [1.0], "incme": [3.0], **rest}))
    assert '"incme" is not known. Did you mean "income"?' in str(renamed.value)
    with pytest.raises(ColumnError, match="order: \\['age', 'income', 'debt'\\]"):
        scaler.transform(frame({"income": [1.0], "age": [3.0], **rest}))
    with pytest.raises(ColumnError, match="yet now missing:\n- income\n"):
        scaler.inverse_transform(frame({"age": [1.0], **rest}))
    with pytest.raises(ColumnError, match="unseen at fit time:\n- zip\n"):
        scaler.transform(frame({"age": [1.0], "income": [3.0], **rest, "zip": [2.0]}))


def test_another_number_of_columns(scaler):
    x = np.array([[1.0, 2.0, 5.0], [2.0, 3.0, 7.0]])
    with pytest.raises(ColumnError, match=r"X has 2 features, but \w+ is expecting 3 features"):
        scaler.fit(x).transform(x[:, :2])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_words_are_named(case, frame):
    with pytest.raises(ColumnError, match=r'expected columns of numbers; these are not: "city" \(String\)'):
        case[0].fit(frame({"age": [1.0, 2.0], "city": ["a", "b"]}))


def test_doubled_names(scaler):
    with pytest.raises(TableError, match='the column names "a" occur more than once'):
        scaler.fit(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


def test_names_of_several_kinds(scaler):
    with pytest.raises(TypeError, match="only supported if all input features have string names"):
        scaler.fit(pd.DataFrame([[1.0, 2.0], [2.0, 1.0]], columns=["a", 1]))


@pytest.mark.parametrize("name", ["normwise 0", "sample weight", "", 'a.b "q"'])
def test_names_that_could_be_taken_for_others(case, name):
    scaler, _ = case
    frame = pl.DataFrame({name: [1.0, 2.0, 4.0], "normwise 1": [3.0, 1.0, 2.0]})
    found = scaler.fit(frame.lazy()).transform(frame.lazy()).collect()
    assert found.columns == frame.columns
    assert_close(found.to_numpy(), clone(scaler).fit_transform(frame.to_numpy()), 1e-7)


def test_names_of_a_column_scaler_that_are_absent_or_doubled():
    frame = pl.DataFrame({"age": [1.0, 2.0], "income": [1.0, 2.0]})
    with pytest.raises(ColumnError, match=r'there is no column "agee"\. Did you mean "age"\?'):
        ColumnScaler({"agee": StandardScaler()}).fit(frame)
    with pytest.raises(ColumnError, match=r"there is no column 2: the table has 2, from 0 on"):
        ColumnScaler({2: StandardScaler()}).fit(frame)
    with pytest.raises(ColumnError, match=r'the column "-2" is named twice'):
        ColumnScaler({"age": StandardScaler(), -2: MinMaxScaler()}).fit(frame)
    with pytest.raises(ColumnError, match=r'there is no column "age"\. An array\'s columns have numbers'):
        ColumnScaler({"age": StandardScaler()}).fit(frame.to_numpy())


# Arguments


@pytest.mark.parametrize("bad", [(1, 0), (0, 0), (0,), "ab", (0, np.inf), 3])
def test_feature_range(bad):
    with pytest.raises(ValueError, match="feature_range is ") as caught:
        MinMaxScaler(bad).fit([[1.0], [2.0]])
    assert repr(bad) in str(caught.value)


def test_a_range_whose_width_overflows():
    with pytest.raises(ValueError, match=r"feature_range is \(-1e\+308, 1e\+308\), whose width does not fit"):
        MinMaxScaler((-1e308, 1e308)).fit([[1.0], [2.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_values_stay_inside_the_interval(dtype):
    rng = np.random.default_rng(0)
    for _ in range(300):
        low, high = sorted(rng.normal(size=2).astype(dtype))
        x = (rng.normal(size=(5, 3)) * 10.0 ** rng.integers(-5, 5)).astype(dtype)
        for interval in ((0, 1), (low, high)):
            y = MinMaxScaler(interval).fit_transform(x)
            assert y.dtype == dtype
            assert y.min() == interval[0]
            assert interval[1] - 50 * np.finfo(dtype).eps < y.max() <= interval[1]


@pytest.mark.parametrize("clip", [0.5, 2.0])
def test_clip_keeps_missing_values(frame, clip):
    for scaler in (StandardScaler(clip=clip), RobustScaler(clip=clip)):
        table = {"a": [0.0, 1.0, 2.0, 3.0, 100.0, math.nan]}
        y = as_array(scaler.fit(frame(table)).transform(frame(table)))
        assert np.isnan(y[-1, 0])
        # By the same engine: each adds up in an order of its own.
        unclipped = clone(scaler).set_params(clip=None).fit(frame(table)).transform(frame(table))
        assert np.nanmax(y) == min(clip, as_array(unclipped)[4, 0])
        assert np.nanmin(y) >= -clip


def test_columns_of_an_array_are_named_by_their_place_in_it():
    scaler = ColumnScaler({2: StandardScaler(), 1: PowerScaler()})
    with pytest.warns(NormwiseWarning, match=r'"x2" \(always 4.0\)'):
        scaler.fit(np.array([[1.0, 2.0, 4.0], [1.0, 3.0, 4.0]]))
    assert scaler.statistics_.names == ("x1", "x2")
    with pytest.raises(ColumnError, match=r'infinite values in "x1" \(1\)\.'):
        scaler.transform(np.array([[np.inf, np.inf, 4.0]]))
    with pytest.raises(ColumnError, match=r'infinite values in "x1" \(1\), "x2" \(1\)\.'):
        scaler.fit(np.array([[1.0, np.inf, 4.0], [1.0, 3.0, -np.inf]]))


@pytest.mark.parametrize("wrap", ["lazy", "eager"])
def test_frames_of_narwhals(case, wrap):
    import narwhals as nw

    scaler, _ = case
    frame = pl.DataFrame({"a": [1.0, 2.0, 4.0]})
    wrapped = nw.from_native(frame.lazy() if wrap == "lazy" else frame)
    scaled = scaler.fit(wrapped).transform(wrapped)
    assert isinstance(scaled, type(wrapped))
    found = scaled.collect() if wrap == "lazy" else scaled
    assert_close(found.to_numpy(), clone(scaler).fit_transform(frame.to_numpy()), 1e-7)
