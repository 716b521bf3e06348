"""From a model's file or a run folder, and a table, to the same with the statistics of the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from normwise.core.errors import ColumnError, ModelError, RunFolderError, did_you_mean
from normwise.core.recalibration import Recalibration
from normwise.deploy.recalibrate import RecalibrateListener
from normwise.tables import read_table
from normwise.tables.atomic import atomic_path, check_creatable
from normwise.workflows.model_file import model_of_file
from normwise.workflows.predict_table import load_run
from normwise.workflows.recalibrate_model import recalibrate
from normwise.workflows.run_folder import check_writable, copy_run


def recalibrate_file(
    model: Path,
    table: Path,
    out: Path | None = None,
    *,
    target: str | None = None,
    batch_size: int | None = None,
    sequential: bool = False,
    format: str | None = None,
    encoding: str = "utf-8",
    overwrite: bool = False,
    listener: RecalibrateListener | None = None,
    warn: Callable[[str], None] | None = None,
) -> Recalibration:
    """Recalibrates a saved model on a table's file, and saves it.

    Args:
        model: A ``.keras`` file, whose model takes the table's columns as numbers, or a run folder, which
            knows how raw rows are encoded. Of a run folder all else is kept: its scores and its report are of
            the model before.
        table: A CSV, Parquet or Feather file.
        out: Where the model, or the run folder, goes; by default to where it came from.
        target: A column of the table that is no feature; a run folder knows its own.
        batch_size: Rows a batch; 32 by default.
        sequential: Whether the layers are settled one after the other.
        format: The table's format, where its name does not tell.
        encoding: The text encoding of a CSV file.
        overwrite: Whether what is there is replaced.
        listener: What hears of progress.
        warn: Told what differs from the training table of a run folder.

    Returns:
        What `normwise.recalibrate` tells.

    Raises:
        ModelError: If the model cannot be loaded, or has no layer to recalibrate.
        TrainingError: If the table does not fit the model.
        TableError: If the table cannot be read, or the file not written; a ColumnError, if a column is absent
            or holds no numbers.
        RunFolderError: If the run folder cannot be read or written.
    """
    place = out or model
    how: dict[str, Any] = {"batch_size": batch_size, "sequential": sequential, "listener": listener}
    if model.is_dir():
        if target is not None:
            raise RunFolderError(f'{model} is a run folder, which knows its target; leave out "{target}".')
        check_writable(place, overwrite)
        run = load_run(model)
        encoded = run.encoded(run.read(table, format, encoding), warn)
        found = recalibrate(run.model, encoded.inputs(), **how)
        copy_run(model, place, run.model, overwrite)
        return found
    if place.suffix != ".keras":
        raise ModelError(f"{place} is no name of a model's file; expected one that ends in .keras")
    check_creatable(place, overwrite)
    loaded = model_of_file(model, "normwise.recalibrate(model, x)")
    rows = read_table(table, format=format, encoding=encoding)
    found = recalibrate(loaded, rows if target is None else _without(rows, target), **how)
    with atomic_path(place, overwrite) as temporary:
        loaded.save(temporary)
    return found


def _without(rows: pl.DataFrame, target: str) -> pl.DataFrame:
    if target not in rows.columns:
        raise ColumnError(f'the table has no column "{target}". {did_you_mean(target, rows.columns)}')
    return rows.drop(target)
