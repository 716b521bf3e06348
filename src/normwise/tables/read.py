"""read_table: a CSV, Parquet or Feather file as a Polars frame, or an error that says what is wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException, PolarsError

from normwise.core.errors import TableError, did_you_mean, listing
from normwise.tables.csv_file import GZIP_MAGIC, open_bytes, read_csv

FORMATS = ("csv", "tsv", "parquet", "feather")
"""The formats that are read, each of them also gzipped; the extension tells, ``.gz`` behind it or not."""

DELIMITERS = {"csv": None, "tsv": "\t"}
_ALIASES = {"arrow": "feather", "ipc": "feather"}
_KINDS = {"parquet": "Parquet", "feather": "Feather (Arrow IPC)"}


def read_table(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    text_columns: Collection[str] = (),
) -> pl.DataFrame:
    """A table file as a Polars frame.

    Types are judged by all cells of a column, never by the first ones; a missing value is null, also
    where a Parquet file has NaN; no row is dropped, and nothing is filled in.

    Args:
        path: A ``.csv``, ``.tsv``, ``.parquet`` or ``.feather`` (``.arrow``, ``.ipc``) file; gzipped ones
            are known by their first bytes. The delimiter of a CSV file is found in its header: comma,
            semicolon, tab or bar.
        format: One of `FORMATS`, where the extension does not tell.
        encoding: The encoding of CSV text; a byte order mark is skipped.
        text_columns: Columns of CSV text whose cells stay text, whatever they look like.

    Returns:
        Columns of integers, floats, booleans, dates, datetimes or text, in the file's order.

    Raises:
        TableError: If the file is missing, a folder, empty, of an unknown format, truncated or corrupt, not
            in `encoding`, without rows, or has a row with too few or too many fields.
        ColumnError: If a column has no name, or two have the same.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "people.csv")
        >>> _ = file.write_text("age, city\\n39, Basel\\n?, \\"Paris, TX\\"\\n")
        >>> read_table(file).rows()
        [(39, 'Basel'), (None, 'Paris, TX')]
    """
    file = Path(path)
    require_file(file)
    kind = format_of(file, format)
    with read_errors(file):
        if kind in DELIMITERS:
            frame = read_csv(file, DELIMITERS[kind], encoding, text_columns)
        else:
            frame = _read_columnar(file, kind)
    return frame.with_columns(pl.selectors.float().fill_nan(None))


@contextlib.contextmanager
def read_errors(file: Path) -> Iterator[None]:
    """Turns what the system and gzip raise while a file is read into a TableError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(
            f"{file} is a truncated or corrupt gzip file: {error}. Fetch or write it again."
        ) from error
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror or error}.") from error


def require_file(file: Path) -> None:
    """Raises a TableError unless there is a regular file that is not empty."""
    try:
        _require_bytes_in(file)
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror or error}.") from error


def _require_bytes_in(file: Path) -> None:
    if file.is_dir():
        raise TableError(f"{file} is a folder. Expected one table file.")
    if file.is_symlink() and not file.exists():
        raise TableError(f"{file} is a symbolic link to {os.readlink(file)}, which does not exist.")
    if not file.exists():
        siblings = sorted(p.name for p in file.parent.iterdir()) if file.parent.is_dir() else []
        hint = did_you_mean(file.name, siblings) if siblings else f"{file.parent} is no folder with files."
        raise TableError(f"{file} does not exist. {hint}")
    if not file.is_file():
        raise TableError(
            f"{file} is no regular file, but a pipe or a device, which cannot be read twice. Save what it "
            "brings as a file first."
        )
    if file.stat().st_size == 0:
        raise TableError(f"{file} is empty (0 bytes). Expected a header and rows.")


def format_of(file: Path, given: str | None) -> str:
    """The format of a file, by its extension where none is given.

    Raises:
        TableError: If the format or the extension is unknown.
    """
    if given is not None:
        kind = given.lower().removesuffix(".gz").lstrip(".")
        kind = _ALIASES.get(kind, kind)
        if kind not in FORMATS:
            raise TableError(f'"{given}" is not a known format. {did_you_mean(kind, FORMATS)}')
        return kind
    kind = Path(file.name.lower().removesuffix(".gz")).suffix.lstrip(".")
    kind = _ALIASES.get(kind, kind)
    if kind not in FORMATS:
        known = listing(f".{name}" for name in FORMATS)
        extension = f'has the unknown extension ".{kind}"' if kind else "has no extension"
        raise TableError(
            f"{file} {extension}. Known are {known}, each also with .gz. If it is a CSV file all the same, "
            'say so: --format csv on the command line, format="csv" in Python.'
        )
    return kind


def is_gzipped(file: Path) -> bool:
    """Whether a file's first bytes say so, whatever its name does."""
    with file.open("rb") as raw:
        return raw.read(2) == GZIP_MAGIC


def _read_columnar(file: Path, kind: str) -> pl.DataFrame:
    source: Path | io.BytesIO = file
    if is_gzipped(file):
        with open_bytes(file) as stream:
            source = io.BytesIO(stream.read())
    try:
        frame = pl.read_parquet(source) if kind == "parquet" else pl.read_ipc(source)
    except (PolarsError, PanicException) as error:
        raise TableError(describe_broken(file, kind, error)) from error
    if not frame.height:
        raise TableError(describe_no_rows(file, frame.columns))
    return frame


def describe_broken(file: Path, kind: str, error: BaseException) -> str:
    """What to say of a Parquet or Feather file that Polars cannot read."""
    return (
        f"{file} is not a whole {_KINDS[kind]} file: {str(error).splitlines()[0]}. It is truncated, corrupt "
        "or of another format: fetch or write it again."
    )


def describe_no_rows(file: Path, columns: Collection[str]) -> str:
    """What to say of a file that has columns and nothing in them."""
    return f"{file} has columns ({listing(columns)}) and no rows. Expected one or more."
