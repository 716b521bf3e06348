"""remove: a model once more without some of its layers, each of which keeps the shape of what it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from normwise.graph.clone import clone_functional, clone_sequential, require_graph
from normwise.graph.kinds import is_linear
from normwise.graph.rebuild import rebuild
from normwise.graph.walk import every_layer, is_graph, is_sequential, nodes, producers
from normwise.layers.batch_normalization import BatchNormalization


def is_batch_normalization(layer: Any) -> bool:
    """Whether it is batch normalization, Keras' or normwise's."""
    return isinstance(layer, (keras.layers.BatchNormalization, BatchNormalization))


def remove(model: Any, is_removed: Callable[[Any], bool]) -> Any:
    """A model of the same architecture without some layers, with weights drawn anew, not compiled.

    What a removed layer took goes on in its place. The inverse of `insert`, where batch normalization is
    removed: an activation that is fused into it stays, as a layer of its name; a Dense or convolution before
    it that has no bias, as the β behind it made it needless, gets one. Nested Sequential and Functional
    models are entered. Layers are shared as they were.

    Args:
        model: A Sequential or Functional Keras model, built. It is left untouched.
        is_removed: Whether a layer is to go; it must give what has the shape of its only input.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed, a layer cannot be rebuilt from its configuration, or a layer that is
            to go is inside of another one that is no model.

    Example:
        >>> bare = keras.layers.Dense(8, use_bias=False, name="hidden")
        >>> normalization = keras.layers.BatchNormalization(name="normalization")
        >>> rest = [keras.layers.Activation("relu", name="relu"), keras.layers.Dense(2, name="scores")]
        >>> model = keras.Sequential([keras.Input((4,)), bare, normalization, *rest])
        >>> without = remove(model, is_batch_normalization)
        >>> [layer.name for layer in without.layers], without.layers[0].use_bias
        (['hidden', 'relu', 'scores'], True)
    """
    require_graph(model, "normwise.graph.remove")
    reached = [owner for owner in every_layer(model) if is_graph(owner)]
    for owner in reached:
        if owner is not model:
            require_graph(owner, "normwise.graph.remove", nested_in=model)
    within = {id(layer) for owner in reached for layer in owner.layers}
    for layer in every_layer(model):
        if is_removed(layer) and id(layer) not in within:
            raise ValueError(
                f'the {type(layer).__name__} "{layer.name}" is inside of a layer of the model "{model.name}"'
                " that is no model itself, and cannot be taken away there; expected it in a Sequential or"
                " Functional model. Write that layer's parts as layers of the model."
            )
    return _Remover(is_removed).model(model)


class _Remover:
    """One removal: which layer became which, so that a shared layer stays one layer."""

    def __init__(self, is_removed: Callable[[Any], bool]) -> None:
        self._is_removed = is_removed
        # The old layer is kept beside the new one: ids are given anew once an object is gone.
        self._made: dict[int, tuple[Any, Any]] = {}
        self._biased: set[int] = set()

    def model(self, model: Any) -> Any:
        self._biased |= _biased_again(model, self._is_removed)
        if is_sequential(model):
            layers = [self._new(layer) for layer in model.layers]
            return clone_sequential(model, [layer for layer in layers if not self._is_removed(layer)])
        return clone_functional(model, self._new, self._call)

    def _call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if self._is_removed(layer):
            return args[0]
        # The activation of a removed layer takes neither its mask nor its training.
        return layer(args[0]) if isinstance(layer, keras.layers.Activation) else layer(*args, **kwargs)

    def _new(self, layer: Any) -> Any:
        if id(layer) not in self._made:
            self._made[id(layer)] = layer, self._make(layer)
        return self._made[id(layer)][1]

    def _make(self, layer: Any) -> Any:
        """The layer in its place; the old one itself, if there is to be none."""
        if self._is_removed(layer):
            function = getattr(layer, "activation", None)
            if function is None:
                return layer
            return keras.layers.Activation(function, name=layer.name, dtype=layer.dtype_policy)
        if is_graph(layer):
            return self.model(layer)
        bias = {"use_bias": True} if id(layer) in self._biased else {}
        return rebuild(layer, lambda config: {**config, **bias})


def _biased_again(model: Any, is_removed: Callable[[Any], bool]) -> set[int]:
    """The ids of the layers without a bias whose bias is the β of a normalization that goes."""
    origins = producers(model)
    found = set()
    for node in nodes(model):
        layer = node.operation
        if is_batch_normalization(layer) and is_removed(layer) and layer.center:
            before = origins.get(id(node.input_tensors[0]))
            if before is not None and is_linear(before.operation) and not before.operation.use_bias:
                found.add(id(before.operation))
    return found
