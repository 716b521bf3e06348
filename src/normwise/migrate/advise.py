"""What the doctor would say of the models that can be seen in the code."""

from __future__ import annotations

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.facts import Facts
from normwise.migrate.migration import Advice

LINEAR = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "Conv2DTranspose")
DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "AlphaDropout")
THROUGH = ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Flatten", "MaxPooling1D", "MaxPooling2D")


def advise(facts: Facts) -> tuple[Advice, ...]:
    """Findings on the Sequential models of a script, layer by layer, in the order of their lines."""
    found: list[Advice] = []
    for layers in facts.layers.values():
        kinds = [(facts.new_name(layer.func) or "").rpartition(".")[2] for layer in layers]
        for at, kind in enumerate(kinds):
            if kind == "BatchNormalization" and at:
                found += _bias(facts, layers[at - 1], kinds[at - 1])
                found += _dropout(facts, layers[at], kinds[:at])
    return tuple(sorted(found))


def _bias(facts: Facts, layer: cst.Call, kind: str) -> list[Advice]:
    given = arguments.value(layer, "use_bias") or arguments.value(layer, "bias")
    off = isinstance(given, cst.Name) and given.value == "False"
    activation = arguments.value(layer, "activation")
    linear = activation is None or arguments.string(activation) == "linear"
    if kind not in LINEAR or off or not linear:
        return []
    text = (
        f"the bias of this {kind} is taken out again by the batch normalization after it; give use_bias=False"
    )
    return [Advice(facts.line(layer), "NRM301", text)]


def _dropout(facts: Facts, layer: cst.Call, before: list[str]) -> list[Advice]:
    for kind in reversed(before):
        if kind in DROPOUTS:
            text = (
                f"{kind} before this batch normalization: the variance that it learns in training is not "
                "that of inference; put it after the last normalization"
            )
            return [Advice(facts.line(layer), "NRM303", text)]
        if kind not in THROUGH:
            return []
    return []
