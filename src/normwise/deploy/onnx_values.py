"""The values of an ONNX graph: their names, and the axis of the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from normwise.core.export_record import TensorRecord

BATCH = "batch"


def name_values(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Names the inputs and outputs of an ONNX model, in their order, and calls their first axis "batch".

    Args:
        model: The ONNX model; changed in place.
        inputs: A name an input.
        outputs: A name an output.
    """
    graph = model.graph
    _let_outputs_stand_alone(graph)
    old = [value.name for value in (*graph.input, *graph.output)]
    names = dict(zip(old, (*inputs, *outputs), strict=True))
    used = set(_names(graph))
    for taken in sorted(used & (set(names.values()) - set(names))):
        names[taken] = _free(taken, used | set(names.values()))
    _rename(graph, names)
    for value in (*graph.input, *graph.output):
        axes = value.type.tensor_type.shape.dim
        if axes and not axes[0].HasField("dim_value"):
            axes[0].dim_param = BATCH


def tensors(values: Sequence[Any]) -> tuple[TensorRecord, ...]:
    """Inputs or outputs of an ONNX graph as records."""
    import onnx

    return tuple(
        TensorRecord(
            value.name,
            str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)),
            tuple(
                axis.dim_value if axis.HasField("dim_value") else None
                for axis in value.type.tensor_type.shape.dim
            ),
        )
        for value in values
    )


def count_nodes(model: Any) -> dict[str, int]:
    """How many nodes an ONNX model has by operator, those of loops, branches and functions included."""
    count = Counter(node.op_type for graph in _graphs(model.graph) for node in graph.node)
    count.update(node.op_type for function in model.functions for node in function.node)
    return dict(sorted(count.items()))


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and those of the loops and branches in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graphs(inner)


def _let_outputs_stand_alone(graph: Any) -> None:
    """Each output becomes a value of its own: none is an input, a constant or another output too."""
    import onnx

    seen = {value.name for value in graph.input} | {value.name for value in graph.initializer}
    for output in graph.output:
        if output.name in seen:
            free = _free(output.name, set(_names(graph)))
            graph.node.append(onnx.helper.make_node("Identity", [output.name], [free]))
            output.name = free
        seen.add(output.name)


def _names(graph: Any) -> Iterator[str]:
    for inner in _graphs(graph):
        for node in inner.node:
            yield from node.input
            yield from node.output
        yield from (value.name for value in (*inner.input, *inner.output, *inner.initializer))


def _free(name: str, used: set[str]) -> str:
    number = 1
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"


def _rename(graph: Any, names: dict[str, str]) -> None:
    for inner in _graphs(graph):
        for node in inner.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        for value in (*inner.input, *inner.output, *inner.value_info, *inner.initializer):
            value.name = names.get(value.name, value.name)
