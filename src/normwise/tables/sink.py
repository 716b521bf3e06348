"""sink_table: a lazy frame streamed into a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import narwhals as nw
import polars as pl
from polars.exceptions import PanicException, PolarsError

from normwise.core.errors import NormwiseError, TableError
from normwise.tables.atomic import atomic_path
from normwise.tables.batches import batches
from normwise.tables.collect import collect
from normwise.tables.scan import scan_table
from normwise.tables.scan_source import scan_generator
from normwise.tables.stash import stashed
from normwise.tables.write import extension_of, require_flat


def sink_table(table: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """A table streamed into a file of the kind that the extension names, in bounded memory.

    Args:
        table: What `scan_table` gives or takes.
        path: Ends in ``.parquet``, ``.feather`` (``.arrow``, ``.ipc``), ``.csv`` or ``.csv.gz``. In CSV
            null is an empty cell.
        overwrite: Whether a file that exists may be replaced; otherwise it is kept.

    Raises:
        TableError: If the extension is unknown, the file exists or cannot be written, or the table cannot be
            read to its end. Then no file is left.
        ColumnError: If a column is nested and the file is CSV.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "scaled.csv")
        >>> sink_table(nw.from_native(pl.LazyFrame({"age": [0.5, None]})), file)
        >>> file.read_text()
        'age\\n0.5\\n\\n'
    """
    extension = extension_of(Path(path))
    frame = scan_table(table)
    native = _polars_of(frame)
    if extension.startswith(".csv"):
        require_flat(native.collect_schema(), Path(path))
    with atomic_path(path, overwrite) as temporary:
        try:
            # Opened here: after Ctrl-C the engine goes on for a while, and would make the file anew.
            with temporary.open("wb") as file:
                _SINKS[extension](native, file)
        except NormwiseError:
            raise
        except (Exception, PanicException) as error:
            cause = stashed(error)
            if cause is not None and not isinstance(cause, PolarsError | PanicException):
                raise cause from None
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TableError(
                f"{path} cannot be written: {first[:300]}. Nothing was left there. Either the disk refuses "
                "it, or the table that was read is cut off or corrupt."
            ) from error


def _polars_of(frame: nw.LazyFrame[Any]) -> pl.LazyFrame:
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):
        return native
    schema = collect(frame.head(0)).schema
    return scan_generator(lambda _: batches(frame), schema, "batches")


def _sink_csv(frame: pl.LazyFrame, file: IO[bytes]) -> None:
    frame.sink_csv(file, engine="streaming")


def _sink_csv_gz(frame: pl.LazyFrame, file: IO[bytes]) -> None:
    frame.sink_csv(file, compression="gzip", check_extension=False, engine="streaming")


def _sink_parquet(frame: pl.LazyFrame, file: IO[bytes]) -> None:
    frame.sink_parquet(file, engine="streaming")


def _sink_feather(frame: pl.LazyFrame, file: IO[bytes]) -> None:
    frame.sink_ipc(file, engine="streaming")


_SINKS: dict[str, Callable[[pl.LazyFrame, IO[bytes]], None]] = {
    ".csv.gz": _sink_csv_gz,
    ".csv": _sink_csv,
    ".parquet": _sink_parquet,
    ".feather": _sink_feather,
    ".arrow": _sink_feather,
    ".ipc": _sink_feather,
}
