"""hidden_layers: the layers with weights of a model, but for the last ones."""

from __future__ import annotations

from typing import Any

from normwise.graph.kinds import has_weights, is_normalization
from normwise.graph.plan_insertion import last_layers
from normwise.graph.walk import is_graph, nodes


def hidden_layers(model: Any) -> dict[str, int]:
    """The name of each hidden layer to its width: the last axis of what it gives.

    Hidden are the layers with weights that are no normalization and do not give the model's output.

    Args:
        model: A built Sequential or Functional model; models inside of it are entered.

    Example:
        >>> import keras
        >>> layers = [keras.layers.Dense(8, "relu", name="first"), keras.layers.Dense(2, name="scores")]
        >>> hidden_layers(keras.Sequential([keras.Input((3,)), *layers]))
        {'first': 8}
    """
    return _hidden(model, ends=True)


def _hidden(model: Any, ends: bool) -> dict[str, int]:
    """`ends`: whether the model's last layers give the whole model's output."""
    last = last_layers(model) if ends else set()
    found: dict[str, int] = {}
    for node in reversed(nodes(model)):  # from the input on
        layer = node.operation
        if is_graph(layer):
            found |= _hidden(layer, id(layer) in last)
        elif has_weights(layer) and not is_normalization(layer) and id(layer) not in last:
            found[layer.name] = int(node.outputs[0].shape[-1])
    return found
