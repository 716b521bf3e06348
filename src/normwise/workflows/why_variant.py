"""One of the four variants of `why_table`: its sweep, and its trainings at the best learning rate."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.probe import Probe, Series
from normwise.core.saturation import SATURATED
from normwise.core.why_record import SweepPoint, Training, Variant
from normwise.training.fit_many import fit_many
from normwise.training.probes import PreActivations, Saturation
from normwise.training.side_by_side import ManyFits
from normwise.workflows.why_data import WhyData
from normwise.workflows.why_gain import constant_row_losses, gain_over_constant
from normwise.workflows.why_inside import MOST_WEIGHTS, PLACES, Weights, kept_weights
from normwise.workflows.why_networks import (
    Networks,
    hidden_activations,
    trainable_weights,
    why_batch_size,
)
from normwise.workflows.why_options import WhyOptions
from normwise.workflows.why_outputs import as_logits, row_losses
from normwise.workflows.why_probe import ValidationLoss
from normwise.workflows.why_target import best_rate, lowest

MEASURED = 24
"""How often the probes measure in a training."""
LOSSES_AN_EPOCH = 8
"""How often the validation loss is measured within an epoch: steps to the target are counted so finely."""
DIGITS = 5
"""Significant digits of what the probes found, as the record keeps it: the report holds it whole."""
Told = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class VariantKind:
    """Which variant, in code and words."""

    name: str
    words: str
    scaled: bool
    normalized: bool


VARIANTS = (
    VariantKind("raw", "raw inputs", False, False),
    VariantKind("scaled", "scaled inputs", True, False),
    VariantKind("raw_bn", "raw inputs, batch normalization", False, True),
    VariantKind("scaled_bn", "scaled inputs, batch normalization", True, True),
)


@dataclasses.dataclass(frozen=True)
class Study:
    """What is compared: a network on the inputs of a table, and what was asked for.

    Args:
        data: The table.
        networks: The network, without and with batch normalization.
        options: What was asked for.
    """

    data: WhyData
    networks: Networks
    options: WhyOptions


@dataclasses.dataclass(frozen=True)
class Trained:
    """A variant with its networks, one a seed, with the weights of their best epochs, and their losses.

    Args:
        variant: The variant.
        models: The networks.
        losses: The validation loss of each by steps.
        weights: What was kept of the first one's weights along its training; empty of a large network.
    """

    variant: Variant
    models: tuple[keras.Model, ...]
    losses: tuple[Series, ...]
    weights: tuple[Series, ...]


def sweep(kind: VariantKind, study: Study, told: Told) -> tuple[SweepPoint, ...]:
    """The lowest validation loss of each learning rate and seed, all of them side by side."""
    options = study.options
    rates, seeds = options.learning_rates(), options.sweep_seeds()
    pairs = [(rate, seed) for rate in rates for seed in seeds]
    runs = _train(kind, study, options.sweep_epochs(), pairs, told)
    losses = [lowest(history["val_loss"]) for history in _histories(runs, study.networks)]
    n = len(seeds)
    return tuple(SweepPoint(rate, tuple(losses[n * i : n * (i + 1)])) for i, rate in enumerate(rates))


def train_variant(kind: VariantKind, study: Study, found: tuple[SweepPoint, ...], told: Told) -> Trained:
    """The trainings at the best learning rate of the sweep, one a seed, side by side.

    Steps to the target and usable decades are NaN: they compare variants, once all are there.
    """
    data, options, networks = study.data, study.options, study.networks
    rate, epochs = best_rate(found), options.all_epochs()
    start = time.perf_counter()
    pairs = [(rate, seed) for seed in options.all_seeds()]
    best = f"val_{networks.compared}"
    runs = _train(kind, study, epochs, pairs, told, _probes(kind, study), keep_best=best)
    seconds = time.perf_counter() - start
    x, y = data.x(kind.scaled)["held_out"], data.y["held_out"]
    outputs = [
        as_logits(np.asarray(model(x, training=False), np.float64), networks.outputs) for model in runs.models
    ]
    variant = Variant(
        name=kind.name,
        scaled=kind.scaled,
        normalized=kind.normalized,
        learning_rate=rate,
        sweep=found,
        usable_decades=math.nan,
        trainings=tuple(
            Training(seed, history, math.nan, *held_out_scores(out, y))
            for (_, seed), history, out in zip(pairs, _histories(runs, networks), outputs, strict=True)
        ),
        seconds=seconds,
        parameters=trainable_weights(runs.models[0]),
        series=_series(runs),
        measurements=gain_over_constant(
            constant_row_losses(data.y["training"], y, len(data.target.classes)),
            [row_losses(out, y) for out in outputs],
        ),
    )
    losses = tuple(history.probes[ValidationLoss.name] for history in runs.histories)
    return Trained(variant, runs.models, losses, kept_weights(tuple(runs.histories[0].probes.values())))


def _probes(kind: VariantKind, study: Study) -> tuple[Probe, ...]:
    """Those that find something in the hidden layers, and the validation loss."""
    data, steps = study.data, steps_an_epoch(study.data)
    every = max(1, study.options.all_epochs() * steps // MEASURED)
    x, y = data.x(kind.scaled)["validation"], data.y["validation"]
    often = ValidationLoss(max(1, steps // LOSSES_AN_EPOCH), x, y, study.networks.outputs)
    names = {name for _, name in hidden_activations(study.networks[kind.normalized])}
    inside: list[Probe] = [PreActivations(every=every)] if names else []
    inside += [Saturation(every=every)] if names & set(SATURATED) else []
    if trainable_weights(study.networks[kind.normalized]) <= MOST_WEIGHTS:
        inside.append(Weights(max(1, study.options.all_epochs() * steps // PLACES)))
    return *inside, often


def _series(runs: ManyFits) -> tuple[Series, ...]:
    """What the probes found in the first seed's training, but for the activation of the output."""
    hidden = {path for path, _ in hidden_activations(runs.models[0])} | {""}
    found = [s for s in runs.histories[0].probes.values() if s.name != Weights.name]
    return tuple(rounded(series) for series in found if series.place.partition("#")[0] in hidden)


def _histories(runs: ManyFits, networks: Networks) -> list[dict[str, tuple[float, ...]]]:
    """Keras' History of each, with the loss that is compared as its loss."""
    found = []
    for history in runs.histories:
        curves = {name: tuple(float(v) for v in values) for name, values in history.history.items()}
        for part in ("", "val_"):
            curves[f"{part}loss"] = curves.pop(f"{part}{networks.compared}")
        found.append(curves)
    return found


def steps_an_epoch(data: WhyData) -> int:
    """Steps of an epoch, the last of which may have fewer rows."""
    rows = len(data.y["training"])
    return math.ceil(rows / why_batch_size(rows))


def held_out_scores(outputs: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Loss and metric: cross-entropy and accuracy of logits, (rows, classes); or mean square and r2.

    Example:
        >>> loss, accuracy = held_out_scores(np.array([[0.0, 0.0], [0.0, 9.0]]), np.array([0, 1]))
        >>> round(loss, 3), accuracy  # a tie is the first class
        (0.347, 1.0)
    """
    loss = float(row_losses(outputs, y).mean())
    if outputs.shape[1] == 1:
        return loss, 1.0 - loss / float(np.var(y, dtype=np.float64)) if np.ptp(y) else math.nan
    metric = float(np.mean(outputs.argmax(axis=1) == y)) if np.isfinite(outputs).all() else math.nan
    return loss, metric


def rounded(series: Series) -> Series:
    """The series to `DIGITS` significant digits."""
    return dataclasses.replace(series, flat=tuple(float(f"{value:.{DIGITS - 1}e}") for value in series.flat))


def _train(
    kind: VariantKind,
    study: Study,
    epochs: int,
    pairs: Sequence[tuple[float, int]],
    told: Told,
    probes: Sequence[Any] = (),
    keep_best: str | None = None,
) -> ManyFits:
    x, y = study.data.x(kind.scaled), study.data.y
    return fit_many(
        study.networks[kind.normalized],
        x["training"],
        y["training"],
        batch_size=why_batch_size(len(y["training"])),
        epochs=epochs,
        seeds=[seed for _, seed in pairs],
        learning_rates=[rate for rate, _ in pairs],
        validation_data=(x["validation"], y["validation"]),
        validation_batch_size=len(y["validation"]),
        keep_best=keep_best,
        probes=probes,
        on_epoch_end=lambda *_: told(),
    )
