"""The names of a model's inputs and outputs: what its user calls them."""

from __future__ import annotations

from typing import Any

import keras

from normwise.graph.walk import is_sequential


def input_names(model: Any) -> list[str]:
    """A name an input, in the model's order: its key where inputs are a dictionary, else its layer's name.

    Example:
        >>> a, b = keras.Input((1,), name="a"), keras.Input((1,), name="b")
        >>> input_names(keras.Model([a, b], keras.layers.Add()([a, b])))
        ['a', 'b']
    """
    return _names(model_input(model))


def output_names(model: Any) -> list[str]:
    """A name an output, likewise; further outputs of one layer get numbers.

    Example:
        >>> x = keras.Input((2,), name="x")
        >>> dense = keras.layers.Dense(1, name="price")
        >>> output_names(keras.Model(x, [dense(x), dense(-x)]))
        ['price', 'price_1']
        >>> output_names(keras.Model(x, {"cost": dense(x)}))
        ['cost']
    """
    return _names(model.outputs[0] if is_sequential(model) else model.output, set(input_names(model)))


def model_input(model: Any) -> Any:
    """The symbolic tensors that a model is called on, in their structure; before its first call too."""
    return model.inputs[0] if is_sequential(model) else model.input


def _names(structure: Any, taken: set[str] | None = None) -> list[str]:
    used, names = set(taken or ()), []
    for path, tensor in keras.tree.flatten_with_path(structure):
        wanted = path[-1] if path and isinstance(path[-1], str) else tensor._keras_history.operation.name
        name, number = wanted, 1
        while name in used:
            name, number = f"{wanted}_{number}", number + 1
        used.add(name)
        names.append(name)
    return names
