"""From a model's file or a run folder to ONNX."""

from __future__ import annotations

from pathlib import Path

from normwise.core.errors import ModelError, NormwiseError
from normwise.core.export_record import ExportRecord
from normwise.deploy.export import export
from normwise.deploy.onnx_trace import require_packages
from normwise.tables.atomic import check_creatable
from normwise.workflows.export_run import export_run
from normwise.workflows.model_file import model_of_file


def export_file(model: Path, out: Path, *, fold: bool = True, overwrite: bool = False) -> ExportRecord:
    """Exports a saved model to a file, or a run folder to a folder of ``model.onnx`` and ``schema.json``.

    Args:
        model: A ``.keras`` file, or a run folder.
        out: The file, which ends in ``.onnx``, or the folder to write.
        fold: Whether normalization is folded first.
        overwrite: Whether what is there is replaced.

    Returns:
        What `normwise.export` tells.

    Raises:
        ModelError: If the model cannot be loaded, or `normwise.export` refuses it.
        TableError: If the file cannot be written.
        RunFolderError: If the run folder cannot be read, or the folder not written.
    """
    if model.is_dir():
        return export_run(model, out, fold=fold, overwrite=overwrite)
    require_packages()
    check_creatable(out, overwrite)
    loaded = model_of_file(model, "normwise.export(model, path)", compile=False)
    try:
        return export(loaded, out, fold=fold, overwrite=overwrite)
    except NormwiseError:
        raise
    except (TypeError, ValueError) as error:
        raise ModelError(str(error)) from error
