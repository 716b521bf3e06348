"""From a table to what scaling and batch normalization change on it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import TrainingError
from normwise.core.probe import Series
from normwise.core.why_record import Variant, WhyRecord
from normwise.insight.usable_range import median_loss, usable_range
from normwise.workflows.diagnose_trained import diagnosed
from normwise.workflows.summarize_run import feature_records, versions
from normwise.workflows.why_data import WhyData, fit_to_width, read_why_data, why_file
from normwise.workflows.why_gain import constant_row_losses
from normwise.workflows.why_measurements import measure_data, measure_variant
from normwise.workflows.why_model import model_networks
from normwise.workflows.why_model_file import read_why_model
from normwise.workflows.why_networks import table_networks, why_batch_size
from normwise.workflows.why_options import WhyListener, WhyOptions
from normwise.workflows.why_target import lowest, steps_to_target, target_loss
from normwise.workflows.why_variant import VARIANTS, Study, sweep, train_variant
from normwise.workflows.why_verdict import why_verdict

Finished = list[tuple[Variant, tuple[Series, ...]]]
DIAGNOSED = "scaled_bn"
"""The variant whose network the doctor examines."""


def why_table(
    table: Any,
    options: WhyOptions | None = None,
    listener: WhyListener | None = None,
    model: keras.Model | Path | None = None,
) -> WhyRecord:
    """Trains one network four ways, raw or scaled and with or without batch normalization, and compares.

    Args:
        table: A CSV or Parquet file, or a table in memory: pandas, Polars, PyArrow; None for scikit-learn's
            breast-cancer data.
        options: What is not the default.
        listener: What hears of progress and warnings.
        model: The network, a Keras model or its file; it is left untouched, and none of its weights is used.
            By default two dense layers of 64 units.

    Returns:
        What was measured, and the verdict that follows from it.

    Raises:
        TableError: If the table or its target cannot be used; the message says why.
        ModelError: If the model cannot be loaded, or does not fit the table or its target.
        TrainingError: If Keras' backend is not JAX.
    """
    options, hear = options or WhyOptions(), listener or WhyListener()
    start = time.perf_counter()
    _require_jax()
    notes: list[str] = []

    def note(message: str) -> None:
        notes.append(message)
        hear.warning(message)

    study = _study(table, options, model, hear, note)
    data, networks = study.data, study.networks
    hear.stage("measuring the features")
    measured = measure_data(data)
    finished, diagnosis = _trained(study, hear, note)
    variants, target, tolerance = _compared(finished, data)
    record = WhyRecord(
        source=data.source,
        target=data.target.name,
        task=data.target.task,
        metric="accuracy" if data.target.classes else "r2",
        rows=sum(len(y) for y in data.y.values()),
        training_rows=len(data.y["training"]),
        validation_rows=len(data.y["validation"]),
        held_out_rows=len(data.y["held_out"]),
        inputs=data.inputs,
        hidden_units=networks.hidden_units,
        activation=networks.activation,
        batch_size=why_batch_size(len(data.y["training"])),
        epochs=options.all_epochs(),
        target_loss=target,
        usable_tolerance=tolerance,
        features=tuple(f for f in feature_records(data.schema, data.training) if f.name in data.inputs),
        bowls=measured.bowls,
        curves=measured.curves,
        measurements=measured.measurements,
        variants=variants,
        verdict=(),
        warnings=tuple(notes),
        command=options.command(why_file(table), model),
        versions=versions(),
        seed=options.seed,
        seconds=time.perf_counter() - start,
        model=networks.name,
        diagnosis=diagnosis,
    )
    return dataclasses.replace(record, verdict=why_verdict(record))


def _require_jax() -> None:
    if keras.backend.backend() != "jax":
        raise TrainingError(
            f"Keras' backend is {keras.backend.backend()}, and the variants are trained side by side on JAX"
            ' alone. Set the environment variable KERAS_BACKEND to "jax".'
        )


def _study(
    table: Any,
    options: WhyOptions,
    model: keras.Model | Path | None,
    hear: WhyListener,
    note: Callable[[str], None],
) -> Study:
    """The table, and the network that is made of it or of the model."""
    if model is None:
        hear.stage("reading the table")
        data = read_why_data(table, options, note)
        own = table_networks(len(data.inputs), data.outputs, options.hidden_units)
        return Study(data, own, options)
    hear.stage("reading the model")
    network = read_why_model(model)
    hear.stage("reading the table")
    data = read_why_data(table, options, note)
    data = fit_to_width(data, network.inputs[0].shape[-1], model.name, note)
    return Study(data, model_networks(network, model.name, data.target, note), options)


def _trained(
    study: Study, hear: WhyListener, note: Callable[[str], None]
) -> tuple[Finished, Diagnosis | None]:
    """The four variants, one after the other, with the losses of their trainings, and the diagnosis."""
    options = study.options
    total = len(VARIANTS) * (options.sweep_epochs() + options.all_epochs())
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        hear.progress(done, total)

    finished, diagnosis = [], None
    for i, kind in enumerate(VARIANTS, start=1):
        where = f"{i} of {len(VARIANTS)}, {kind.words}"
        hear.stage(f"{where}: {len(options.learning_rates())} learning rates")
        found = sweep(kind, study, told)
        hear.stage(f"{where}: {len(options.all_seeds())} seeds")
        trained = train_variant(kind, study, found, told)
        hear.stage(f"{where}: measuring the network")
        finished.append((measure_variant(trained, study.data, note), trained.losses))
        if kind.name == DIAGNOSED:
            x, y = study.data.x(kind.scaled)["training"], study.data.y["training"]
            diagnosis = diagnosed(trained.models[0], x, y, why_batch_size(len(y)), note)
    return finished, diagnosis


def _compared(finished: Finished, data: WhyData) -> tuple[tuple[Variant, ...], float, float]:
    """The variants with what only their comparison gives, the target loss, and the tolerance of the rates."""
    variants = [variant for variant, _ in finished]
    classes = len(data.target.classes)
    constant = float(constant_row_losses(data.y["training"], data.y["validation"], classes).mean())
    reached = [median_loss(lowest(t.history["val_loss"]) for t in v.trainings) for v in variants]
    target = target_loss(constant, min(reached))
    best = min(median_loss(point.losses) for v in variants for point in v.sweep)
    limit = target_loss(constant, best)
    compared = tuple(
        dataclasses.replace(
            variant,
            usable_decades=usable_range(
                [p.learning_rate for p in variant.sweep], [p.losses for p in variant.sweep], limit
            ),
            trainings=tuple(
                dataclasses.replace(training, steps_to_target=steps_to_target(series, target))
                for training, series in zip(variant.trainings, losses, strict=True)
            ),
        )
        for variant, losses in finished
    )
    return compared, target, limit / max(best, np.finfo(np.float64).tiny)
