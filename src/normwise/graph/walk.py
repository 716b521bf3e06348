"""Reading a Keras model: its layers, its calls, and which layers come last.

Keras has no public way to the calls of a model or to the layers inside a layer; every such internal that this
room leans on is in this file: `Layer._layers`, `Layer._flatten_layers`, `Sequential._functional`,
`Function._nodes_by_depth` and `Node` with its `arguments`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras


def is_sequential(layer: Any) -> bool:
    """Whether it is a `keras.Sequential`, of this very class or of a subclass."""
    return isinstance(layer, keras.Sequential)


def is_functional(layer: Any) -> bool:
    """Whether it is a model that was made from inputs and outputs (and no `keras.Sequential`)."""
    return isinstance(layer, keras.Model) and hasattr(layer, "_nodes_by_depth") and not is_sequential(layer)


def is_graph(layer: Any) -> bool:
    """Whether it is a model whose layers and calls can be read: Sequential or Functional."""
    return is_sequential(layer) or is_functional(layer)


def children(layer: Any) -> list[Any]:
    """The layers directly inside a layer, each once."""
    return list({id(child): child for child in layer._layers}.values())


def in_order(layer: Any) -> Iterator[Any]:
    """The layer itself and all layers inside it, in the order in which they were put there."""
    yield layer
    for child in children(layer):
        yield from in_order(child)


def every_layer(layer: Any) -> list[Any]:
    """The layer itself and all layers inside it, at any depth."""
    found = {id(inner): inner for inner in layer._flatten_layers()}
    return list(found.values())


def is_built_graph(model: Any) -> bool:
    """Whether the calls of a Sequential or Functional model are known."""
    return is_functional(model) or model._functional is not None


def nodes(model: Any) -> list[Any]:
    """The calls of a built Sequential or Functional model: `operation`, `input_tensors`, `outputs`."""
    graph = model._functional if is_sequential(model) else model
    return [node for level in graph._nodes_by_depth.values() for node in level if not node.is_input]


def nodes_in_order(model: Any) -> list[Any]:
    """The calls of a built Sequential or Functional model, each behind those whose tensors it takes."""
    graph = model._functional if is_sequential(model) else model
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in graph._nodes_by_depth[depth] if not node.is_input]


def first_argument(args: Any, kwargs: Any) -> Any:
    """What a layer is called on, given by its place or by its name."""
    return args[0] if args else kwargs.get("inputs")


def consumers(model: Any) -> dict[int, list[Any]]:
    """By the id of a tensor, the calls that take it; an output of the model counts as a call, as None."""
    takers: dict[int, list[Any]] = {}
    for node in nodes(model):
        for tensor in node.input_tensors:
            takers.setdefault(id(tensor), []).append(node)
    for tensor in model.outputs:
        takers.setdefault(id(tensor), []).append(None)
    return takers


def producers(model: Any) -> dict[int, Any]:
    """By the id of a tensor, the call that it comes from."""
    return {id(tensor): node for node in nodes(model) for tensor in node.outputs}


def matched(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of corresponding layers of two models, outer ones first; `new` may have more than `old`.

    Layers correspond by their names, or by their places where names are given anew each time, as by a layer
    that makes its inner layers itself.

    Raises:
        ValueError: If a layer of `old` has no counterpart.
    """
    yield old, new
    olds, news = children(old), children(new)
    by_name = {child.name: child for child in news}
    if len(by_name) == len(news) and {child.name for child in olds} <= set(by_name):
        pairs = [(child, by_name[child.name]) for child in olds]
    elif len(olds) == len(news):
        pairs = list(zip(olds, news, strict=True))
    else:
        raise ValueError(
            f'the {type(old).__name__} "{old.name}" has {len(olds)} layers inside, rebuilt from its '
            f"configuration it has {len(news)}: get_config of {type(old).__name__} must describe all of them"
        )
    for pair in pairs:
        yield from matched(*pair)
