"""From a table to a run folder: read, hold rows out, train, compare, tell."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, NormwiseWarning, TableError, listing
from normwise.core.run_record import RunRecord
from normwise.report import write_run_report
from normwise.tables import content_hash, file_hash, read_table
from normwise.workflows.diagnose_trained import diagnose_estimator
from normwise.workflows.encode_table import encode_table
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.network import quantile_bins
from normwise.workflows.run_folder import MODEL, REPORT, check_writable, run_folder, write_records
from normwise.workflows.stratified import held_out_rows
from normwise.workflows.summarize_run import score_run, versions
from normwise.workflows.tabular_classifier import TabularClassifier
from normwise.workflows.tabular_estimator import TabularEstimator
from normwise.workflows.tabular_regressor import TabularRegressor
from normwise.workflows.training_progress import EpochReport, TrainingProgress, stopping_gently, uninterrupted
from normwise.workflows.training_target import Target, take_target

BUILT_IN = "breast-cancer data of scikit-learn"
BUILT_IN_TARGET = "diagnosis"


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """What `fit_table` may be told.

    Args:
        target: The target column; the built-in table's by default.
        task: ``"classification"`` or ``"regression"``; told from the target by default.
        format: The table's format, where its file name does not tell.
        encoding: The text encoding of a CSV file.
        held_out: The share of the rows that the scores are measured on.
        seed: The seed of everything random.
        overwrite: Whether an older run folder is replaced.
        column_kinds: Column name to kind, where the inferred one is not right.
        settings: Further arguments of the estimator, such as ``{"preset": "article", "epochs": 5}``.
    """

    target: str | None = None
    task: str | None = None
    format: str | None = None
    encoding: str = "utf-8"
    held_out: float = 0.2
    seed: int = 0
    overwrite: bool = False
    column_kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Listener:
    """What hears of a fit while it runs; every method may be overridden, none has to be."""

    def stage(self, what: str) -> None:
        """A stage begins."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch of training is over."""

    def part(self, done: float, epochs: int) -> None:
        """Part of an epoch is over: how many epochs are done, such as 2.25, and how many there are."""

    def interrupted(self) -> None:
        """The training ends early, because Ctrl-C asked for it."""

    def warning(self, message: str) -> None:
        """Something was done to the data, or noticed in it."""


def fit_table(
    table: Path | None, out: Path, options: FitOptions | None = None, listener: Listener | None = None
) -> RunRecord:
    """Trains a network on a table and writes the run folder.

    Args:
        table: A CSV or Parquet file; None for scikit-learn's breast-cancer data.
        out: The run folder to be; it appears whole or not at all.
        options: What is not the default.
        listener: What hears of progress and warnings.

    Returns:
        The record of the run, as the folder holds it.

    Raises:
        TableError: If the table or its target cannot be used; the message says why.
        RunFolderError: If the folder exists, or cannot be written.
    """
    options, hear = options or FitOptions(), listener or Listener()
    start = time.perf_counter()
    check_writable(out, options.overwrite)
    hear.stage("reading the table")
    frame, source, digest = read_source(table, options)
    notes: list[str] = []

    def note(message: str) -> None:
        notes.append(message)
        hear.warning(message)

    features, target = take_target(frame, target_name(frame, table, options), options.task, note)
    if not 0 < options.held_out < 1:
        raise ValueError(f"held_out={options.held_out} is out of its range; expected above 0 and below 1")
    held = held_out_rows(target.strata(), options.held_out, options.seed, keep=2)
    if not held.any():
        raise TableError(
            f"{len(held)} rows are too few to hold {options.held_out:.0%} of them out for the scores; gather"
            " more rows"
        )
    _check_all_rows(frame.drop(target.name), features, held, options)
    hear.stage("training")
    training_start = time.perf_counter()
    estimator = _train(features, target, held, options, hear, note)
    trained = time.perf_counter() - training_start
    hear.stage("comparing with scikit-learn")
    measured = score_run(estimator, features, target, held, options.seed, trained)
    if len(measured["scores"]) == 1:
        note("the comparison with scikit-learn was interrupted and left out")
    hear.stage("diagnosing the network")
    diagnosis = diagnose_estimator(estimator, features.filter(~held), target.values[~held], note)
    record = RunRecord(
        source=source,
        schema=dataclasses.replace(
            estimator.schema_, target=target.name, classes=target.classes, target_dtype=target.dtype
        ),
        rows=len(held),
        dropped_rows=frame.height - len(held),
        held_out_rows=int(held.sum()),
        validation_rows=estimator.validation_rows_,
        history=estimator.history_,
        best_epoch=estimator.best_epoch_,
        ending=estimator.ending_,
        warnings=tuple(notes),
        settings=_settings(estimator, options),
        versions=versions(),
        seed=options.seed,
        seconds=time.perf_counter() - start,
        data_hash=digest,
        diagnosis=diagnosis,
        **measured,
    )
    hear.stage("writing the run folder")
    with uninterrupted(), run_folder(out, options.overwrite) as folder:
        estimator.model_.save(folder / MODEL)
        write_records(folder, record)
        write_run_report(record, folder / REPORT)
    return record


def _check_all_rows(
    table: pl.DataFrame, features: pl.DataFrame, held: NDArray[np.bool_], options: FitOptions
) -> None:
    """Raises before the training what would else be found in a held-out row after it.

    The whole table is looked at first, so that a row in a message is a row of the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormwiseWarning)
        infer_columns(table, options.column_kinds)
        encode_table(features, infer_columns(features.filter(~held), options.column_kinds))


def read_source(table: Path | None, options: FitOptions) -> tuple[pl.DataFrame, str, str]:
    if table is None:
        frame = built_in_table()
        return frame, BUILT_IN, content_hash(frame)
    return read_table(table, format=options.format, encoding=options.encoding), table.name, file_hash(table)


def built_in_table() -> pl.DataFrame:
    """scikit-learn's breast-cancer data: 30 features whose scales differ by 10⁵, and the diagnosis."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = np.array(["malignant", "benign"])
    frame = pl.DataFrame(data.data, schema=[str(name) for name in data.feature_names])
    return frame.with_columns(pl.Series(BUILT_IN_TARGET, names[data.target]))


def target_name(frame: pl.DataFrame, table: Path | None, options: FitOptions) -> str:
    if options.target is not None:
        return options.target
    if table is None:
        return BUILT_IN_TARGET
    raise ColumnError(
        f"which column of {table.name} is to be predicted? Give --target COLUMN; there are:"
        f" {listing(frame.columns)}"
    )


def _train(
    features: pl.DataFrame,
    target: Target,
    held: NDArray[np.bool_],
    options: FitOptions,
    hear: Listener,
    note: Callable[[str], None],
) -> TabularEstimator:
    if not target.classes and options.settings.get("class_weight") is not None:
        raise TableError(
            f'column "{target.name}" is a target of numbers, which has no classes to weigh. '
            "Leave out --class-weight, or give --task classification."
        )
    kind = TabularClassifier if target.classes else TabularRegressor
    estimator = kind(column_kinds=options.column_kinds, random_state=options.seed, **options.settings)
    progress = TrainingProgress(hear.epoch, hear.interrupted, int((~held).sum()), hear.part)
    with warnings.catch_warnings(record=True) as caught, stopping_gently(progress):
        warnings.simplefilter("always", NormwiseWarning)
        estimator.fit(features.filter(~held), target.values[~held], callbacks=[progress])
    for warning in caught:
        if issubclass(warning.category, NormwiseWarning):
            note(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return estimator


def _settings(estimator: TabularEstimator, options: FitOptions) -> dict[str, str]:
    preset = dataclasses.asdict(estimator.resolved_preset())
    bins = quantile_bins(estimator.schema_.columns, estimator.model_)
    preset["quantile_bins"] = max(bins.values(), default=0)
    own = {"preset": estimator.preset, "validation_fraction": estimator.validation_fraction}
    return {name: str(value) for name, value in {**own, **preset, "held_out": options.held_out}.items()}
