"""reconfigured: a model once more, with other arguments of some of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from normwise.graph.clone import can_be_cloned, require_graph
from normwise.graph.compiling import compile_like
from normwise.graph.copied_layers import CopiedLayers
from normwise.graph.layer_paths import layer_paths
from normwise.graph.rebuild import rebuild
from normwise.graph.state import copy_state

Changes = Mapping[int, dict[str, Any]]
"""By the id of a layer, the arguments that are to have other values."""


def reconfigured(model: Any, changes: Changes, does: str = "normwise.apply_remedies") -> Any:
    """A copy of a model, some of whose layers have other arguments.

    Weights, flags, seeds and sharing are kept; a bias that goes is left out. If the model is compiled, so is
    the new one, by a fresh optimizer.

    Args:
        model: A Sequential or Functional Keras model. It is left untouched.
        changes: By the id of a layer, of the model itself or of one nested in it, the arguments to change.
        does: The function that asks, for an error.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed, or a layer cannot be rebuilt from its configuration.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5, name="drop")])
        >>> reconfigured(model, {id(model.layers[0]): {"rate": 0.1}}).layers[0].rate
        0.1
    """
    require_graph(model, does)
    new = copied_layers(changes).model(model)
    copy_state(model, new)
    compile_like(new, model)
    return new


def copied_layers(changes: Changes) -> CopiedLayers:
    """What makes the layers of a copy, with these arguments changed."""
    return CopiedLayers(lambda layer: _remade(layer, changes))


def reached(model: Any) -> dict[str, Any]:
    """By their paths, the layers that `reconfigured` can change: those of the model and of models in it."""
    paths = layer_paths(model)
    return {paths[id(layer)]: layer for layer in _cloned(model)}


def _cloned(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if can_be_cloned(layer):
            yield from _cloned(layer)


def _remade(layer: Any, changes: Changes) -> Any | None:
    if can_be_cloned(layer):
        return None
    other = changes.get(id(layer), {})
    return rebuild(layer, lambda config: {**config, **other})
