"""train_ensemble: several networks from several seeds, side by side, and their mean as one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from normwise.training.fit_many import fit_many
from normwise.training.side_by_side import ManyFits
from normwise.workflows.presets import Preset
from normwise.workflows.train_network import (
    Rows,
    Training,
    as_validation,
    batch_size_for,
    compile_network,
    monitored,
    validation_batch_size,
)


def train_ensemble(
    model: keras.Model,
    training: Rows,
    validation: Rows | None,
    preset: Preset,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, Training]:
    """Trains `preset.ensemble` networks of one architecture, each from a seed of its own.

    Args:
        model: What `tabular_network` built without a seed: the architecture.
        training: The rows to learn from.
        validation: The rows that choose each member's best epoch; without any, the training loss does.
        preset: The settings.
        seed: From which the members' seeds are drawn.
        callbacks: Called at the ends of epochs with the means over the members.

    Returns:
        A model whose output is the mean of the members' outputs, and how the training went.
    """
    compile_network(model, preset)
    callers = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=preset.epochs, steps=None)
    model.stop_training = False

    def told(epoch: int, logs: tuple[dict[str, float], ...]) -> bool:
        callers.on_epoch_end(epoch, _mean(logs))
        if epoch + 1 < preset.epochs:
            callers.on_epoch_begin(epoch + 1)
        return bool(model.stop_training)

    callers.on_train_begin()
    callers.on_epoch_begin(0)
    runs = fit_many(
        model,
        training.inputs,
        training.targets,
        batch_size_for(len(training.targets), preset),
        preset.epochs,
        seeds=[int(s) for s in np.random.SeedSequence(seed).generate_state(preset.ensemble)],
        sample_weight=training.weights,
        validation_data=as_validation(validation),
        validation_batch_size=validation_batch_size(validation),
        keep_best=monitored(validation) if preset.patience is not None else None,
        patience=preset.patience,
        on_epoch_end=told,
    )
    callers.on_train_end()
    return mean_of(runs.models), _training(runs, preset, validation)


def mean_of(members: Sequence[keras.Model]) -> keras.Model:
    """One model whose output is the mean of its members', which take the same inputs.

    Args:
        members: Models of one architecture; they are named anew, ``"member_1"`` and so on.
    """
    inputs = {
        name: keras.Input(x.shape[1:], dtype=x.dtype, name=name) for name, x in members[0].input.items()
    }
    outputs = []
    for i, member in enumerate(members, start=1):
        member.name = f"member_{i}"
        outputs.append(member(inputs))
    return keras.Model(inputs, keras.layers.Average(name="mean")(outputs), name="tabular_ensemble")


def _training(runs: ManyFits, preset: Preset, validation: Rows | None) -> Training:
    histories = [history.history for history in runs.histories]
    longest = max((len(history["loss"]) for history in histories), default=0)
    curves = {
        name: tuple(
            float(np.mean([h[name][epoch] for h in histories if epoch < len(h[name])]))
            for epoch in range(longest)
        )
        for name in histories[0]
    }
    last = [longest - 1 if best is None else best for best in runs.best_epochs]
    words = "validation loss" if validation is not None else "training loss"
    kept = "the last weights" if preset.patience is None else f"the weights with the lowest {words}"
    epochs = ", ".join(str(best + 1) for best in last)
    ending = f"{len(histories)} networks side by side, {longest} epochs; of each {kept} were kept ({epochs})"
    return Training(curves, round(float(np.median(last))) + 1, ending)


def _mean(logs: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {name: float(np.mean([log[name] for log in logs])) for name in logs[0]}
