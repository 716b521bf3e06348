"""From a model's file or a run folder to the same with normalization folded away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from normwise.core.errors import ModelError
from normwise.deploy.fold import fold
from normwise.deploy.fold_result import FoldResult
from normwise.deploy.sample_rows import as_called, sample_rows
from normwise.tables.atomic import atomic_path, check_creatable
from normwise.workflows.drawn_rows import drawn_rows
from normwise.workflows.model_file import model_of_file
from normwise.workflows.predict_table import load_run
from normwise.workflows.run_folder import check_writable, copy_run


def fold_file(model: Path, out: Path, *, overwrite: bool = False) -> FoldResult:
    """Folds a saved model, and saves the result; both are compared on drawn rows, as `normwise.fold` does.

    The rows of a run folder are drawn by its schema, those of a model's file by the shapes of its inputs;
    where these have free sizes nothing is compared.

    Args:
        model: A ``.keras`` file, or a run folder. Of a run folder all else is kept: what its scores and its
            report say holds for the folded model, which gives the same.
        out: Where the model, or the run folder, goes.
        overwrite: Whether what is there is replaced.

    Returns:
        What `normwise.fold` tells.

    Raises:
        ModelError: If the model cannot be loaded or folded.
        TableError: If the file cannot be written.
        RunFolderError: If the run folder cannot be read or written.
    """
    if model.is_dir():
        check_writable(out, overwrite)
        run = load_run(model, compile=False)
        result = _folded(run.model, drawn_rows(run.schema).inputs())
        copy_run(model, out, result.model, overwrite)
        return result
    if out.suffix != ".keras":
        raise ModelError(f"{out} is no name of a model's file; expected one that ends in .keras")
    check_creatable(out, overwrite)
    loaded = model_of_file(model, "normwise.fold(model)", compile=False)
    result = _folded(loaded, _rows(loaded))
    with atomic_path(out, overwrite) as temporary:
        result.model.save(temporary)
    return result


def _rows(model: keras.Model) -> Any:
    """Rows for its inputs; None where none can be drawn, or its kind is refused anyway."""
    try:
        return as_called(model, sample_rows(model))
    except (ModelError, AttributeError, TypeError, ValueError):
        return None


def _folded(model: keras.Model, rows: Any) -> FoldResult:
    try:
        return fold(model, rows)
    except (TypeError, ValueError) as error:
        raise ModelError(str(error)) from error
