"""CopiedLayers: which layer of a new model became which, so that a layer that is shared stays one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from normwise.graph.clone import clone_functional, clone_sequential
from normwise.graph.walk import is_sequential


class CopiedLayers:
    """Makes the layers of a new model, each once.

    Args:
        make: Gives the layer, or raw operation, in the place of an old one; None where that is a model whose
            layers are made one by one.
    """

    def __init__(self, make: Callable[[Any], Any | None]) -> None:
        self._make = make
        # The old layer is kept beside the new one: ids are given anew once an object is gone.
        self._made: dict[int, tuple[Any, Any]] = {}

    def model(self, model: Any) -> Any:
        """A model of the new layers."""
        if is_sequential(model):
            return clone_sequential(model, [self.layer(layer) for layer in model.layers])
        return clone_functional(model, self.layer)

    def layer(self, layer: Any) -> Any:
        """The layer, or raw operation, in the place of an old one."""
        if id(layer) not in self._made:
            made = self._make(layer)
            self._made[id(layer)] = layer, self.model(layer) if made is None else made
        return self._made[id(layer)][1]
