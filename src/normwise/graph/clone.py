"""Sequential and Functional models once more, layer by layer, each layer through a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import keras

from normwise.graph.walk import is_built_graph, is_graph, is_sequential, nodes_in_order

_INSTEAD = (
    "Use normwise.BatchNormalization in the class itself, or build the model by keras.Model(inputs, outputs)."
)


def clone_functional(model: Any, layer: Callable[[Any], Any], call: Callable[..., Any] | None = None) -> Any:
    """A Functional model with the same calls of other layers, uncompiled, of the same class and name.

    Args:
        model: The model.
        layer: Gives for a layer (or a raw operation) the one to stand in its place; asked once a call.
        call: Called as ``call(new_layer, *args, **kwargs)`` for what the call of a layer is to give.
    """
    emit = call or _plain_call
    return clone_calls(model, lambda node, args, kwargs: emit(layer(node.operation), *args, **kwargs))


def clone_calls(model: Any, call: Callable[[Any, Any, Any], Any]) -> Any:
    """A Functional model of other calls, uncompiled, of the same class, name and inputs.

    Args:
        model: The model.
        call: Called as ``call(node, args, kwargs)`` for each call of the model, in an order in which what it
            takes is there; gives what stands in the place of that call's result.
    """
    inputs = keras.tree.map_structure(_fresh_input, model.input)
    pairs = zip(keras.tree.flatten(model.input), keras.tree.flatten(inputs), strict=True)
    made = {id(old): new for old, new in pairs}
    for node in nodes_in_order(model):
        results = keras.tree.flatten(call(node, *node.arguments.fill_in(made)))
        made.update({id(old): new for old, new in zip(node.outputs, results, strict=True)})
    outputs = keras.tree.map_structure(lambda tensor: made[id(tensor)], model.output)
    return type(model)(inputs=inputs, outputs=outputs, name=model.name)


def clone_sequential(model: Any, layers: Iterable[Any]) -> Any:
    """A Sequential model of other layers, uncompiled, with the same name and, if it is built, input."""
    try:
        first = [_fresh_input(model.inputs[0])]
    except AttributeError:
        first = []
    return keras.Sequential([*first, *layers], name=model.name)


def can_be_cloned(layer: Any) -> bool:
    """Whether it is a Sequential or Functional model that these functions make another one of."""
    return is_graph(layer) and _keeps_its_class(layer)


def require_built(model: Any) -> None:
    """Refuse a Sequential model whose calls are not known yet.

    Raises:
        ValueError: If it is one.
    """
    if not is_built_graph(model):
        raise ValueError(
            f'the Sequential model "{model.name}" is not built, so that the sizes of its layers are unknown. '
            "Begin it with keras.Input(shape), or call model.build(input_shape) first."
        )


def require_graph(model: Any, does: str, nested_in: Any = None, instead: str = _INSTEAD) -> None:
    """Refuse what is neither Sequential nor Functional, or has a constructor of its own.

    Args:
        model: The model.
        does: The function that asks, for the message.
        nested_in: The model that holds it, if any.
        instead: What to do with a subclassed model, for the message.

    Raises:
        TypeError: If it is no model.
        ValueError: If it is a model that cannot be rebuilt.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"{does} takes a keras.Model, Sequential or Functional, got {model!r}")
    place = f' in the model "{nested_in.name}"' if nested_in is not None else ""
    what = f'the model "{model.name}" of class {type(model).__name__}{place}'
    if not is_graph(model):
        raise ValueError(
            f"{what} is subclassed, so that its calls are Python code that {does} cannot read; expected a "
            f"Sequential or Functional model. {instead}"
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
