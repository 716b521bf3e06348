"""scale_inputs: a model once more, with a layer that scales behind some of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from normwise.graph.clone import clone_calls, clone_sequential, require_graph
from normwise.graph.compiling import compile_like
from normwise.graph.copied_layers import CopiedLayers
from normwise.graph.reconfigure import copied_layers
from normwise.graph.state import copy_state
from normwise.graph.walk import is_sequential


def scale_inputs(model: Any, scalings: Mapping[int, Any]) -> Any:
    """A copy of a model in which a layer scales an input for all that takes it.

    Weights, flags and sharing are kept, so that the new model computes something else than the old one: it
    has to be trained. If the model is compiled, so is the new one, by a fresh optimizer.

    Args:
        model: A Sequential or Functional model, built. It is left untouched.
        scalings: By the place of an input among the model's inputs, the layer that is to take it.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed, or a layer cannot be rebuilt from its configuration.

    Example:
        >>> from normwise import FeatureScaling
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="scores")])
        >>> scaling = FeatureScaling([5.0, 0.0], [0.1, 1.0], name="scaling")
        >>> [layer.name for layer in scale_inputs(model, {0: scaling}).layers]
        ['scaling', 'scores']
    """
    require_graph(model, "normwise.apply_remedies")
    copier = copied_layers({})
    if is_sequential(model):
        new = clone_sequential(model, [scalings[0], *map(copier.layer, model.layers)])
    else:
        new = _functional(model, scalings, copier)
    copy_state(model, new)
    compile_like(new, model)
    return new


def _functional(model: Any, scalings: Mapping[int, Any], copier: CopiedLayers) -> Any:
    places = {id(tensor): place for place, tensor in enumerate(model.inputs)}
    # An input is scaled once, whatever takes it.
    scaled: dict[int, Any] = {}

    def call(node: Any, args: Any, kwargs: Any) -> Any:
        for old, new in zip(node.input_tensors, _tensors((args, kwargs)), strict=True):
            place = places.get(id(old), -1)
            if place in scalings and place not in scaled:
                scaled[place] = new, scalings[place](new)
        args, kwargs = keras.tree.map_structure(through, (args, kwargs))
        return copier.layer(node.operation)(*args, **kwargs)

    def through(value: Any) -> Any:
        return next((after for before, after in scaled.values() if before is value), value)

    return clone_calls(model, call)


def _tensors(arguments: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(arguments) if isinstance(leaf, keras.KerasTensor)]
