"""FoldingPlan: which layer does the work of each normalization, decided before anything is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
import ml_dtypes
import numpy as np
from keras import layers

from normwise.deploy import commuting, linear_maps
from normwise.deploy.affine import Affine, Array
from normwise.deploy.bias_axis import require_bias_axis
from normwise.deploy.blocked_error import BlockedError
from normwise.deploy.fold_difference import EPSILON, TOLERANCE
from normwise.deploy.fold_result import Folded, Kept
from normwise.deploy.linear_maps import Weights
from normwise.deploy.normalization_maps import (
    normalization_map,
    normalizes,
    spreads_from_0,
    subtracts_first,
)
from normwise.graph.clone import can_be_cloned
from normwise.graph.kinds import fused_activation
from normwise.graph.layer_calls import by_call
from normwise.graph.walk import (
    consumers,
    every_layer,
    first_argument,
    in_order,
    nodes,
    nodes_in_order,
    producers,
)


@dataclass
class FoldingPlan:
    """What is to become of the layers and calls of a model and of those nested in it.

    `weights`: by the id of a linear layer, those it is to have. `maps`: by the id of a normalization's call,
    the map that stands in its place. `gone`: the ids of the normalizations' calls with nothing in their
    place, or their own activation.
    """

    weights: dict[int, Weights] = field(default_factory=dict)
    maps: dict[int, Affine] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    folded: list[Folded] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


def plan_folding(model: Any, left_alone: dict[str, str] | None = None) -> FoldingPlan:
    """Look through a built Sequential or Functional model and those nested in it.

    Args:
        model: The model.
        left_alone: Paths of normalizations that are to be kept, and why.

    Raises:
        ModelError: If a number in a normalization is NaN or infinite, or a variance negative.
    """
    plan = FoldingPlan()
    graphs = dict(graphs_of(model))
    uses = Counter(id(node.operation) for graph in graphs.values() for node in nodes(graph))
    in_training = _called_in_training(graphs.values())
    for prefix, graph in graphs.items():
        _GraphPlanner(plan, graph, prefix, uses, in_training, left_alone or {}).run()
    return plan


def graphs_of(model: Any) -> list[tuple[str, Any]]:
    """A model and those nested in it that can be rewritten, each once, with what their paths begin with."""
    found: dict[int, tuple[str, Any]] = {}

    def visit(graph: Any, prefix: str) -> None:
        found[id(graph)] = prefix, graph
        for node in nodes_in_order(graph):
            inner = node.operation
            if id(inner) not in found and can_be_cloned(inner):
                visit(inner, f"{prefix}{inner.name}/")

    visit(model, "")
    return list(found.values())


def _called_in_training(graphs: Iterable[Any]) -> set[int]:
    """The ids of the layers that are somewhere called with ``training=True``, those inside them included."""
    called = [
        node.operation
        for graph in graphs
        for node in nodes(graph)
        if node.arguments.kwargs.get("training") not in (None, False)
    ]
    return {id(inner) for layer in called for inner in every_layer(layer)}


class _GraphPlanner:
    """The plan of one of the models; `plan` is that of all of them."""

    def __init__(
        self,
        plan: FoldingPlan,
        graph: Any,
        prefix: str,
        uses: Counter[int],
        in_training: set[int],
        left_alone: dict[str, str],
    ) -> None:
        self._plan, self._prefix, self._uses, self._in_training = plan, prefix, uses, in_training
        self._left_alone = left_alone
        self._takers, self._makers = consumers(graph), producers(graph)
        self._nodes = nodes_in_order(graph)
        calls = [(f"{prefix}{n.operation.name}", n) for n in self._nodes if normalizes(n.operation)]
        self._calls = by_call(calls)
        # Where each map may stand alone, so that others may be joined to it.
        self._lone: dict[int, str] = {}

    def run(self) -> None:
        for node in self._nodes:
            if not can_be_cloned(node.operation) and not normalizes(node.operation):
                self._note_inner(node.operation)
        waiting = {path: node for path, node in self._calls.items() if self._begin(path, node)}
        for path, node in waiting.items():
            self._settle(path, node)

    def _note_inner(self, layer: Any) -> None:
        if not isinstance(layer, layers.Layer):
            return
        for inner in {id(inner): inner for inner in in_order(layer)}.values():
            if inner is not layer and normalizes(inner):
                self._keep(
                    f"{self._prefix}{layer.name}/{inner.name}",
                    inner,
                    f'inside of the {type(layer).__name__} "{layer.name}", which is not entered',
                )

    def _begin(self, path: str, node: Any) -> bool:
        """Note the map of a normalization; whether it has one."""
        layer = node.operation
        try:
            affine = normalization_map(layer, path, _taken(node).shape)
            if path in self._left_alone:
                raise BlockedError(self._left_alone[path])
            if id(layer) in self._in_training and _learns(layer):
                raise BlockedError("it is called with training=True, and so takes the batch's statistics")
            if not _is_float(_taken(node).dtype):
                raise BlockedError(f"it takes {_taken(node).dtype}, and a layer with weights wants floats")
        except BlockedError as blocked:
            self._keep(path, layer, str(blocked))
            return False
        self._plan.maps[id(node)] = affine
        self._lone[id(node)] = _why_not_alone(node, affine)
        return True

    def _settle(self, path: str, node: Any) -> None:
        layer, reasons = node.operation, []
        for how in ("before", "after"):
            try:
                into = self._moved(node, how)
            except BlockedError as blocked:
                reasons.append(f"{how} it: {blocked}")
                continue
            self._plan.gone.add(id(node))
            self._plan.folded.append(Folded(path, type(layer).__name__, how, tuple(into)))
            return
        reason = "; ".join(reasons)
        if self._lone[id(node)]:
            del self._plan.maps[id(node)]
            self._keep(path, layer, f"{reason}; alone: {self._lone[id(node)]}")
        else:
            self._plan.folded.append(Folded(path, type(layer).__name__, "alone", (path,), reason))

    def _keep(self, path: str, layer: Any, reason: str) -> None:
        self._plan.kept.append(Kept(path, type(layer).__name__, reason))

    def _moved(self, node: Any, how: str) -> list[str]:
        """Move the map of a normalization into other layers, all of it or nothing; their paths."""
        taken, given = _taken(node), node.outputs[0]
        trial = _Trial(dict(self._plan.weights), dict(self._plan.maps), taken.dtype)
        affine = trial.maps.pop(id(node))
        if taken.dtype != given.dtype:
            raise BlockedError(
                f"it takes {taken.dtype} and gives {given.dtype}, which no other layer would do"
            )
        if how == "before":
            self._pull(taken, affine, trial)
        else:
            if fused_activation(node.operation) is not None:
                raise BlockedError("its own activation is between")
            _require_digits(node.operation, taken.dtype)
            self._push(given, affine, trial)
        self._plan.weights, self._plan.maps = trial.weights, trial.maps
        return list(dict.fromkeys(trial.into))

    def _pull(self, tensor: Any, affine: Affine, trial: _Trial) -> None:
        """Let the layer that makes a tensor make ``affine(tensor)``."""
        node = self._makers.get(id(tensor))
        if node is None:
            raise BlockedError("it takes an input of the model")
        layer = node.operation
        if len(self._takers[id(tensor)]) > 1:
            raise BlockedError(f'what "{layer.name}" gives is used elsewhere as well')
        activation = fused_activation(layer)
        if activation is not None and (linear_maps.takes_maps(layer) or normalizes(layer)):
            raise BlockedError(f'"{layer.name}" has an activation, {_name(activation)}')
        if id(node) in self._plan.gone:
            self._pull(_taken(node), affine, trial)
        elif id(node) in trial.maps:
            self._join(node, affine.after(trial.maps[id(node)]), trial)
        elif linear_maps.takes_maps(layer):
            self._require_one_call(layer)
            shape = node.outputs[0].shape
            weights = trial.weights.get(id(layer)) or linear_maps.weights_of(layer, shape)
            self._give(node, linear_maps.after(layer, weights, affine), trial)
        elif type(layer) is layers.Concatenate:
            parts = commuting.separated(layer, affine, [other.shape for other in _taken(node)])
            for other, part in zip(_taken(node), parts, strict=True):
                self._pull(other, part, trial)
        else:
            self._require_inference(node)
            inner = commuting.backward(affine, _place(node))
            self._pull(_taken(node), inner, trial)

    def _push(self, tensor: Any, affine: Affine, trial: _Trial) -> None:
        """Let the layers that take a tensor do as if they took ``affine(tensor)``."""
        for node in {id(node): node for node in self._takers.get(id(tensor), ())}.values():
            if node is None:
                raise BlockedError("what it gives is an output of the model")
            self._push_into(node, tensor, affine, trial)

    def _push_into(self, node: Any, tensor: Any, affine: Affine, trial: _Trial) -> None:
        layer, taken = node.operation, _taken(node)
        if id(node) in self._plan.gone:
            if fused_activation(layer) is not None:
                raise BlockedError(f'"{layer.name}" has an activation, {_name(fused_activation(layer))}')
            self._push(node.outputs[0], affine, trial)
        elif type(layer) is layers.Concatenate:
            places = [place for place, other in enumerate(taken) if other is tensor]
            joined = commuting.concatenated(layer, affine, [other.shape for other in taken], places)
            self._push(node.outputs[0], joined, trial)
        elif taken is not tensor:
            raise BlockedError(f'"{layer.name}" ({type(layer).__name__}) takes several tensors')
        elif id(node) in trial.maps:
            self._join(node, trial.maps[id(node)].after(affine), trial)
        elif linear_maps.takes_maps(layer):
            self._require_one_call(layer)
            if layer.compute_dtype != trial.dtype:
                raise BlockedError(f'"{layer.name}" computes in {layer.compute_dtype}, not in {trial.dtype}')
            weights = trial.weights.get(id(layer)) or linear_maps.weights_of(layer, node.outputs[0].shape)
            self._give(node, linear_maps.before(layer, weights, affine, taken.shape), trial)
        else:
            self._require_inference(node)
            outer = commuting.forward(affine, _place(node))
            self._push(node.outputs[0], outer, trial)

    def _join(self, node: Any, affine: Affine, trial: _Trial) -> None:
        if self._lone[id(node)]:
            raise BlockedError(f'"{node.operation.name}" has to stay as it is: {self._lone[id(node)]}')
        require_bias_axis(node.operation.name, affine.sizes, _taken(node).shape)
        trial.maps[id(node)] = affine
        trial.into.append(next(path for path, call in self._calls.items() if call is node))

    def _give(self, node: Any, weights: Weights, trial: _Trial) -> None:
        layer, given = node.operation, node.outputs[0].shape
        require_bias_axis(layer.name, linear_maps.bias_sizes(layer, weights["bias"], given), given)
        for name, values in weights.items():
            _require_range(layer, name, values)
        trial.weights[id(layer)] = weights
        trial.into.append(f"{self._prefix}{layer.name}")

    def _require_one_call(self, layer: Any) -> None:
        calls = self._uses[id(layer)]
        if calls > 1:
            raise BlockedError(f'"{layer.name}" is called {calls} times, and its weights serve all of these')

    def _require_inference(self, node: Any) -> None:
        if id(node.operation) in self._in_training:
            raise BlockedError(f'"{node.operation.name}" is called with training=True')


@dataclass
class _Trial:
    """What a plan becomes if a map, of a tensor in some precision, finds its place."""

    weights: dict[int, Weights]
    maps: dict[int, Affine]
    dtype: str
    into: list[str] = field(default_factory=list)


def _taken(node: Any) -> Any:
    return first_argument(node.arguments.args, node.arguments.kwargs)


def _place(node: Any) -> commuting.Place:
    taken, layer = _taken(node), node.operation
    if not isinstance(taken, keras.KerasTensor):
        raise BlockedError(f'"{layer.name}" ({type(layer).__name__}) takes several tensors')
    return commuting.Place(layer, taken.shape, node.outputs[0].shape)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _learns(layer: Any) -> bool:
    """Whether the layer takes the batch's statistics in training."""
    return layer.trainable and getattr(layer, "statistics_trainable", True)


def _is_float(dtype: str) -> bool:
    return dtype in EPSILON


def _why_not_alone(node: Any, affine: Affine) -> str:
    """Why the normalization cannot be one layer that scales and shifts; nothing if it can."""
    layer, taken = node.operation, _taken(node)
    if getattr(taken, "_keras_mask", None) is not None:
        return "a mask goes through it, which keras.layers.EinsumDense would not hand on"
    try:
        _require_digits(layer, layer.compute_dtype)
        require_bias_axis(layer.name, affine.sizes, taken.shape)
    except BlockedError as blocked:
        return str(blocked)
    return ""


def _require_digits(layer: Any, dtype: str) -> None:
    """That ``scale·x + shift`` in a precision is as good as subtracting the centre first."""
    far = spreads_from_0(layer)
    half = dtype in ("float16", "bfloat16")
    if (half or subtracts_first(layer)) and far * EPSILON[dtype] > TOLERANCE[dtype]:
        raise BlockedError(
            f"it takes off a centre of up to {far:.3g} times the spread, which in {dtype} would leave an "
            f"error of {far * EPSILON[dtype]:.1g} of the spread"
        )


def _require_range(layer: Any, name: str, values: Array) -> None:
    """That a variable's dtype holds what it is to hold."""
    largest = float(np.abs(values).max(initial=0.0))
    limit = float(ml_dtypes.finfo(layer.variable_dtype).max)  # type: ignore[no-untyped-call]
    if largest > limit:
        raise BlockedError(
            f'the {name} of "{layer.name}" would be {largest:.3g}, beyond the {limit:.3g} of '
            f"{layer.variable_dtype}"
        )
