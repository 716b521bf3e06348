"""with_runnable_max_pools: pooling as jax2onnx writes it, as ONNX Runtime can run it."""

from __future__ import annotations

from typing import Any

MOST_AXES = 3
"""ONNX Runtime pools over at most so many axes."""


def with_runnable_max_pools(model: Any) -> Any:
    """The ONNX model, changed in place: no window of pooling is over more than three axes.

    jax2onnx writes the maximum over windows of (batch, height, width, channels) as a pooling over all four
    axes, with windows of 1 over two of them, of one image with one channel, between two Unsqueeze and a
    Squeeze; ONNX Runtime refuses more than three. The same is a Transpose of those two axes to the front, a
    pooling over the others, and a Transpose back. Where the pattern is another, it is left.
    """
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    read_by: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            read_by.setdefault(name, []).append(node)
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        second = made_by.get(pool.input[0])
        first = made_by.get(second.input[0]) if second and second.op_type == "Unsqueeze" else None
        readers = read_by.get(pool.output[0], [])
        plain = _plain_axes(pool)
        if plain and first and first.op_type == "Unsqueeze" and [n.op_type for n in readers] == ["Squeeze"]:
            _pool_over_others(graph, plain, first, second, pool, readers[0])
    return model


def _plain_axes(pool: Any) -> list[int]:
    """The two axes over which the windows do nothing; none if the pooling can be run, or is another."""
    given = {attribute.name: list(attribute.ints) for attribute in pool.attribute}
    rank = len(given["kernel_shape"])
    strides, pads = given.get("strides", [1] * rank), given.get("pads", [0] * 2 * rank)
    plain = [
        axis
        for axis in range(rank)
        if (given["kernel_shape"][axis], strides[axis], pads[axis], pads[rank + axis]) == (1, 1, 0, 0)
    ]
    # A pooled axis may have windows of 1 as well; the batch is the first of the two that are not pooled.
    return [plain[0], plain[-1]] if rank > MOST_AXES and len(plain) >= 2 else []


def _pool_over_others(graph: Any, plain: list[int], first: Any, second: Any, pool: Any, squeeze: Any) -> None:
    import onnx

    rank = len(next(a.ints for a in pool.attribute if a.name == "kernel_shape"))
    others = [axis for axis in range(rank) if axis not in plain]
    order = [*plain, *others]
    for attribute in pool.attribute:
        if attribute.name in ("kernel_shape", "strides", "dilations", "pads"):
            values = list(attribute.ints)
            ends = values[rank:]
            attribute.ints[:] = [values[axis] for axis in others] + [ends[axis] for axis in others if ends]
    # The nodes keep their names and places, and the values theirs: only what is between is another.
    turned, pooled = second.output[0], pool.output[0]
    back = [order.index(axis) for axis in range(rank)]
    before = onnx.helper.make_node("Transpose", [first.input[0]], [turned], name=second.name, perm=order)
    after = onnx.helper.make_node("Transpose", [pooled], [squeeze.output[0]], name=squeeze.name, perm=back)
    second.CopyFrom(before)
    squeeze.CopyFrom(after)
    for value in [value for value in graph.value_info if value.name in (turned, pooled)]:
        graph.value_info.remove(value)  # of the shapes before
    graph.node.remove(first)
