"""A Keras model of the user's as the networks of `why`: without and with batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.graph.hidden_layers import hidden_layers
from normwise.graph.insert import insert
from normwise.graph.kinds import is_normalization
from normwise.graph.rebuild import rebuild
from normwise.graph.remove import is_batch_normalization, remove
from normwise.graph.walk import consumers, every_layer
from normwise.layers import ColumnScaling, FeatureScaling, PowerScaling, QuantileScaling
from normwise.workflows.training_target import Target
from normwise.workflows.why_networks import Networks, article_optimizer, hidden_activations
from normwise.workflows.why_objective import LOSSES, Objective, objective_of
from normwise.workflows.why_outputs import ComparedLoss

SCALINGS = (
    *(keras.layers.Normalization, keras.layers.Rescaling),
    *(FeatureScaling, ColumnScaling, PowerScaling, QuantileScaling),
)
"""Layers that scale; before all others they do what `why` does itself, or does not."""
ANY_RATE = 0.01
"""Stands for a schedule: each training has a learning rate of the sweep."""
Note = Callable[[str], None]


def model_networks(model: keras.Model, name: str, target: Target, note: Note) -> Networks:
    """A model without and with batch normalization, each to be trained anew.

    A model with batch normalization is the one with it, and loses it for the one without. A model that has
    none gets it by `normwise.insert` for the one with it.

    Args:
        model: What `read_why_model` gives. It is left untouched.
        name: What the record calls it.
        target: What it is to predict.
        note: Told what was done to it.

    Raises:
        ModelError: If it cannot be taken apart, or its outputs or loss do not fit the target.
    """
    objective = objective_of(model, name, target)
    try:
        plain, normalized = _two_ways(model, name, note)
    except (TypeError, ValueError) as error:
        raise ModelError(str(error)) from error
    for network in (plain, normalized):
        network.trainable = True  # A frozen layer would keep weights that nothing has trained.
        network.compile(
            optimizer=_optimizer(model), loss=objective.loss, metrics=[ComparedLoss(objective.outputs)]
        )
    _say_how_it_learns(model, objective, note)
    return Networks(
        plain,
        normalized,
        objective.outputs,
        tuple(hidden_layers(plain).values()),
        ", ".join(dict.fromkeys(function for _, function in hidden_activations(plain))),
        name,
        compared=ComparedLoss.log,
    )


def _two_ways(model: keras.Model, name: str, note: Note) -> tuple[keras.Model, keras.Model]:
    layers = every_layer(model)
    scalings = _leading_scalings(model)
    if scalings:
        note(f"the model begins with {_named(scalings)}: left out, so that raw inputs stay raw")
    _refuse_adapted([layer for layer in layers if layer not in scalings])
    normalizations = [layer for layer in layers if is_batch_normalization(layer)]
    others = [layer for layer in layers if is_normalization(layer) and not is_batch_normalization(layer)]
    if others and normalizations:
        note(f"{_named(others)} is no batch normalization: it stays in all four variants")
    plain = remove(model, lambda layer: layer in scalings or layer in normalizations)
    if normalizations:
        note(f"the variants without batch normalization are the model without {_named(normalizations)}")
        return plain, remove(model, lambda layer: layer in scalings)
    if others:
        raise ModelError(
            f"{_named(others)} normalizes the model already, otherwise than by batches; expected a model with"
            " batch normalization, or with no normalization at all. Take it out to compare with that."
        )
    if not hidden_layers(plain):
        raise ModelError(
            f"{name} has no hidden layer, and batch normalization comes before the"
            " activation of one; expected a model with a hidden layer"
        )
    normalized, changes = insert(plain)
    behind = listing(change.layer for change in changes if change.what == "normalization behind it")
    note(f"the model has no batch normalization: normwise.insert put it behind {behind} in two variants")
    return plain, normalized


def _leading_scalings(model: keras.Model) -> list[Any]:
    """The layers that scale the model's input before any other layer takes it."""
    takers = consumers(model)
    found: list[Any] = []
    waiting = list(model.inputs)
    while waiting:
        for node in takers.get(id(waiting.pop()), []):
            if node is not None and isinstance(node.operation, SCALINGS):
                found.append(node.operation)
                waiting += node.outputs
    return found


def _refuse_adapted(layers: Sequence[Any]) -> None:
    for layer in layers:
        if isinstance(layer, keras.layers.Normalization):
            raise ModelError(
                f'the layer "{layer.name}" is a keras.layers.Normalization behind other layers: what it has'
                " learned by adapt() fits their old weights, and the networks begin with new ones. Expected"
                " it before all other layers, or a BatchNormalization in its place."
            )


def _say_how_it_learns(model: keras.Model, objective: Objective, note: Note) -> None:
    frozen = [layer for layer in every_layer(model) if layer is not model and not layer.trainable]
    if frozen:
        note(f"{_named(frozen)} is frozen: trained here like all others, for all weights begin anew")
    if not model.compiled:
        note(f"the model is not compiled: it learns by {objective.name}, and SGD with Nesterov momentum 0.9")
    elif objective.name not in (LOSSES[objective.outputs][0], "categorical_crossentropy"):
        compared = "squared error" if objective.outputs == "number" else "cross-entropy"
        note(f"the model learns by its {objective.name}; what is compared is the {compared}")
    if model.compiled and _has_schedule(model.optimizer):
        note("the schedule of the model's learning rate is left out: each training has one rate of the sweep")


def _optimizer(model: keras.Model) -> Any:
    if not model.compiled:
        return article_optimizer()
    # Keras wraps it anew, where the model computes in float16.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    rate = {"learning_rate": ANY_RATE} if _has_schedule(optimizer) else {}
    return rebuild(optimizer, lambda config: {**config, **rate})


def _has_schedule(optimizer: Any) -> bool:
    given = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
    return isinstance(given, keras.optimizers.schedules.LearningRateSchedule)


def _named(layers: Sequence[Any]) -> str:
    return ", ".join(f'"{layer.name}" ({type(layer).__name__})' for layer in layers)
