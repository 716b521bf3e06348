"""One training of a tabular network: optimizer, early stopping, and the best weights."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import Floats
from normwise.training.fit import fit
from normwise.workflows.presets import Preset

Inputs = dict[str, NDArray[Any]]
SMALLEST_BATCH = 16
STEPS_AN_EPOCH = 16
"""A small table takes smaller batches, so that an epoch has about so many steps."""
LARGEST_VALIDATION_BATCH = 8192


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows for training or validation: the network's inputs, the targets, and a weight a row."""

    inputs: Inputs
    targets: NDArray[Any]
    weights: NDArray[np.float32] | None = None


@dataclasses.dataclass(frozen=True)
class Training:
    """How a training went.

    Args:
        history: Metric name to one value an epoch.
        best_epoch: The epoch, from 1, whose weights the network has now.
        ending: How it ended; a sentence.
    """

    history: dict[str, Floats]
    best_epoch: int
    ending: str


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch, and stops when the loss has not fallen for `patience` epochs.

    Keras' EarlyStopping restores the best weights only when it is what ends the training; this one does so at
    every
    end, after an interrupt too.

    Args:
        monitor: The loss to watch, ``"val_loss"`` or ``"loss"``.
        patience: Epochs without a lower loss before it stops; None keeps the last weights and never stops.
    """

    def __init__(self, monitor: str, patience: int | None) -> None:
        super().__init__()
        self.monitor, self.patience = monitor, patience
        self.best, self.best_epoch, self.epoch = float("inf"), 0, 0
        self.weights: list[NDArray[Any]] | None = None
        self.stopped = False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch = epoch + 1
        loss = (logs or {})[self.monitor]
        if self.patience is None or loss < self.best:
            self.best, self.best_epoch = loss, self.epoch
            self.weights = self.model.get_weights() if self.patience is not None else None
        elif self.epoch - self.best_epoch >= self.patience:
            self.stopped = self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self.weights is not None:
            self.model.set_weights(self.weights)


def batch_size_for(rows: int, preset: Preset) -> int:
    """The preset's batch size, or for a small table a power of two that gives an epoch some steps.

    Example:
        >>> from normwise.workflows.presets import PRESETS
        >>> batch_size_for(30_000, PRESETS["default"]), batch_size_for(400, PRESETS["default"])
        (256, 16)
    """
    fitting = 1 << max(0, (rows // STEPS_AN_EPOCH).bit_length() - 1)
    return min(preset.batch_size, max(SMALLEST_BATCH, fitting))


def train_network(
    model: keras.Model,
    training: Rows,
    validation: Rows | None,
    preset: Preset,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> Training:
    """Trains the network in place and leaves it with its best weights.

    Args:
        model: What `tabular_network` built.
        training: The rows to learn from.
        validation: The rows that choose the best epoch; without any, the training loss does.
        preset: The settings.
        seed: The seed of the shuffling.
        callbacks: Keras callbacks, called after this function's own.
        verbose: Keras' verbosity.
    """
    compile_network(model, preset)
    monitor = monitored(validation)
    keep = BestWeights(monitor, preset.patience)
    # On other backends the same call would warn that the compiled epoch needs JAX: here nobody asked for it.
    train = partial(fit, model) if keras.backend.backend() == "jax" else model.fit
    stopped = ""
    with _shuffling_seeded(seed):
        try:
            train(
                training.inputs,
                training.targets,
                sample_weight=training.weights,
                validation_data=as_validation(validation),
                batch_size=batch_size_for(len(training.targets), preset),
                validation_batch_size=validation_batch_size(validation),
                epochs=preset.epochs,
                verbose=verbose,
                callbacks=[keep, *callbacks],
            )
        except FloatingPointError as error:
            if keep.best_epoch == 0:
                raise
            keep.on_train_end()
            stopped = f"{error} "
    curves = {name: tuple(float(v) for v in values) for name, values in model.history.history.items()}
    return Training(curves, keep.best_epoch, stopped + _ending(keep, preset, monitor))


def compile_network(model: keras.Model, preset: Preset) -> None:
    """Loss and metric by what the network gives: class probabilities, or one standardized number."""
    classifies = model.output_shape[-1] > 1
    model.compile(
        optimizer=_optimizer(preset),
        loss="sparse_categorical_crossentropy" if classifies else "mean_squared_error",
        weighted_metrics=["accuracy"] if classifies else ["mean_absolute_error"],
    )


def monitored(validation: Rows | None) -> str:
    """The loss that chooses the best epoch."""
    return "val_loss" if validation is not None else "loss"


def _optimizer(preset: Preset) -> keras.optimizers.Optimizer:
    if preset.optimizer == "nesterov":
        # Keras 1's decay of 1e-6: rate / (1 + 1e-6 · steps).
        rate = keras.optimizers.schedules.InverseTimeDecay(
            preset.learning_rate, decay_steps=1, decay_rate=1e-6
        )
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(preset.learning_rate)


def validation_batch_size(rows: Rows | None) -> int | None:
    """All rows at once where they are few: one program serves, and no rest of another shape is compiled."""
    return None if rows is None else min(len(rows.targets), LARGEST_VALIDATION_BATCH)


def as_validation(rows: Rows | None) -> tuple[Any, ...] | None:
    """The rows as Keras' `validation_data`."""
    if rows is None:
        return None
    return (rows.inputs, rows.targets) if rows.weights is None else (rows.inputs, rows.targets, rows.weights)


_GENERATOR_IN_USE = threading.Lock()
"""Two fits in two threads would shuffle by each other's numbers: they take turns."""


@contextmanager
def _shuffling_seeded(seed: int) -> Iterator[None]:
    """Keras shuffles by NumPy's global generator: seed it, and give it back as it was."""
    with _GENERATOR_IN_USE:
        state = np.random.get_state()
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(state)


def _ending(keep: BestWeights, preset: Preset, monitor: str) -> str:
    words = "validation loss" if monitor == "val_loss" else "training loss"
    if keep.best_epoch == 0:
        return (
            f"stopped after {keep.epoch} epochs; the {words} was never a number, so the last weights were"
            " kept"
        )
    if preset.patience is None and keep.epoch < preset.epochs:
        return f"interrupted after {keep.epoch} of {preset.epochs} epochs; the last weights were kept"
    if preset.patience is None:
        return f"all {keep.epoch} epochs; the last weights were kept"
    kept = f"the weights of epoch {keep.best_epoch}, with the lowest {words}, were kept"
    if keep.stopped:
        return f"stopped after {keep.epoch} epochs, {preset.patience} without a lower {words}; {kept}"
    if keep.epoch < preset.epochs:
        return f"interrupted after {keep.epoch} of {preset.epochs} epochs; {kept}"
    return f"all {keep.epoch} epochs; {kept}"
