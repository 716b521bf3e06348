"""The checking way through CSV: Python's own parser, row by row, which knows the line of every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from normwise.core.errors import TableError
from normwise.tables.csv_text import TextLines

Record = tuple[int, list[str]]
"""The number of the line on which a row begins, and its cells."""


def records(block: str, first: int, lines: TextLines, delimiter: str, path: Path) -> Iterator[Record]:
    """The rows that begin in a block of lines; a cell in quotes may go on behind its end.

    Args:
        block: Whole lines.
        first: The number of the block's first line.
        lines: Where the block came from, for the lines behind it.
        delimiter: What separates the cells.
        path: The file, for the error.

    Raises:
        TableError: If quotes are not closed, or text follows a closing quote.
    """
    inside = False

    def feed() -> Iterator[str]:
        nonlocal inside
        for line in io.StringIO(block, newline=""):
            inside = True
            yield line
        while inside and (line := lines.line()):
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line, inside = first + reader.line_num, False
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(
                f"{path}, the row that begins on line {line} cannot be read: {error}. Expected quoted "
                'cells to be closed by a " and a " inside them to be doubled ("").'
            ) from error
        yield line, record


def whole_rows(rows: Iterator[Record], width: int, path: Path) -> Iterator[Record]:
    """The rows, none of them blank; a blank line is a missing value where there is one column.

    Raises:
        TableError: If a row has too few or too many cells.
    """
    for line, record in rows:
        if len(record) == width:
            yield line, record
        elif not record:
            if width == 1:
                yield line, [""]
        else:
            raise TableError(
                f"{path}, line {line}: found {len(record)} fields, expected {width} as in the header. "
                f"The row begins {','.join(record)[:60]!r}. Complete it, or quote the cells that hold the "
                "delimiter."
            )


def text_columns_of(rows: list[Record], names: list[str]) -> pl.DataFrame:
    """Rows as columns of text."""
    columns = zip(*(record for _, record in rows), strict=True) if rows else [[] for _ in names]
    return pl.DataFrame(
        [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(names, columns, strict=True)]
    )
