"""Tables of files opened to be scaled: what is scaled comes as numbers, the rest as it is written."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from normwise.core.errors import TableError, warn
from normwise.tables import collect, scan_table
from normwise.tables.infer import LEADING_ZERO, NUMBER, kind_of
from normwise.tables.read import DELIMITERS, format_of
from normwise.tables.scan_files import Progress, find_files
from normwise.tables.statistics import require_numbers
from normwise.workflows.choose_columns import names_in

FIRST_ROWS = 1000
"""Rows that tell whether a column of a CSV file is meant to hold numbers."""
Choose = Callable[[Mapping[str, Any]], list[str]]


@dataclasses.dataclass(frozen=True)
class OpenTables:
    """Files that are one table, and which of its columns are scaled.

    Args:
        frame: The table, read as a stream.
        scaled: The columns to scale.
        passed: All others.
    """

    frame: nw.LazyFrame[Any]
    scaled: tuple[str, ...]
    passed: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Reading:
    """How files are read.

    Args:
        format: Their format, where the names do not tell.
        encoding: The text encoding of CSV files.
        exclude: Columns of CSV files that stay text, as they are written; names with commas between them.
        verbatim: Whether so do all columns that are not scaled.
        progress: Called with the bytes done and the bytes there are.
        warn: Told of columns that look like numbers and are not.
        out: The table that will be written.
        scaler: The scaler's file that will be written.
    """

    format: str | None = None
    encoding: str = "utf-8"
    exclude: Sequence[str] = ()
    verbatim: bool = False
    progress: Progress | None = None
    warn: Callable[[str], None] = warn
    out: Path | None = None
    scaler: Path | None = None


def open_tables(tables: Sequence[str | Path], choose: Choose, reading: Reading) -> OpenTables:
    """Opens files, twice where they are CSV: once to see what there is, once more with what is known then.

    Args:
        tables: Paths and patterns.
        choose: From the columns' types to the names of those to scale.
        reading: How to read.

    Raises:
        TableError: As `scan_table`; if no table is named.
        ColumnError: If a column to scale holds anything but numbers and booleans.
    """
    if not tables:
        raise TableError("no table was named. Expected one or more files, such as people.parquet.")
    options: dict[str, Any] = {"format": reading.format, "encoding": reading.encoding}
    left = {name for text in reading.exclude for name in (text, *text.split(","))}
    first = scan_table(list(tables), verbatim_columns=left, **options)
    files = find_files(list(tables))
    _require_others(files, reading)
    is_text = format_of(files[0], reading.format) in DELIMITERS
    known = _known(first, left, reading) if is_text else dict(first.collect_schema())
    scaled = choose(known)
    require_numbers({name: known[name] for name in scaled})
    passed = [name for name in known if name not in scaled]
    frame = scan_table(
        list(tables),
        number_columns=[name for name in scaled if known[name] != nw.Boolean],
        verbatim_columns=passed if reading.verbatim else names_in(reading.exclude, known),
        progress=reading.progress,
        **options,
    )
    return OpenTables(frame, tuple(scaled), tuple(passed))


def _require_others(files: Sequence[Path], reading: Reading) -> None:
    """Raises a TableError if a file that is read is to be overwritten; a single table may be."""
    real = {os.path.realpath(file) for file in files}
    kept = [reading.scaler, reading.out if len(files) > 1 else None]
    for file in kept:
        if file is not None and os.path.realpath(file) in real:
            raise TableError(
                f"{file} is among the tables that are read, and would be replaced. Choose another "
                "name, which no pattern of the tables matches."
            )


def _known(frame: nw.LazyFrame[Any], left: Collection[str], reading: Reading) -> dict[str, Any]:
    """The columns' types; of text in CSV, numbers where the first rows hold such, and unknown where nothing.

    A word far behind the numbers is then an error at its line, and no reason to leave the column as it is:
    else it would depend on the length of the file what becomes of it.
    """
    schema = dict(frame.collect_schema())
    texts = [name for name, dtype in schema.items() if dtype == nw.String and name not in left]
    for cells in collect(frame.select(texts).head(FIRST_ROWS)).iter_columns() if texts else ():
        kind = kind_of(cells)
        if kind is None:
            schema[cells.name] = nw.Unknown()
        elif kind.dtype.is_numeric():
            schema[cells.name] = nw.Float64()
        elif (word := _word_among_numbers(cells)) is not None:
            reading.warn(
                f'column "{cells.name}" is text and not scaled: of its first cells most are numbers, but '
                f"{word!r:.80} is none. Leave such cells empty to scale it, or name it: --exclude "
                f'"{cells.name}".'
            )
    return schema


def _word_among_numbers(cells: pl.Series) -> str | None:
    """The first word of a column that mostly holds numbers; codes such as 007 are none."""
    numbers, present = NUMBER.convert(cells), cells.drop_nulls()
    if 2 * numbers.count() <= len(present) or present.str.contains(LEADING_ZERO).any():
        return None
    return str(cells.filter(numbers.is_null() & cells.is_not_null())[0])
