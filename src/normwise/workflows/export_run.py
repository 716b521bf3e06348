"""From a run folder to the two files that serve it without normwise: model.onnx and schema.json."""

from __future__ import annotations

from pathlib import Path

from normwise.core.export_record import ExportRecord
from normwise.deploy.export import export
from normwise.deploy.onnx_trace import require_packages
from normwise.workflows.drawn_rows import drawn_rows
from normwise.workflows.predict_table import load_run
from normwise.workflows.run_folder import SCHEMA, Kind, check_writable, run_folder

ONNX = "model.onnx"
EXPORT_FOLDER = Kind("folder of an export", "export", (ONNX, SCHEMA), (ONNX, SCHEMA), ONNX)

METADATA = "normwise.schema"
"""The key of the ONNX file's metadata that holds the schema as JSON, as in schema.json."""


def export_run(run: Path, out: Path, *, fold: bool = True, overwrite: bool = False) -> ExportRecord:
    """Writes a folder with ``model.onnx``, the network, and ``schema.json``, how raw rows are encoded.

    The network is compared in ONNX Runtime and in Keras on rows drawn by the schema: numbers with the
    training table's means and deviations, some missing, and all codes of categories, unknown ones too. The
    schema is also in the metadata of ``model.onnx``, under ``"normwise.schema"``.

    Args:
        run: The run folder.
        out: The folder to write, there whole or not at all.
        fold: Whether normalization is folded first.
        overwrite: Whether the folder of an older export is replaced.

    Returns:
        What `normwise.export` tells.

    Raises:
        RunFolderError: If the run folder cannot be read, or the other not written.
        ModelError: If `normwise.export` refuses the network.
    """
    require_packages()
    check_writable(out, overwrite, EXPORT_FOLDER)
    loaded = load_run(run, compile=False)
    schema = loaded.schema.to_json(indent=2)
    with run_folder(out, overwrite, kind=EXPORT_FOLDER) as folder:
        record = export(
            loaded.model,
            folder / ONNX,
            drawn_rows(loaded.schema).inputs(),
            fold=fold,
            metadata={METADATA: schema},
        )
        (folder / SCHEMA).write_text(schema + "\n", encoding="utf-8")
    return record.at(out / ONNX)
