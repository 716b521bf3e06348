"""with_runnable_max_pools: pooling as jax2onnx writes it, as ONNX Runtime can run it."""

from __future__ import annotations

from typing import Any, NamedTuple

MOST_AXES = 3
"""ONNX Runtime pools over at most so many axes."""


class _Pool(NamedTuple):
    """The nodes of a pooling over every axis, and the two axes over which its windows do nothing."""

    first: Any
    second: Any
    pool: Any
    squeeze: Any
    plain: tuple[int, int]


def with_runnable_max_pools(model: Any) -> Any:
    """The ONNX model, changed in place: no pooling is over more than three axes.

    jax2onnx writes the maximum over windows of (batch, height, width, channels) as a pooling over all four
    axes, with windows of 1 over two of them, of one image with one channel, between two Unsqueeze and a
    Squeeze; ONNX Runtime refuses more than three. The same is a Transpose of those two axes to the front, a
    pooling over the others, and a Transpose back. Where the pattern is another, it is left.
    """
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    pools = [_of_all_axes(node, made_by, _readers(graph)) for node in graph.node if node.op_type == "MaxPool"]
    for found in pools:
        if found:
            _pool_over_others(graph, found)
            for node in (found.second, found.first):
                # The same image may be pooled twice.
                if node in graph.node and not _readers(graph).get(node.output[0]):
                    graph.node.remove(node)
    return model


def _readers(graph: Any) -> dict[str, list[Any]]:
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def _of_all_axes(pool: Any, made_by: dict[str, Any], readers: dict[str, list[Any]]) -> _Pool | None:
    second = made_by.get(pool.input[0])
    first = made_by.get(second.input[0]) if second else None
    behind = readers.get(pool.output[0], [])
    around = [node.op_type for node in (first, second, *behind) if node]
    given = {attribute.name: list(attribute.ints) for attribute in pool.attribute}
    rank = len(given["kernel_shape"])
    strides, pads = given.get("strides", [1] * rank), given.get("pads", [0] * 2 * rank)
    plain = [
        axis
        for axis in range(rank)
        if (given["kernel_shape"][axis], strides[axis], pads[axis], pads[rank + axis]) == (1, 1, 0, 0)
    ]
    if around != ["Unsqueeze", "Unsqueeze", "Squeeze"] or rank <= MOST_AXES or len(plain) < 2:
        return None
    return _Pool(first, second, pool, behind[0], (plain[0], plain[-1]))


def _pool_over_others(graph: Any, found: _Pool) -> None:
    import onnx

    pool, squeeze = found.pool, found.squeeze
    rank = max(len(attribute.ints) for attribute in pool.attribute if attribute.name == "kernel_shape")
    others = [axis for axis in range(rank) if axis not in found.plain]
    order = [*found.plain, *others]
    for attribute in pool.attribute:
        # Pads have the starts of all axes, then the ends.
        parts = [attribute.ints[at : at + rank] for at in range(0, len(attribute.ints), rank)]
        attribute.ints[:] = [part[axis] for part in parts for axis in others]
    turned, pooled = f"{pool.output[0]}_turned", f"{pool.output[0]}_pooled"
    before = onnx.helper.make_node("Transpose", found.first.input[:1], [turned], turned, perm=order)
    back = [order.index(axis) for axis in range(rank)]
    squeeze.CopyFrom(onnx.helper.make_node("Transpose", [pooled], squeeze.output, squeeze.name, perm=back))
    # Only what is new is between: by new names, as the old ones go with shapes.
    pool.input[0], pool.output[0] = turned, pooled
    graph.node.insert(list(graph.node).index(pool), before)
