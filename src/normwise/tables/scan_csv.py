"""CSV files as a lazy frame: parsed by our own parser, block by block, each time that they are read."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from normwise.core.errors import TableError
from normwise.tables.csv_file import CsvBatch, csv_batches
from normwise.tables.csv_probe import probe
from normwise.tables.infer import (
    INTEGER,
    LARGE_INTEGER,
    NUMBER,
    TEXT,
    Kind,
    kind_of,
    plain_numbers,
    present_text,
    without_nan,
)
from normwise.tables.same_columns import require_same_names
from normwise.tables.scan_source import scan_generator

JUDGED_BLOCKS = 4
"""The types of a file's columns are judged by so many of its first blocks; of several files, by one each."""
Kinds = dict[str, Kind]
VERBATIM = Kind("text", lambda cells: cells)


@dataclasses.dataclass(frozen=True)
class Told:
    """What the caller knows of the columns, so that it is not judged by the first rows.

    Args:
        text: Columns whose cells stay text.
        numbers: Columns of numbers, with fractions or not.
        verbatim: Columns whose cells stay as they are written, but for spaces around them.
    """

    text: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    verbatim: frozenset[str] = frozenset()

    def kind_of(self, cells: pl.Series) -> Kind | None:
        """What a column is, by its name or else by these cells."""
        if cells.name in self.verbatim:
            return VERBATIM
        if cells.name in self.text:
            return TEXT
        return NUMBER if cells.name in self.numbers else kind_of(present_text(cells))


def scan_csv(
    files: Sequence[Path],
    delimiter: str | None,
    encoding: str,
    told: Told,
    read_errors: Callable[[Path], contextlib.AbstractContextManager[None]],
    progress: Callable[[int, int], None] | None,
) -> pl.LazyFrame:
    """CSV files of the same columns as a lazy frame, with types judged by their first rows.

    Args:
        files: Existing files.
        delimiter: What separates the cells; by default found in each header.
        encoding: The text's encoding.
        told: What is known of the columns.
        read_errors: Turns the system's errors about a file into ours.
        progress: Called with the bytes read of all files, and how many there are.

    Raises:
        TableError: As `read_csv`, for what the first rows tell, or if the files' columns differ. What comes
            later in a file is raised when it is read: also a cell that does not fit its column.
    """
    blocks = JUDGED_BLOCKS if len(files) == 1 else 1
    judged = {}
    for file in files:
        with read_errors(file):
            judged[file] = _judge(file, delimiter, encoding, told, blocks)
    kinds = _merge(judged)
    sizes = [file.stat().st_size for file in files]
    total, starts = sum(sizes), list(itertools.accumulate(sizes, initial=0))

    def make(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        wanted = list(kinds) if columns is None else columns
        for file, start in zip(files, starts, strict=False):
            tell = None if progress is None else _teller(progress, start, total)
            with (
                read_errors(file),
                contextlib.closing(csv_batches(file, delimiter, encoding, tell)) as batches,
            ):
                for batch in batches:
                    yield pl.DataFrame([_fit(batch, name, kinds[name], file) for name in wanted])

    return scan_generator(make, pl.Schema({name: kind.dtype for name, kind in kinds.items()}), "csv")


def _teller(progress: Callable[[int, int], None], start: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(start + done, total)


def _judge(
    file: Path, delimiter: str | None, encoding: str, told: Told, blocks: int
) -> dict[str, Kind | None]:
    with contextlib.closing(csv_batches(file, delimiter, encoding)) as batches:
        first = list(itertools.islice(batches, blocks))
    cells = pl.concat([batch.cells for batch in first])
    kinds = {column.name: told.kind_of(column) for column in cells.iter_columns()}
    integers = {name: kind for name, kind in kinds.items() if kind in (INTEGER, LARGE_INTEGER)}
    wider = probe(file, first[0].delimiter, encoding, cells.columns, integers) if integers else set()
    return {name: NUMBER if name in wider else kind for name, kind in kinds.items()}


def _merge(judged: dict[Path, dict[str, Kind | None]]) -> Kinds:
    require_same_names(judged)
    first = next(iter(judged))
    merged: dict[str, Kind | None] = dict(judged[first])
    for file, kinds in judged.items():
        for name, kind in kinds.items():
            merged[name] = _common(merged[name], kind, name, file, first)
    return {name: kind or TEXT for name, kind in merged.items()}


def _common(one: Kind | None, other: Kind | None, name: str, file: Path, first: Path) -> Kind | None:
    if one is None or other is None or one is other:
        return one or other
    numbers = (INTEGER, LARGE_INTEGER, NUMBER)
    if one in numbers and other in numbers:
        return NUMBER
    raise TableError(
        f'column "{name}" holds {other.name}s in {file} and {one.name}s in {first} or the files after it. '
        f"Expected one kind in all files. If it is text, name it: "
        f'--exclude "{name}" on the command line, text_columns=["{name}"] in Python.'
    )


def _fit(batch: CsvBatch, name: str, kind: Kind, file: Path) -> pl.Series:
    cells = batch.cells[name]
    if kind is VERBATIM:
        written = cells.str.strip_chars()
        return written.set(written == "", None)
    if (plain := plain_numbers(cells, kind)) is not None:
        return plain
    text = present_text(cells)
    values = kind.convert(text)
    if values.null_count() > text.null_count():
        row = int((values.is_null() & text.is_not_null()).arg_max() or 0)
        raise TableError(
            f'{file}, line {batch.line(row)}: column "{name}" holds {text[row]!r:.80}, which is no '
            f"{kind.name} as the cells of the first rows are. Correct the cell; or, if the column is text, "
            f'name it: --exclude "{name}" on the command line, text_columns=["{name}"] in Python.'
        )
    return without_nan(values)
