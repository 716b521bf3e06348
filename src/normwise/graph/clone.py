"""Sequential and Functional models once more, layer by layer, each layer through a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import keras

from normwise.graph.walk import is_functional, is_sequential


def clone_functional(model: Any, layer: Callable[[Any], Any], call: Callable[..., Any] | None = None) -> Any:
    """A Functional model with the same calls of other layers, uncompiled, of the same class and name.

    Args:
        model: The model.
        layer: Gives for a layer (or a raw operation) the one to stand in its place; asked once a call.
        call: Called as ``call(new_layer, *args, **kwargs)`` for what the call of a layer is to give.
    """
    # Of a compiled model, clone_model compiles the clone, and that fails for a loss that is not registered.
    bare = keras.Model(model.input, model.output, name=model.name)
    inputs = keras.tree.map_structure(_fresh_input, model.input)
    cloned = keras.models.clone_model(
        bare, input_tensors=inputs, clone_function=layer, call_function=call or _plain_call
    )
    if type(model) is type(cloned):
        return cloned
    return type(model)(inputs=cloned.input, outputs=cloned.output, name=model.name)


def clone_sequential(model: Any, layers: Iterable[Any]) -> Any:
    """A Sequential model of other layers, uncompiled, with the same name and, if it is built, input."""
    try:
        first = [_fresh_input(model.inputs[0])]
    except AttributeError:
        first = []
    return keras.Sequential([*first, *layers], name=model.name)


def require_graph(model: Any, does: str, nested_in: Any = None) -> None:
    """Refuse what is neither Sequential nor Functional, or has a constructor of its own.

    Args:
        model: The model.
        does: The function that asks, for the message.
        nested_in: The model that holds it, if any.

    Raises:
        TypeError: If it is no model.
        ValueError: If it is a model that cannot be rebuilt.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"{does} takes a keras.Model, Sequential or Functional, got {model!r}")
    place = f' in the model "{nested_in.name}"' if nested_in is not None else ""
    what = f'the model "{model.name}" of class {type(model).__name__}{place}'
    if not (is_functional(model) or is_sequential(model)):
        raise ValueError(
            f"{what} is subclassed, so that its calls are Python code that {does} cannot read; expected a "
            "Sequential or Functional model. Use normwise.BatchNormalization in the class itself, or build "
            "the model by keras.Model(inputs, outputs)."
        )
    if not _keeps_its_class(model):
        raise ValueError(
            f"{what} has a constructor of its own, so that {does} cannot make another one of that class from "
            f"inputs and outputs. Hand over keras.Model(model.inputs, model.outputs), which has the same "
            f"layers without what {type(model).__name__} adds."
        )


def _keeps_its_class(model: Any) -> bool:
    if is_sequential(model):
        return type(model) is keras.Sequential
    arguments = list(inspect.signature(type(model).__init__).parameters.values())[1:]
    kinds = {argument.kind for argument in arguments}
    any_arguments = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds
    return any_arguments or [argument.name for argument in arguments[:3]] == ["inputs", "outputs", "name"]


def _fresh_input(tensor: Any) -> Any:
    source = tensor._keras_history.operation
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        ragged=tensor.ragged,
        # The tensor of an input without a name of its own has another one than the layer.
        name=source.name if isinstance(source, keras.layers.InputLayer) else tensor.name,
        optional=getattr(source, "optional", False),
    )


def _plain_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    return layer(*args, **kwargs)
