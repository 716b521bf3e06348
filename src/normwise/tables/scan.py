"""scan_table: any table as a lazy frame, read as a stream by the engine that holds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn, cast

import narwhals as nw
import polars as pl

from normwise.core.errors import ColumnError, TableError, listing
from normwise.tables.frame import to_frame
from normwise.tables.names import require_unique
from normwise.tables.scan_csv import Told
from normwise.tables.scan_files import Progress, scan_files
from normwise.tables.scan_source import scan_batches, scan_dataset

FRAMES = (pl.DataFrame, pl.Series, nw.DataFrame)


def scan_table(
    table: Any,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    text_columns: Collection[str] = (),
    number_columns: Collection[str] = (),
    verbatim_columns: Collection[str] = (),
    progress: Progress | None = None,
) -> nw.LazyFrame[Any]:
    """Any table as a lazy frame, which its engine reads as a stream, in bounded memory.

    Nothing is read but names, types and, in text, the first rows. NaN is left as it is, apart from null.

    Args:
        table: A path, a pattern such as ``"part-*.parquet"`` or a list of paths, of Parquet, Feather (Arrow
            IPC), CSV or TSV files; a Polars frame, eager or lazy; a pandas frame; a PyArrow table, batch,
            reader or dataset; a DuckDB relation; a PySpark frame; an iterator of batches, each of them what
            `as_frame` takes, which is written to a temporary file once; or what else `as_frame` takes.
        format: The files' format, where their extension does not tell.
        encoding: The encoding of CSV text.
        text_columns: Columns of CSV text whose cells stay text.
        number_columns: Columns of CSV text that are known to be numbers: read as floats, whatever the first
            rows hold; another cell raises when it is read.
        verbatim_columns: Columns of CSV text whose cells stay as they are written, but for the
            spaces around them: `MISSING_WORDS` are words too, and an empty cell alone is null.
        progress: Called as files are read, with the bytes done and the bytes there are; each pass
            over the table begins at 0.

    Returns:
        A Narwhals frame over Polars; for a DuckDB relation or a PySpark frame, over that.

    Raises:
        TableError: If it is no table, a file is missing, of an unknown format or without rows, or several
            files have different columns.
        ColumnError: If a column has no name, or two have the same.

    Example:
        >>> scan_table(pl.DataFrame({"a": [1, 2]})).select(nw.col("a").sum()).collect().item()
        3
        >>> scan_table(iter([{"a": [1]}, {"a": [2, 3]}])).collect()["a"].to_list()
        [1, 2, 3]
    """
    if is_paths(table):
        told = Told(frozenset(text_columns), frozenset(number_columns), frozenset(verbatim_columns))
        return nw.from_native(scan_files(table, format, encoding, told, progress))
    for is_kind, scan in _WAYS_IN:
        if is_kind(table):
            return scan(table)
    return nw.from_native(to_frame(table).lazy())


def is_paths(table: Any) -> bool:
    """Whether it is a path, a pattern, or a list of these.

    Example:
        >>> is_paths("a.csv"), is_paths(["a.csv", "b.csv"]), is_paths([[1.0]]), is_paths([])
        (True, True, False, False)
    """
    if isinstance(table, str | os.PathLike):
        return True
    return (
        isinstance(table, list | tuple)
        and bool(table)
        and all(isinstance(p, str | os.PathLike) for p in table)
    )


def is_dask(table: Any) -> bool:
    """Whether it is a Dask frame."""
    return bool(nw.dependencies.is_dask_dataframe(table))


def is_duckdb(table: Any) -> bool:
    """Whether it is a DuckDB relation."""
    return bool(nw.dependencies.is_duckdb_relation(table))


def is_spark(table: Any) -> bool:
    """Whether it is a PySpark frame, of a classic or a Connect session."""
    return bool(
        nw.dependencies.is_pyspark_dataframe(table) or nw.dependencies.is_pyspark_connect_dataframe(table)
    )


def is_dataset(table: Any) -> bool:
    """Whether it is a PyArrow dataset."""
    return (
        type(table).__module__.startswith("pyarrow.")
        and hasattr(table, "scanner")
        and hasattr(table, "schema")
    )


def is_reader(table: Any) -> bool:
    """Whether it can be read once only: a PyArrow RecordBatchReader, or any iterator of batches."""
    return isinstance(table, Iterator) or (hasattr(table, "read_next_batch") and hasattr(table, "schema"))


def is_batches(table: Any) -> bool:
    """Whether it is a list of frames, to be read one after the other."""
    return isinstance(table, list | tuple) and bool(table) and all(_is_frame(part) for part in table)


def _is_frame(part: Any) -> bool:
    return (
        isinstance(part, FRAMES)
        or nw.dependencies.is_pandas_dataframe(part)
        or hasattr(part, "__arrow_c_array__")
    )


def _scan_engine(table: Any) -> nw.LazyFrame[Any]:
    require_unique([str(name) for name in table.columns])
    return cast(nw.LazyFrame[Any], nw.from_native(table))


def _scan_spark(table: Any) -> nw.LazyFrame[Any]:
    awkward = [name for name in table.columns if "." in name or "`" in name]
    if awkward:
        raise ColumnError(
            f"the Spark frame has the columns {listing(awkward)}. Expected names without dots and backticks, "
            "which Spark takes for more than a name: rename the columns with .toDF(…)."
        )
    return _scan_engine(table)


def _refuse_dask(_table: Any) -> NoReturn:
    raise TableError(
        "a Dask frame is not read here: what Narwhals computes on Dask is not always right. Expected a "
        "Polars, pandas, PyArrow, DuckDB or PySpark table, or files: write the frame with "
        '.to_parquet("folder") and give "folder/*.parquet".'
    )


def _scan_narwhals(table: Any) -> nw.LazyFrame[Any]:
    return scan_table(table.to_native())


_WAYS_IN: Sequence[tuple[Callable[[Any], bool], Callable[[Any], nw.LazyFrame[Any]]]] = (
    (lambda t: isinstance(t, nw.LazyFrame | nw.DataFrame), _scan_narwhals),
    (lambda t: isinstance(t, pl.LazyFrame), nw.from_native),
    (is_dask, _refuse_dask),
    (is_duckdb, _scan_engine),
    (is_spark, _scan_spark),
    (is_dataset, lambda t: nw.from_native(scan_dataset(t))),
    (is_reader, lambda t: nw.from_native(scan_batches(iter(t)))),
    (is_batches, lambda t: nw.from_native(scan_batches(iter(t)))),
)
