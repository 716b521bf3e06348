"""transform_table: a transform of rows given back as the kind of table that it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import narwhals as nw
import polars as pl

from normwise.tables.batches import batches
from normwise.tables.collect import collect
from normwise.tables.frame import to_frame
from normwise.tables.like import like
from normwise.tables.scan import is_dataset, is_paths, is_reader, is_spark, scan_table
from normwise.tables.scan_source import same_schema

Rows = Callable[[nw.LazyFrame[Any]], nw.LazyFrame[Any]]


def transform_table(table: Any, transform: Rows, **options: Any) -> Any:
    """What `transform` makes of a table, as the kind that the table is, and lazily where it is lazy.

    | table | result |
    |---|---|
    | Polars lazy frame, path, pattern | Polars lazy frame |
    | DuckDB relation, PySpark frame, Narwhals frame | the same, not run yet |
    | PyArrow dataset or reader | reader: each batch is computed when it is asked for |
    | iterator of batches | iterator of batches, each of its own kind |
    | Polars or pandas frame, PyArrow table, dict, … | the same, as `like` gives it |

    Args:
        table: What `scan_table` takes.
        transform: From a lazy frame to a lazy frame, each row by itself: it sees one batch at a time.
        **options: Those of `scan_table`.

    Raises:
        TableError: As `scan_table`.

    Example:
        >>> double = lambda frame: frame.with_columns(nw.col("a") * 2)
        >>> transform_table({"a": [1.0, None]}, double)
        {'a': [2.0, None]}
        >>> list(transform_table(iter([{"a": [1]}, {"a": [2]}]), double))
        [{'a': [2]}, {'a': [4]}]
    """
    if hasattr(table, "read_next_batch") or is_dataset(table):
        return _reader(table, transform)
    if is_reader(table):
        return _each(table, transform)
    if isinstance(table, nw.LazyFrame):
        return transform(table)
    if isinstance(table, nw.DataFrame):
        return nw.from_native(transform_table(table.to_native(), transform))
    lazy = transform(scan_table(table, **options))
    if is_paths(table) or isinstance(table, pl.LazyFrame) or _is_engine(table):
        return lazy.to_native()
    return like(collect(lazy), table)


def _is_engine(table: Any) -> bool:
    return bool(nw.dependencies.is_duckdb_relation(table)) or is_spark(table)


def _each(parts: Iterable[Any], transform: Rows) -> Iterator[Any]:
    kinds: list[Any] = []

    def frames() -> Iterator[pl.DataFrame]:
        for part in parts:
            kinds[:] = [part]
            yield to_frame(part)

    for frame in same_schema(frames()):
        yield like(collect(transform(nw.from_native(frame.lazy()))), kinds[0])


def _reader(table: Any, transform: Rows) -> Any:
    import pyarrow as pa

    empty = pl.DataFrame(table.schema.empty_table()).lazy()
    schema = collect(transform(nw.from_native(empty))).to_arrow().schema
    made = (
        batch
        for frame in batches(table)
        for batch in collect(transform(nw.from_native(frame.lazy()))).to_arrow().cast(schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, made)
