"""Blocks: a table in pieces of consecutive rows, read one at a time and, of Parquet, in any order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import polars as pl

from normwise.core.errors import TableError
from normwise.tables.batches import batches
from normwise.tables.collect import collect, engine_errors
from normwise.tables.read import format_of, is_gzipped
from normwise.tables.row_groups import row_groups
from normwise.tables.scan import is_paths, scan_table
from normwise.tables.scan_files import find_files

BLOCK_BYTES = 16 * 2**20
"""A block has about so many bytes: small row groups are read together, large ones in equal parts."""

Block = tuple[pl.DataFrame, Callable[[int], str]]
"""Some rows, and a function that says where in the table one of them is."""


class Blocks(Protocol):
    """A table in pieces.

    Attributes:
        schema: The columns and their types.
        rows: How many rows there are.
    """

    schema: pl.Schema
    rows: int

    def read(self, random: np.random.Generator | None) -> Iterator[Block]:
        """The blocks; in random order if there is a generator and they can be had in any order."""


def blocks_of(table: Any) -> Blocks:
    """Any table on disk or behind an engine, in pieces.

    Args:
        table: What `normwise.tables.scan_table` takes.

    Raises:
        TableError: As `scan_table`.
    """
    frame = scan_table(table)
    if is_paths(table):
        files = find_files(table)
        if all(format_of(file, None) == "parquet" and not is_gzipped(file) for file in files):
            return ParquetBlocks(files, frame.to_native().collect_schema())
    return FrameBlocks(frame)


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a block is."""

    file: Path
    first: int
    rows: int
    groups: tuple[int, ...]

    def where(self, row: int) -> str:
        at = self.first + row
        group = int(np.searchsorted(np.cumsum(self.groups), at, side="right"))
        return f"row {at} of {self.file} (row group {group}; both counted from 0)"


class ParquetBlocks:
    """Parquet files by their row groups."""

    def __init__(self, files: list[Path], schema: pl.Schema) -> None:
        self.schema = schema
        self._most = max(1, BLOCK_BYTES // sum(_bytes(kind) for kind in schema.values()))
        self._places = [place for file in files for place in self._places_of(file)]
        self.rows = sum(place.rows for place in self._places)

    def read(self, random: np.random.Generator | None) -> Iterator[Block]:
        count = len(self._places)
        for index in range(count) if random is None else random.permutation(count):
            place = self._places[index]
            scan = pl.scan_parquet(place.file, glob=False, hive_partitioning=False)
            with engine_errors():
                frame = scan.slice(place.first, place.rows).collect()
            if frame.height != place.rows:
                raise TableError(
                    f"{place.file} has {frame.height} rows from row {place.first} on, where it had "
                    f"{place.rows} when the training began. Expected files that do not change under it."
                )
            yield frame, place.where

    def _places_of(self, file: Path) -> Iterator[_Place]:
        groups = row_groups(file)
        first = rows = 0
        for group in groups:
            if rows and rows + group > self._most:
                yield from self._cut(file, first, rows, tuple(groups))
                first, rows = first + rows, 0
            rows += group
        if rows:
            yield from self._cut(file, first, rows, tuple(groups))

    def _cut(self, file: Path, first: int, rows: int, groups: tuple[int, ...]) -> Iterator[_Place]:
        edges = np.linspace(0, rows, -(-rows // self._most) + 1).astype(int)
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            yield _Place(file, first + start, stop - start, groups)


class FrameBlocks:
    """Any other table, in its own order and no other."""

    def __init__(self, frame: nw.LazyFrame[Any]) -> None:
        self._frame = frame
        self.schema = collect(frame.head(0)).schema
        self.rows = int(collect(frame.select(nw.len())).item())

    def read(self, random: np.random.Generator | None) -> Iterator[Block]:
        first = 0
        for frame in batches(self._frame):
            yield frame, _row_from(first)
            first += frame.height


def _row_from(first: int) -> Callable[[int], str]:
    return lambda row: f"row {first + row} of the table (counted from 0)"


def _bytes(kind: pl.DataType) -> int:
    return 8 if kind.is_numeric() and "64" in str(kind) else 4
