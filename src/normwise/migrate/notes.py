"""What stays as it was in words, and may be another thing in Keras 3."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.facts import Facts

GATED = ("keras.layers.LSTM", "keras.layers.GRU", "keras.layers.ConvLSTM2D")


def notes(facts: Facts, module: cst.Module) -> list[tuple[int, str]]:
    """What the reader should know of the calls in a script."""
    calls = _Calls()
    module.visit(calls)
    found = []
    for call in calls.found:
        name = facts.new_name(call.func)
        said = _of_layer(facts, call, name) if name else _of_method(facts, call)
        found += [(facts.line(call), text) for text in said]
    return found


class _Calls(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Call] = []

    def visit_Call(self, node: cst.Call) -> None:
        self.found.append(node)


def _of_layer(facts: Facts, call: cst.Call, name: str) -> Sequence[str]:
    if name == "keras.layers.BatchNormalization" and facts.early and not facts.of_tensorflow():
        given = {a.keyword.value for a in call.args if a.keyword}
        if not arguments.starred(call) and not {"epsilon", "momentum"} <= given:
            return ["by default epsilon was 1e-6 and momentum 0.9 in Keras 0 and 1.0; they are 1e-3 and 0.99"]
    said = arguments.text(call, "inner_activation") or arguments.text(call, "recurrent_activation")
    if name in GATED and not facts.of_tensorflow() and not facts.modern():
        if said == "hard_sigmoid":
            return ["hard_sigmoid is relu6(x + 3)/6 in Keras 3; it was clip(0.2·x + 0.5, 0, 1)"]
        if said is None:
            return ["the gates are sigmoids by default since Keras 2.3; they were hard_sigmoid before"]
    activation = arguments.text(call, "activation") or arguments.string(
        arguments.value(call, "activation", 0)
    )
    if activation == "hard_sigmoid":
        return ["hard_sigmoid is relu6(x + 3)/6 in Keras 3; it was clip(0.2·x + 0.5, 0, 1)"]
    return []


def _of_method(facts: Facts, call: cst.Call) -> Sequence[str]:
    if not isinstance(call.func, cst.Attribute) or not facts.is_model(call):
        return []
    method = call.func.attr.value
    if method == "compile" and arguments.text(call, "loss") == "cosine_proximity":
        return ["cosine_proximity of Keras 1 was the mean over the last axis; cosine_similarity is the sum"]
    return []
