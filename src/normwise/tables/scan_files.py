"""Files of one format as one lazy frame."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from normwise.core.errors import TableError, listing
from normwise.tables.collect import engine_errors
from normwise.tables.read import (
    DELIMITERS,
    describe_broken,
    describe_no_rows,
    format_of,
    is_gzipped,
    read_errors,
    read_table,
    require_file,
)
from normwise.tables.same_columns import require_same_types
from normwise.tables.scan_csv import Told, scan_csv
from normwise.tables.scan_source import COUNTED, scan_generator

Progress = Callable[[int, int], None]
PROGRESS_ROWS = 1 << 18
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def scan_files(
    paths: Paths,
    format: str | None,
    encoding: str,
    told: Told,
    progress: Progress | None,
) -> pl.LazyFrame:
    """Parquet, Arrow IPC or CSV files, all of one format and with the same columns."""
    files = find_files(paths)
    kinds = {format_of(file, format): file for file in files}
    if len(kinds) > 1:
        names = listing(file.name for file in kinds.values())
        raise TableError(f"the files are of several formats: {names}. Expected one format.")
    kind = next(iter(kinds))
    if kind in DELIMITERS:
        return scan_csv(files, DELIMITERS[kind], encoding, told, read_errors, progress)
    return _scan_columnar(files, kind, progress)


def find_files(paths: Paths) -> list[Path]:
    """The files that a path, a pattern or a list of these means; those of a pattern sorted by name.

    Raises:
        TableError: If a file is missing, empty or no regular file, or a pattern matches none.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = [file for path in given for file in _matches(path)]
    for file in files:
        require_file(file)
    return files


def _matches(path: str | os.PathLike[str]) -> list[Path]:
    file = Path(path)
    if not glob.has_magic(str(path)) or file.exists():
        return [file]
    found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    if not found:
        raise TableError(f"no file matches {path}. Expected one or more: is the folder right?")
    return found


def _scan_columnar(files: list[Path], kind: str, progress: Progress | None) -> pl.LazyFrame:
    if any(is_gzipped(file) for file in files):
        # Their end comes first: such a file is read whole or not at all.
        return pl.concat([read_table(file, format=kind).lazy() for file in files])
    schemas, rows = {}, 0
    for file in files:
        try:
            schema, height = _read_footer(file, kind)
        except (PolarsError, PanicException, OSError) as error:
            raise TableError(describe_broken(file, kind, error)) from error
        schemas[file], rows = schema, rows + height
    require_same_types(schemas)
    if not rows:
        raise TableError(describe_no_rows(files[0], schemas[files[0]]))
    frame = _scan(files, kind)
    if progress is None:
        return frame
    return _counted(frame, rows, sum(file.stat().st_size for file in files), progress)


def _counted(frame: pl.LazyFrame, rows: int, size: int, progress: Progress) -> pl.LazyFrame:
    """The frame as a generator that tells how far it is: the rows read, as their share of the bytes."""

    def make(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        done = 0
        wanted = frame if columns is None else frame.select(columns)
        # Put into our words here: the engine outside hands through what a source raises as it is.
        with engine_errors():
            for part in wanted.collect_batches(chunk_size=PROGRESS_ROWS, lazy=True, engine="streaming"):
                yield part
                done += part.height
                progress(size * done // rows, size)

    return scan_generator(make, frame.collect_schema(), COUNTED)


def _scan(files: list[Path], kind: str) -> pl.LazyFrame:
    # The files are these: brackets in a name are no pattern, and a folder's name is no column.
    scan = pl.scan_parquet if kind == "parquet" else pl.scan_ipc
    return scan(files, glob=False, hive_partitioning=False)


def _read_footer(file: Path, kind: str) -> tuple[dict[str, Any], int]:
    scan = _scan([file], kind)
    return dict(scan.collect_schema()), scan.select(pl.len()).collect().item()
