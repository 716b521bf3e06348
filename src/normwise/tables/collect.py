"""collect: the rows of a lazy frame of any engine, and its engine's faults in our words."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from typing import Any, cast

import narwhals as nw
import polars as pl
from polars.exceptions import PanicException, PolarsError

from normwise.core.errors import NormwiseError, TableError
from normwise.tables.stash import stashed

PREFETCH = "POLARS_ROW_GROUP_PREFETCH_SIZE"
_ENGINES = ("duckdb", "pyspark", "py4j", "pyarrow")


def collect(frame: nw.LazyFrame[Any]) -> pl.DataFrame:
    """The rows of a lazy frame, as a Polars frame; Polars runs it in its streaming engine.

    Args:
        frame: A Narwhals frame over Polars, DuckDB or Spark. What it yields must fit into memory.

    Raises:
        TableError: If the engine cannot read the data: a file that is cut off, of another format, gone. What
            was wrong with a CSV file that streams in comes in the words of `read_table`.

    Example:
        >>> collect(nw.from_native(pl.LazyFrame({"a": [1, 2]})).select(nw.col("a").sum()))["a"].to_list()
        [3]
    """
    with engine_errors():
        native = frame.to_native()
        if isinstance(native, pl.LazyFrame):
            with few_row_groups_ahead():
                return native.collect(engine="streaming")
        if nw.dependencies.is_duckdb_relation(native):
            return pl.DataFrame(native)
        return cast(pl.DataFrame, frame.collect("polars").to_native())


@contextlib.contextmanager
def few_row_groups_ahead() -> Iterator[None]:
    """Within the block, Polars reads a row group of Parquet ahead for each thread, not eight and more.

    Eight row groups of a wide table are a hundred megabytes, and reading is not quicker by them. A setting of
    the user's own stays; a scan reads it when it begins.
    """
    if PREFETCH in os.environ:
        yield
        return
    os.environ[PREFETCH] = str(max(2, pl.thread_pool_size()))
    try:
        yield
    finally:
        os.environ.pop(PREFETCH, None)


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Turns what the table engines raise inside into a TableError; ours pass through them unharmed."""
    try:
        yield
    except NormwiseError:
        raise
    except (Exception, PanicException) as error:
        cause = stashed(error)
        if cause is not None and not isinstance(cause, PolarsError | PanicException):
            raise cause from None
        if cause is None and not _is_engines(error):
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TableError(f"the table cannot be read to its end: {first[:300]}. {_remedy(first)}") from error


def _remedy(fault: str) -> str:
    if os.strerror(errno.ENOSPC) in fault:
        return (
            f"Temporary files are kept in {tempfile.gettempdir()}: make room there, or name another folder "
            "in the environment variable TMPDIR."
        )
    return "If it is a file, it may be cut off, corrupt or gone: fetch or write it again."


def _is_engines(error: BaseException) -> bool:
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, PolarsError | PanicException | OSError) or not packages.isdisjoint(_ENGINES)
