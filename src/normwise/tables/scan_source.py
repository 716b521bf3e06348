"""Python generators of frames as Polars lazy frames: PyArrow datasets, and iterators spooled to disk."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from normwise.core.errors import TableError
from normwise.tables.collect import engine_errors
from normwise.tables.frame import to_frame
from normwise.tables.stash import stash

Frames = Iterator[pl.DataFrame]
COUNTED, SPOOLED = "counted files", "spooled batches"
"""Names, in Polars' query plans, of the sources of which one column is read as fast as from a file."""


def scan_generator(make: Callable[[list[str] | None], Frames], schema: pl.Schema, name: str) -> pl.LazyFrame:
    """Frames of one schema, made anew for each reading, as a lazy frame.

    Args:
        make: Given the names of the columns that are wanted (all of them if None), yields the frames.
        schema: The names and types that all of the frames have.
        name: What the source is called in Polars' query plans.
    """

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _size: int | None
    ) -> Frames:
        left = rows
        try:
            for frame in make(columns):
                part = frame if columns is None else frame.select(columns)
                part = part if left is None else part.head(left)
                left = None if left is None else left - part.height
                yield part if predicate is None else part.filter(predicate)
                if left is not None and left <= 0:
                    return
        except (Exception, KeyboardInterrupt) as error:
            # Ctrl-C too: Polars prints the traceback of what it does not take for an error.
            raise stash(error) from error

    return register_io_source(source, schema=dict(schema), explain_name=name)


def scan_dataset(dataset: Any) -> pl.LazyFrame:
    """A PyArrow dataset as a lazy frame that reads it batch by batch."""
    schema = pl.DataFrame(dataset.schema.empty_table()).schema
    options = _frugal(dataset)

    def make(columns: list[str] | None) -> Frames:
        for batch in dataset.to_batches(columns=columns, **options):
            frame = pl.DataFrame(batch)
            if frame.height:
                yield frame

    return scan_generator(make, schema, "dataset")


def _frugal(dataset: Any) -> dict[str, Any]:
    """How to scan without reading far ahead: by default PyArrow keeps a whole Parquet file, and more."""
    options: dict[str, Any] = {"batch_readahead": 2, "fragment_readahead": 1}
    kind: Any = getattr(dataset, "format", None)
    if getattr(kind, "default_extname", "") == "parquet":
        options["fragment_scan_options"] = type(kind.default_fragment_scan_options)(pre_buffer=False)
    return options


def scan_batches(batches: Iterable[Any]) -> pl.LazyFrame:
    """An iterator of batches as a lazy frame over a temporary file, to which they are written once.

    The file goes when the last frame that reads it does.

    Args:
        batches: Each of them what `as_frame` takes.

    Raises:
        TableError: If there is no batch, or one has other columns than those before it.
    """
    frames = same_schema(to_frame(batch) for batch in batches)
    first = next(frames, None)
    if first is None:
        raise TableError("the iterator gives no batches. Expected at least one; was it read before?")
    folder = Path(tempfile.mkdtemp(prefix="normwise-"))
    file = folder / "batches.arrow"
    schema = first.schema

    def make(columns: list[str] | None) -> Frames:
        spooled = pl.scan_ipc(file)
        yield from (spooled if columns is None else spooled.select(columns)).collect_batches(lazy=True)

    # Polars' plans hold the function, and the function is all that reads the file.
    remove = weakref.finalize(make, shutil.rmtree, folder, True)
    try:
        with engine_errors():
            every = itertools.chain([first], frames)
            scan_generator(lambda _: every, schema, "batches").sink_ipc(file, engine="streaming")
    except BaseException:
        # An error's traceback keeps the function alive as long as somebody looks at it.
        remove()
        raise
    return scan_generator(make, schema, SPOOLED)


def same_schema(frames: Iterable[pl.DataFrame]) -> Frames:
    """The frames, all with the columns of the first one; a column of nothing but nulls takes its type.

    Raises:
        TableError: Naming the batch, the column and the types.
    """
    schema: pl.Schema | None = None
    for number, frame in enumerate(frames, 1):
        schema = frame.schema if schema is None else schema
        if frame.columns != schema.names():
            raise TableError(
                f"batch {number} has the columns {frame.columns}, the first has {schema.names()}. Expected "
                "the same columns, in the same order, in each."
            )
        for name, kind in schema.items():
            found = frame.schema[name]
            if found not in (kind, pl.Null):
                raise TableError(
                    f'batch {number}: column "{name}" is {found}, in the batches before it is {kind}. '
                    "Expected one type: convert it before it is handed in."
                )
        yield frame.cast(schema) if frame.schema != schema else frame
