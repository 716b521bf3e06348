"""From a table to what scaling and batch normalization change on it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import keras
import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.probe import Series
from normwise.core.why_record import Variant, WhyRecord
from normwise.insight.usable_range import median_loss, usable_range
from normwise.workflows.summarize_run import feature_records, versions
from normwise.workflows.why_data import WhyData, read_why_data
from normwise.workflows.why_gain import constant_row_losses
from normwise.workflows.why_measurements import measure_data, measure_variant
from normwise.workflows.why_network import ACTIVATION, why_batch_size
from normwise.workflows.why_options import WhyListener, WhyOptions
from normwise.workflows.why_target import lowest, steps_to_target, target_loss
from normwise.workflows.why_variant import VARIANTS, sweep, train_variant
from normwise.workflows.why_verdict import why_verdict

Finished = list[tuple[Variant, tuple[Series, ...]]]


def why_table(
    table: Path | None, options: WhyOptions | None = None, listener: WhyListener | None = None
) -> WhyRecord:
    """Trains one network four ways, raw or scaled and with or without batch normalization, and compares.

    Args:
        table: A CSV or Parquet file; None for scikit-learn's breast-cancer data.
        options: What is not the default.
        listener: What hears of progress and warnings.

    Returns:
        What was measured, and the verdict that follows from it.

    Raises:
        TableError: If the table or its target cannot be used; the message says why.
        TrainingError: If Keras' backend is not JAX.
    """
    options, hear = options or WhyOptions(), listener or WhyListener()
    start = time.perf_counter()
    _require_jax()
    hear.stage("reading the table")
    notes: list[str] = []

    def note(message: str) -> None:
        notes.append(message)
        hear.warning(message)

    data = read_why_data(table, options, note)
    hear.stage("measuring the features")
    measured = measure_data(data)
    variants, target, tolerance = _compared(_trained(data, options, hear), data)
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
        hidden_units=options.hidden_units,
        activation=ACTIVATION,
        batch_size=why_batch_size(len(data.y["training"])),
        epochs=options.all_epochs(),
        target_loss=target,
        usable_tolerance=tolerance,
        features=feature_records(data.schema, data.training),
        bowls=measured.bowls,
        curves=measured.curves,
        measurements=measured.measurements,
        variants=variants,
        verdict=(),
        warnings=tuple(notes),
        command=options.command(table),
        versions=versions(),
        seed=options.seed,
        seconds=time.perf_counter() - start,
    )
    return dataclasses.replace(record, verdict=why_verdict(record))


def _require_jax() -> None:
    if keras.backend.backend() != "jax":
        raise TrainingError(
            f"Keras' backend is {keras.backend.backend()}, and the variants are trained side by side on JAX"
            ' alone. Set the environment variable KERAS_BACKEND to "jax".'
        )


def _trained(data: WhyData, options: WhyOptions, hear: WhyListener) -> Finished:
    """The four variants, one after the other, and the losses of their trainings."""
    total = len(VARIANTS) * (options.sweep_epochs() + options.all_epochs())
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        hear.progress(done, total)

    finished = []
    for i, kind in enumerate(VARIANTS, start=1):
        where = f"{i} of {len(VARIANTS)}, {kind.words}"
        hear.stage(f"{where}: {len(options.learning_rates())} learning rates")
        found = sweep(kind, data, options, told)
        hear.stage(f"{where}: {len(options.all_seeds())} seeds")
        trained = train_variant(kind, data, options, found, told)
        hear.stage(f"{where}: measuring the network")
        finished.append((measure_variant(trained, data), trained.losses))
    return finished


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
