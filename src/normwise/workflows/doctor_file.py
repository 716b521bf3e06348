"""From a model's file or a run folder, and data, to a diagnosis; and to a mended model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import keras

from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import ModelError, NormwiseError, RunFolderError, TableError
from normwise.tables.atomic import atomic_path, check_creatable
from normwise.workflows.apply_remedies import apply_remedies
from normwise.workflows.diagnose import diagnose
from normwise.workflows.diagnose_data import read_data
from normwise.workflows.doctor_model import doctor_model
from normwise.workflows.gather_evidence import ROWS
from normwise.workflows.predict_table import Run, load_run
from normwise.workflows.remedy_result import RemedyResult
from normwise.workflows.run_folder import check_writable, copy_run
from normwise.workflows.run_rows import run_rows

Warn = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class DoctorOptions:
    """What `doctor_file` and `mend_file` may be told.

    Args:
        target: The column of a table that is the target; a run folder knows its own.
        new_data: Rows that came later, to be compared with the others.
        batch_size: Rows a step of the training.
        select: The rules to run, as `normwise.diagnose` takes them.
        ignore: Likewise, those that are not run.
        preview: Whether rules in preview are run too.
        ignored_layers: A pattern of layers' paths to the codes that are ignored there.
        modules: Modules of custom objects.
        allow_lambda: Whether Lambda layers may run the code of the file.
    """

    target: str | None = None
    new_data: str | None = None
    batch_size: int | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    preview: bool = False
    ignored_layers: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    modules: tuple[str, ...] = ()
    allow_lambda: bool = False

    def rules(self) -> dict[str, Any]:
        """What `diagnose` and `apply_remedies` take alike."""
        return {
            "batch_size": self.batch_size,
            "select": self.select,
            "ignore": self.ignore,
            "preview": self.preview,
            "ignored_layers": self.ignored_layers,
        }


@dataclasses.dataclass(frozen=True)
class Patient:
    """What is examined: a model, rows of its inputs and their targets."""

    model: keras.Model
    x: Any
    y: Any
    new_x: Any


def doctor_file(model: Path, data: str | None, options: DoctorOptions, warn: Warn) -> Diagnosis:
    """Examines a saved model.

    Args:
        model: A ``.keras`` file, or a run folder, which knows how raw rows are encoded, and its target.
        data: A table, a ``.npy`` or ``.npz`` file, a folder of images, or ``"module:function"``; None
            examines the structure alone. Of a run folder a table.
        options: What is not the default.
        warn: Told what is unusual.

    Raises:
        ModelError: If the model cannot be loaded.
        RunFolderError: If the run folder cannot be read.
        TableError: If the data cannot be read or do not fit; likewise a TrainingError.
        NormwiseError: If there are new data and none to compare them with.
    """
    if data is None and options.new_data is not None:
        raise NormwiseError(
            f"--new-data {options.new_data} has nothing to be compared with; expected DATA, the rows of the"
            " training, behind the model"
        )
    patient = _patient(model, data, options, warn)
    return diagnose(patient.model, patient.x, patient.y, new_x=patient.new_x, **options.rules())


def mend_file(
    model: Path,
    data: str | None,
    out: Path,
    safety: Literal["safe", "all"],
    options: DoctorOptions,
    warn: Warn,
    *,
    overwrite: bool = False,
) -> RemedyResult:
    """Examines a saved model, carries out the remedies, saves the new model and examines that.

    Arguments and errors are those of `doctor_file`, and:

    Args:
        out: Where the new model goes; of a run folder another one, of which all else is kept.
        safety: ``"safe"`` or ``"all"``.
        overwrite: Whether what is there is replaced.
    """
    if options.new_data is not None:
        raise NormwiseError("no remedy mends how new data differ; leave out --new-data, or --fix")
    if model.is_dir():
        check_writable(out, overwrite)
    elif out.suffix != ".keras":
        raise ModelError(f"{out} is no name of a model's file; expected one that ends in .keras")
    else:
        check_creatable(out, overwrite)
    patient = _patient(model, data, options, warn)
    result = apply_remedies(patient.model, patient.x, patient.y, safety=safety, **options.rules())
    if model.is_dir():
        copy_run(model, out, result.model, overwrite)
    else:
        with atomic_path(out, overwrite) as temporary:
            result.model.save(temporary)
    return result


def _patient(model: Path, data: str | None, options: DoctorOptions, warn: Warn) -> Patient:
    if not model.is_dir():
        if options.allow_lambda:
            warn(f"--allow-lambda: PYTHON CODE THAT STANDS IN {model} IS RUN, with all that you may do")
        loaded = doctor_model(model, options.modules, allow_lambda=options.allow_lambda)
        x, y = read_data(data, options.target, loaded, ROWS)
        new = read_data(options.new_data, options.target, loaded, ROWS, new=True)[0]
        return Patient(loaded, x, y, new)
    if options.target is not None:
        raise RunFolderError(
            f'{model} is a run folder, which knows its target; leave out "{options.target}".'
        )
    run = load_run(model)
    x, y = (None, None) if data is None else _raw(run, data, warn)
    new = None if options.new_data is None else _raw(run, options.new_data, warn)[0]
    return Patient(run.model, x, y, new)


def _raw(run: Run, table: str, warn: Warn) -> tuple[Any, Any]:
    if Path(table).suffix in (".npy", ".npz") or (":" in table and not Path(table).exists()):
        raise TableError(
            f"{table} gives arrays, and a run folder takes raw rows, which it encodes itself; expected a"
            " table, such as a CSV file, with the columns that the network was trained on"
        )
    return run_rows(run, run.read(Path(table)), warn)
