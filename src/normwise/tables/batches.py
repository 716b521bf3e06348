"""batches: any table as a stream of Polars frames, for those who read it once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import narwhals as nw
import polars as pl

from normwise.tables.collect import collect, engine_errors, few_row_groups_ahead
from normwise.tables.frame import to_frame
from normwise.tables.scan import is_reader, scan_table
from normwise.tables.scan_source import same_schema

BATCH_ROWS = 1 << 16
"""Engines are asked for batches of about so many rows."""


def batches(table: Any, **options: Any) -> Iterator[pl.DataFrame]:
    """The rows of any table, batch by batch, in bounded memory; NaN and null as they are.

    An iterator of batches is read as it comes, without a temporary file.

    Args:
        table: What `scan_table` takes, or a Narwhals frame.
        **options: Those of `scan_table`.

    Raises:
        TableError: As `scan_table`, and where a file turns out to be cut off or wrong further on.

    Example:
        >>> [frame["a"].to_list() for frame in batches(iter([{"a": [1]}, {"a": [2, 3]}]))]
        [[1], [2, 3]]
    """
    if is_reader(table):
        return same_schema(to_frame(batch) for batch in table)
    return _batches_of(scan_table(table, **options))


def _batches_of(frame: nw.LazyFrame[Any]) -> Iterator[pl.DataFrame]:
    native = frame.to_native()
    with engine_errors():
        if isinstance(native, pl.LazyFrame):
            parts = native.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
            with few_row_groups_ahead():
                first = next(iter(parts), None)
            yield from (part for part in chain(() if first is None else (first,), parts) if part.height)
        elif nw.dependencies.is_duckdb_relation(native):
            yield from (pl.DataFrame(batch) for batch in native.to_arrow_reader(BATCH_ROWS))
        else:
            yield from _rows_of_spark(frame)


def _rows_of_spark(frame: nw.LazyFrame[Any]) -> Iterator[pl.DataFrame]:
    """By way of rows: Spark's Arrow results come whole, or by Python workers that need our own version."""
    schema = collect(frame.head(0)).schema
    rows = frame.to_native().toLocalIterator()
    while some := [tuple(row) for row in islice(rows, BATCH_ROWS)]:
        yield pl.DataFrame(some, schema=schema, orient="row")
