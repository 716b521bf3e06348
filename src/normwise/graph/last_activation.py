"""last_activation: what the output of a model went through last."""

from __future__ import annotations

from typing import Any

from normwise.graph.kinds import fused_activation, is_activation
from normwise.graph.walk import is_graph, producers


def last_activation(model: Any) -> str:
    """The name of the activation that gives a model's only output; "linear" if there is none.

    Args:
        model: A built Sequential or Functional model; a model that comes last in it is entered.

    Example:
        >>> import keras
        >>> last_activation(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")]))
        'softmax'
        >>> last_activation(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
        'linear'
    """
    node = producers(model).get(id(model.outputs[0]))
    if node is None:
        return "linear"
    layer = node.operation
    if is_graph(layer):
        return last_activation(layer)
    function = fused_activation(layer)
    if function is not None:
        return str(getattr(function, "__name__", type(function).__name__.lower()))
    return type(layer).__name__.lower() if is_activation(layer) else "linear"
