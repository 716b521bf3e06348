"""convert: keras.layers.BatchNormalization → normwise.BatchNormalization, weights and behaviour kept."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from normwise.core.errors import did_you_mean
from normwise.graph.clone import require_graph
from normwise.graph.compiling import compile_like
from normwise.graph.copied_layers import CopiedLayers
from normwise.graph.rebuild import rebuild
from normwise.graph.state import copy_state
from normwise.graph.swap_config import swap_config, swapped
from normwise.graph.walk import every_layer, is_graph
from normwise.layers.batch_normalization import BatchNormalization

# These decide which variables a layer has and of what shape, which its weights have decided already.
_STRUCTURE = ("axis", "center", "scale", "renorm")


def convert(model: Any, **overrides: Any) -> Any:
    """A copy of a model in which every Keras BatchNormalization is normwise's, and which behaves the same.

    The new layers are in Keras' mode (``averaging="exponential", unbiased=False``) with the names, arguments,
    variables and trainable flags of the old ones. Outputs at inference are equal to rounding, and a training
    step moves the statistics as before. Nested models, shared layers and layers inside wrappers are reached.
    All other layers are copied with weights, flags and the states of their seeds. If the model is compiled,
    so is the new one, by a fresh optimizer (its slots are empty, its step count 0) and fresh metrics.

    normwise's own layers in the model stay as they are, overrides notwithstanding. A model without any Keras
    BatchNormalization gives an equal copy, so that converting twice is converting once.

    Args:
        model: A Sequential or Functional Keras model. It is left untouched.
        **overrides: Arguments of `normwise.BatchNormalization` that every converted layer gets instead of its
            own, such as ``statistics_trainable=False``, ``virtual_batch_size=32`` or
            ``averaging="debiased"``. The imported statistics then count as complete (their weight is 1), so
            that the next batch does not erase them. Not ``axis``, ``center``, ``scale`` and ``renorm``, which
            decide what weights a layer has.

    Returns:
        The new model.

    Raises:
        TypeError: If `model` is no Keras model, or an override is no argument or of a wrong type.
        ValueError: If an override is out of its range, decides the weights or there is nothing to apply it
            to; if a model is subclassed; if a layer cannot be rebuilt from its configuration, or makes a
            Keras BatchNormalization inside that its configuration does not describe.

    Example:
        >>> import keras, normwise
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(momentum=0.9)])
        >>> layer = normwise.convert(model).layers[0]
        >>> type(layer).__module__.partition(".")[0], layer.momentum, layer.averaging
        ('normwise', 0.9, 'exponential')
        >>> normwise.convert(model, statistics_trainable=False).layers[0].statistics_trainable
        False
        >>> normwise.convert(model, virtual_batchsize=32)
        Traceback (most recent call last):
        TypeError: BatchNormalization has no argument "virtual_batchsize". Did you mean "virtual_batch_size"?
    """
    _check_overrides(overrides)
    require_graph(model, "normwise.convert")
    _check_layers(model, overrides)
    new = CopiedLayers(lambda layer: _converted(layer, overrides)).model(model)
    _check_complete(new)
    copy_state(model, new)
    compile_like(new, model)
    return new


def _converted(layer: Any, overrides: dict[str, Any]) -> Any | None:
    if type(layer) is keras.layers.BatchNormalization:
        return BatchNormalization.from_config(swapped(layer.get_config(), overrides))
    return None if is_graph(layer) else rebuild(layer, lambda config: swap_config(config, overrides))


def _check_overrides(overrides: dict[str, Any]) -> None:
    parameters = inspect.signature(BatchNormalization.__init__).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "self"]
    for name, value in overrides.items():
        if name not in named:
            raise TypeError(f'BatchNormalization has no argument "{name}". {did_you_mean(name, named)}')
        if name in _STRUCTURE:
            raise ValueError(
                f"{name}={value!r} cannot be an override: it decides what weights a layer has, and these are "
                "kept. Expected other arguments, such as statistics_trainable or virtual_batch_size."
            )
    # Here an error says what is wrong; from a configuration, Keras' own error would hide it.
    BatchNormalization(**overrides)


def _check_layers(model: Any, overrides: dict[str, Any]) -> None:
    layers = every_layer(model)
    for layer in layers:
        nested = isinstance(layer, keras.Model) and layer is not model
        if nested and (is_graph(layer) or any(map(_is_keras_layer, every_layer(layer)))):
            require_graph(layer, "normwise.convert", nested_in=model)
        if _is_keras_layer(layer) and type(layer) is not keras.layers.BatchNormalization:
            raise ValueError(
                f'the layer "{layer.name}" is a {type(layer).__name__}, a subclass of '
                "keras.layers.BatchNormalization, and what it changes would be lost. Put a plain "
                f"BatchNormalization in its place, or derive {type(layer).__name__} from "
                "normwise.BatchNormalization."
            )
    if overrides and not any(_is_keras_layer(layer) for layer in layers):
        raise ValueError(
            f'the model "{model.name}" has no keras.layers.BatchNormalization that {overrides} could apply '
            "to; normwise's own layers stay as they are. Convert without overrides, or another model."
        )


def _check_complete(model: Any) -> None:
    for owner in every_layer(model):
        for layer in owner._flatten_layers(include_self=False, recursive=False):
            if _is_keras_layer(layer):
                raise ValueError(
                    f'the layer "{owner.name}" of class {type(owner).__name__} makes a '
                    f'keras.layers.BatchNormalization ("{layer.name}") that its configuration does not '
                    f"describe, so that it cannot be exchanged. Make it by "
                    f"normwise.BatchNormalization.keras in {type(owner).__name__}, or build the block as a "
                    "Functional model."
                )


def _is_keras_layer(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)
