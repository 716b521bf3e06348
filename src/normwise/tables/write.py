"""write_table: a table as a CSV, Parquet or Feather file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
from polars.exceptions import PolarsError

from normwise.core.errors import ColumnError, TableError, listing
from normwise.tables.atomic import atomic_path, check_creatable
from normwise.tables.frame import to_frame

EXTENSIONS = (".csv.gz", ".csv", ".parquet", ".feather", ".arrow", ".ipc")
_NOT_IN_CSV = (pl.Duration, pl.Binary, nw.Duration, nw.Binary)


def write_table(table: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """A table written to a file of the kind that the extension names.

    Args:
        table: What `as_frame` takes.
        path: Ends in ``.csv``, ``.csv.gz``, ``.parquet`` or ``.feather`` (``.arrow``, ``.ipc``). In CSV
            null is an empty cell.
        overwrite: Whether a file that exists may be replaced; otherwise it is kept.

    Raises:
        TableError: If the extension is unknown, the file exists, or it cannot be written.
        ColumnError: If a column is nested and the file is CSV.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "scaled.csv")
        >>> write_table({"age": [0.5, None]}, file)
        >>> file.read_text()
        'age\\n0.5\\n\\n'
    """
    extension = extension_of(Path(path))
    frame = to_frame(table)
    if extension.startswith(".csv"):
        require_flat(frame.schema, Path(path))
    with atomic_path(path, overwrite) as temporary:
        try:
            _write(frame, temporary, extension)
        except PolarsError as error:
            raise TableError(f"{path} cannot be written: {error}. Nothing was left there.") from error


def check_writable(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Raises what `write_table` would, as far as it can be known before the work is done.

    Example:
        >>> check_writable("a.xlsx")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        normwise.core.errors.TableError: a.xlsx has the unknown extension ".xlsx". Tables are written as ...
    """
    extension_of(Path(path))
    check_creatable(path, overwrite)


def extension_of(path: Path) -> str:
    """That of `EXTENSIONS` which the path has, or a TableError."""
    for extension in EXTENSIONS:
        if path.name.lower().endswith(extension):
            return extension
    raise TableError(
        f'{path} has the unknown extension "{path.suffix}". Tables are written as {listing(EXTENSIONS)}.'
    )


def require_flat(schema: Mapping[str, Any], path: Path) -> None:
    """Raises a ColumnError that names the columns that no CSV file holds: nested ones, durations, bytes.

    Args:
        schema: The columns' types, of Polars or of Narwhals.
        path: The file to write, for the error.
    """
    nested = [name for name, dtype in schema.items() if dtype.is_nested()]
    if nested:
        raise ColumnError(
            f"{path}: CSV cannot hold the nested columns {listing(nested)}. Write .parquet instead."
        )
    others = [f"{name} ({dtype})" for name, dtype in schema.items() if dtype in _NOT_IN_CSV]
    if others:
        raise ColumnError(f"{path}: CSV cannot hold the columns {listing(others)}. Write .parquet instead.")


def _write(frame: pl.DataFrame, file: Path, extension: str) -> None:
    if extension == ".parquet":
        frame.write_parquet(file)
    elif extension == ".csv":
        frame.write_csv(file)
    elif extension == ".csv.gz":
        frame.write_csv(file, compression="gzip", check_extension=False)
    else:
        frame.write_ipc(file)
