"""Every kind of table that holds the same numbers, and the numbers that a table holds."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.engines import spark_session

NAMES = ["age", "a<b>,\n名"]
PLAIN = ["age", "name"]
"""Of columns on engines that take no other names without quotes."""


def polars(x, names=NAMES):
    return pl.DataFrame(x, schema=names, orient="row")


def pyarrow(x):
    """From NumPy's memory: what Polars hands out of it is freed where Python may not be called."""
    arrow = pytest.importorskip("pyarrow", reason="PyArrow is not installed")
    columns = [arrow.array(column, mask=np.isnan(column)) for column in np.asarray(x).T]
    return arrow.table(columns, names=NAMES)


def dataset(x):
    return pytest.importorskip("pyarrow.dataset", reason="PyArrow is not installed").dataset(pyarrow(x))


def reader(x):
    return pyarrow(x).to_reader(max_chunksize=100)


def duckdb(x):
    engine = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    frame = pyarrow(x)  # noqa: F841
    return engine.sql("select * from frame")


def spark(x):
    session = spark_session()
    rows = [[None if np.isnan(v) else float(v) for v in row] for row in np.asarray(x)]
    return session.createDataFrame(rows, "`age` double, `name` double").repartition(2)


def batches(x):
    return iter([polars(x[i : i + 100]) for i in range(0, len(x), 100)])


def file(extension, write):
    def make(x):
        path = Path(tempfile.mkdtemp(), f"table{extension}")
        write(polars(x, PLAIN), path)
        return str(path)

    return make


def to_ipc(frame, path):
    frame.write_ipc(path)


IN_MEMORY = {
    "numpy-c": np.ascontiguousarray,
    "numpy-fortran": np.asfortranarray,
    "numpy-float32": lambda x: x.astype(np.float32),
    "numpy-strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "numpy-big-endian": lambda x: x.astype(">f8"),
    "list": lambda x: x.tolist(),
    "pandas": lambda x: pd.DataFrame(x, columns=NAMES, index=range(100, 100 + len(x))),
    "pandas-float32": lambda x: pd.DataFrame(x.astype(np.float32), columns=NAMES),
    "pandas-nullable": lambda x: pd.DataFrame(x, columns=NAMES).astype("Float64"),
    "pandas-object": lambda x: pd.DataFrame(x, columns=NAMES).astype(object),
    "polars": polars,
    "polars-float32": lambda x: polars(x.astype(np.float32)),
    "polars-null": lambda x: polars(x).fill_nan(None),
    "pyarrow": pyarrow,
}
LAZY = {
    "polars-lazy": lambda x: polars(x).lazy(),
    "pyarrow-dataset": dataset,
    "duckdb": duckdb,
    "spark": spark,
    "parquet": file(".parquet", pl.DataFrame.write_parquet),
    "csv": file(".csv", lambda frame, path: frame.fill_nan(None).write_csv(path)),
    "feather": file(".feather", to_ipc),
}
ONCE = {"pyarrow-reader": reader, "batches": batches}
"""Tables that can be read once only: they are made anew for each use."""
KINDS = {**IN_MEMORY, **LAZY, **ONCE}


def as_array(table):
    """The numbers of a table of any kind, with NaN where it has none."""
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    elif hasattr(table, "toArrow"):
        table = pl.DataFrame(table.toArrow())
    elif type(table).__module__.partition(".")[0] in ("duckdb", "_duckdb", "pyarrow"):
        table = pl.DataFrame(table)
    elif hasattr(table, "__next__"):
        table = pl.concat([pl.DataFrame(part) for part in table])
    if isinstance(table, pd.DataFrame):
        return table.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(table.to_numpy() if hasattr(table, "to_numpy") else table, dtype=np.float64)


def assert_matches(actual, expected, allowed):
    """NaN where and only where it is expected, and no error beyond `allowed` of the largest value."""
    assert actual.shape == expected.shape
    assert (np.isnan(actual) == np.isnan(expected)).all(), "NaN is elsewhere than expected"
    error = np.nanmax(np.abs(actual - expected)) / np.nanmax(np.abs(expected))
    assert error <= allowed, f"error {error:.3g}, allowed {allowed:.3g}"


def sorted_rows(x):
    """The rows in their order by value, for engines that keep none."""
    return x[np.lexsort(x.T[::-1])]
