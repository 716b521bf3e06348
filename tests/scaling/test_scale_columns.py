"""scale_columns: the columns of fit in a wider lazy frame, on any engine, and the rest as it was."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from normwise.core.errors import ColumnError
from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)
from normwise.tables import collect, scan_table

TABLE = pl.DataFrame(
    {"b": [1.0, None, 4.0], "name": ["x", "y", "z"], "a": [3, 5, 9], "flag": [True, False, None]}
)
SCALERS = [MaxAbsScaler, MinMaxScaler, PowerScaler, QuantileScaler, RobustScaler, StandardScaler]


def close(found, expected):
    assert_frame_equal(found, expected, rel_tol=1e-13, abs_tol=1e-13)


@pytest.mark.parametrize("kind", SCALERS)
def test_as_transform_does_and_back(kind):
    scaler = kind().fit(TABLE.select("a", "b"))
    scaled = scaler.scale_columns(scan_table(TABLE))
    close(collect(scaled), TABLE.with_columns(scaler.transform(TABLE.select("a", "b"))))
    back = scaler.scale_columns(scaled, inverse=True)
    close(collect(back), TABLE.cast({"a": pl.Float64}))


def test_a_scaler_of_columns():
    scaler = ColumnScaler({"a": StandardScaler(), "b": MinMaxScaler()}).fit(TABLE)
    assert_frame_equal(collect(scaler.scale_columns(scan_table(TABLE))), scaler.transform(TABLE))
    assert scaler.columns_in(TABLE.schema) == ["b", "a"]


def test_what_is_refused():
    scaler = StandardScaler().fit(TABLE.select("a", "b"))
    with pytest.raises(
        ColumnError, match=r'there is no column "b", which is scaled\. There are: "a", "name"'
    ):
        scaler.scale_columns(scan_table(TABLE.select("a", "name")))
    with pytest.raises(ColumnError, match=r'these are not: "b" \(String\)'):
        scaler.scale_columns(scan_table(TABLE.with_columns(pl.lit("x").alias("b"))))
    with pytest.raises(ColumnError, match=r'infinite values in "a" \(at least [123]\)'):
        collect(scaler.scale_columns(scan_table(TABLE.with_columns(pl.lit(np.inf).alias("a")))))
    with pytest.raises(
        ColumnError, match="this StandardScaler was fitted on an array, whose columns have no"
    ):
        StandardScaler().fit(np.eye(2)).scale_columns(scan_table(TABLE))


def test_frames_of_narwhals_are_fitted_without_a_warning():
    frame = nw.from_native(TABLE.lazy()).select("a", "b")
    assert StandardScaler().fit(frame).feature_names_in_.tolist() == ["a", "b"]
