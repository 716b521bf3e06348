"""plan_insertion: which layers get a normalization behind them, decided before anything is made."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import keras

from normwise.graph.changes import Change
from normwise.graph.kinds import fused_activation, has_weights, is_activation, is_dropout, is_linear
from normwise.graph.walk import consumers, every_layer, is_graph, nodes, producers


class Ends(enum.Enum):
    """What becomes of the layers that come last in a model."""

    KEPT = "left alone"
    HIDDEN = "treated as all others: the model is nested, and more layers follow"
    NORMALIZED = "normalized, with an activation behind them or without"


@dataclass(frozen=True)
class Job:
    """A normalization behind a layer; `split`: the layer's own activation goes behind it."""

    layer: Any
    split: bool


@dataclass
class Plan:
    """What is to be done in one model; `jobs` by the id of the layer."""

    ends: Ends
    last: set[int]
    jobs: dict[int, Job] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def ends_of(self, nested: Any) -> Ends:
        """What becomes of the last layers of a model inside this one."""
        return self.ends if id(nested) in self.last else Ends.HIDDEN


def plan_insertion(model: Any, ends: Ends) -> Plan:
    """Look through the layers of a built Sequential or Functional model; nested models are planned apart."""
    takers = consumers(model)
    calls: dict[int, list[Any]] = {}
    for node in nodes(model):
        calls.setdefault(id(node.operation), []).append(node)
    plan = Plan(ends, last_layers(model))
    for layer in model.layers:
        if is_linear(layer):
            _plan_linear(plan, layer, [_behind(node, takers) for node in calls[id(layer)]])
        elif not is_graph(layer) and _hides_work(layer):
            plan.changes.append(Change(layer.name, f"left alone, a {type(layer).__name__} is not entered"))
    return plan


def _plan_linear(plan: Plan, layer: Any, behind: list[list[Any] | None]) -> None:
    """`behind`: for each call of the layer the dropouts up to its activation, or None without one."""
    done = plan.changes
    activation = fused_activation(layer)
    is_last = id(layer) in plan.last
    if is_last and plan.ends is Ends.KEPT:
        done.append(Change(layer.name, "left alone, an output layer"))
        return
    if isinstance(activation, keras.layers.Layer) or layer.quantization_mode is not None:
        done.append(Change(layer.name, "left alone, its activation is a layer or its weights are quantized"))
        return
    if activation is None and None in behind and not (is_last and plan.ends is Ends.NORMALIZED):
        calls = "it" if all(chain is None for chain in behind) else "some of its calls"
        done.append(Change(layer.name, f"left alone, no activation follows {calls}"))
        return
    plan.jobs[id(layer)] = Job(layer, split=activation is not None)
    done.append(Change(layer.name, "normalization behind it"))
    if activation is not None:
        name = getattr(activation, "__name__", type(activation).__name__)
        done.append(Change(layer.name, f'activation "{name}" split off'))
    if layer.use_bias:
        done.append(Change(layer.name, "bias dropped"))
    if activation is None:
        moved = {dropout.name: dropout for chain in behind for dropout in chain or ()}
        done.extend(Change(name, "moved behind the activation") for name in moved)


def _behind(node: Any, takers: dict[int, list[Any]]) -> list[Any] | None:
    """The dropout layers between a call and the activation that alone takes its result, None without one."""
    dropouts: list[Any] = []
    while True:
        users = takers.get(id(node.outputs[0]), [])
        if len(users) != 1 or users[0] is None:
            return None
        node = users[0]
        if is_activation(node.operation):
            return dropouts
        if not is_dropout(node.operation):
            return None
        dropouts.append(node.operation)


def last_layers(model: Any) -> set[int]:
    """The ids of the layers with weights that lie on a way to an output past no other layer with weights."""
    origins = producers(model)
    found: set[int] = set()
    seen: set[int] = set()
    waiting = list(model.outputs)
    while waiting:
        tensor = waiting.pop()
        node = origins.get(id(tensor))
        if node is None or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if has_weights(node.operation):
            found.add(id(node.operation))
        else:
            waiting.extend(node.input_tensors)
    return found


def _hides_work(layer: Any) -> bool:
    return any(is_linear(inner) and fused_activation(inner) for inner in every_layer(layer)[1:])
