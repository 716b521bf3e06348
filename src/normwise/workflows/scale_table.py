"""From files and a method, or a saved scaler, to a file of scaled columns."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from normwise.core.errors import ColumnError, NormwiseWarning, TableError, listing
from normwise.scaling import load_scaler
from normwise.scaling.scaler import Scaler
from normwise.tables import check_writable, sink_table
from normwise.tables.atomic import atomic_path, check_creatable
from normwise.tables.write import require_flat
from normwise.workflows.choose_columns import choose_columns, require_names
from normwise.workflows.open_tables import OpenTables, Reading, open_tables
from normwise.workflows.scale_options import ScaleOptions, require_scaling
from normwise.workflows.scaler_methods import scaler_of_method

LEARNING, WRITING = "reading the statistics", "writing"


class ScaleListener:
    """What hears of a scaling while it runs; every method may be overridden, none has to be.

    Attributes:
        counts_bytes: Whether `progress` is called; reading is a little slower then.
    """

    counts_bytes = False

    def stage(self, what: str) -> None:
        """A stage begins."""

    def progress(self, done: int, total: int) -> None:
        """So many bytes of the tables were read in this pass over them."""

    def note(self, message: str) -> None:
        """Something its user may want to know."""

    def warning(self, message: str) -> None:
        """Something was noticed in the data."""


def scale_table(
    tables: Sequence[str | Path], out: Path, options: ScaleOptions, listener: ScaleListener | None = None
) -> OpenTables:
    """Scales the columns of numbers of files of any size, and writes all columns to one file.

    Memory is bounded. The file, and the scaler's, appear whole or not at all: neither is left where a table
    turns out to be cut off or wrong.

    Args:
        tables: Paths and patterns of Parquet, Feather, CSV or TSV files of the same columns.
        out: The file to write: ``.parquet``, ``.feather``, ``.csv`` or ``.csv.gz``.
        options: The method, or the saved scaler, and the columns.
        listener: What hears of progress and warnings.

    Returns:
        Which columns were scaled, and which were not.

    Raises:
        TableError: If a table cannot be read or a file not written.
        ColumnError: If a column is absent, holds no numbers, or ±inf.
        RecordError: If the saved scaler is none.
        NormwiseError: If the options contradict one another.
    """
    hear = listener or ScaleListener()
    require_scaling(options)
    scaler, fitted = _scaler(options)
    _check_files(out, options)
    reading = Reading(
        options.format,
        options.encoding,
        options.exclude,
        verbatim=out.name.lower().endswith((".csv", ".csv.gz")),
        progress=hear.progress if hear.counts_bytes else None,
        warn=hear.warning,
        out=out,
        scaler=options.save_scaler,
    )
    opened = open_tables(tables, lambda schema: _columns(schema, scaler, fitted, options), reading)
    if reading.verbatim:
        require_flat(opened.frame.collect_schema(), out)
    if opened.passed:
        hear.note(f"not scaled, passed on as they are: {listing(opened.passed)}")
    if not fitted:
        hear.stage(LEARNING)
        with _warnings_to(hear):
            scaler.fit(opened.frame.select(opened.scaled))
    with _saved(scaler, options):
        hear.stage(WRITING)
        sink_table(scaler.scale_columns(opened.frame, options.inverse), out, overwrite=options.overwrite)
    return opened


def _scaler(options: ScaleOptions) -> tuple[Scaler, bool]:
    """The scaler, and whether it is fitted."""
    if options.scaler is not None:
        return load_scaler(options.scaler), True
    return scaler_of_method(options.method or "", options.settings), False


def _check_files(out: Path, options: ScaleOptions) -> None:
    check_writable(out, options.overwrite)
    if options.save_scaler is None:
        return
    check_creatable(options.save_scaler, options.overwrite)
    if os.path.realpath(out) == os.path.realpath(options.save_scaler):
        raise TableError(f"--out and --save-scaler both name {out}. Expected two files.")


def _columns(schema: Mapping[str, Any], scaler: Scaler, fitted: bool, options: ScaleOptions) -> list[str]:
    if not fitted:
        return choose_columns(schema, options.columns, options.exclude)
    names = scaler.columns_in(schema)
    both = [name for name in require_names(options.exclude, schema) if name in names]
    if both:
        raise ColumnError(
            f"--exclude names {listing(both)}, which the saved scaler scales. Expected other columns: "
            "what is left out of a scaler is told when it is learned."
        )
    return names


@contextlib.contextmanager
def _saved(scaler: Scaler, options: ScaleOptions) -> Iterator[None]:
    """The scaler's file appears when what is done inside is done, and not otherwise."""
    if options.save_scaler is None:
        yield
        return
    with atomic_path(options.save_scaler, options.overwrite) as temporary:
        scaler.save(temporary)
        yield


@contextlib.contextmanager
def _warnings_to(hear: ScaleListener) -> Iterator[None]:
    with warnings.catch_warnings(record=True, action="always", category=NormwiseWarning) as caught:
        yield
    for warning in caught:
        hear.warning(str(warning.message))
