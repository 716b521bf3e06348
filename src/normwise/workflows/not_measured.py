"""with_what_was_not_measured: layers and functions that the passes did not see, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from normwise.core.errors import listing
from normwise.core.evidence import Evidence
from normwise.core.model_record import LayerRecord, ModelRecord
from normwise.core.saturation import SATURATED

MOST = 5
"""So many names are told."""
HIDING = ("attention", "recurrent")
"""Kinds of layers whose own functions nobody asks about."""


def with_what_was_not_measured(evidence: Evidence) -> Evidence:
    """The evidence of passes, with what they did not see in the model's `unseen`.

    What a layer inside of a recurrent layer or a TimeDistributed takes is of no meaning outside of the loop;
    a function such as `keras.ops.relu` that a `call` calls as it runs tells nobody what it takes. Where
    nothing of a kind was measured though the model has it, the evidence is absent: a rule must not call clean
    what it has not seen.
    """
    absent, unseen = dict(evidence.absent), list(evidence.model.unseen)
    for kind, measured, what, names in (
        ("normalizations", evidence.normalizations, "batch normalizations", _normalizations(evidence)),
        ("activations", evidence.activations, "activation functions", _functions(evidence)),
    ):
        if names:
            unseen.append(f"what the {what} {listing(names, MOST)} take is not measured: {_REASONS[kind]}")
            if not measured:
                absent[kind] = unseen[-1]
    model = dataclasses.replace(evidence.model, unseen=tuple(unseen))
    return dataclasses.replace(evidence, model=model, absent=absent)


_REASONS = {
    "normalizations": "they are inside of a loop over time steps, or nothing calls them",
    "activations": "they are called as functions, or inside of a loop over time steps, or not at all",
}


def _normalizations(evidence: Evidence) -> Sequence[str]:
    seen = {one.layer for one in evidence.normalizations}
    layers = evidence.model.layers
    return [layer.path for layer in layers if layer.kind == "batch normalization" and layer.path not in seen]


def _functions(evidence: Evidence) -> Sequence[str]:
    """Calls of functions that rules look at, and layers that are a function, which told nothing."""
    model = evidence.model
    seen = {name for one in evidence.activations for name in (one.call, one.layer)}
    called = [
        call.name
        for call in model.calls
        if call.kind == "activation" and call.function in SATURATED and call.name not in seen
    ]
    seen |= {call.layer for call in model.calls}
    layers = [layer for layer in model.layers if layer.kind == "activation" and layer.path not in seen]
    return [*called, *(layer.path for layer in layers if not _is_hidden(model, layer))]


def _is_hidden(model: ModelRecord, layer: LayerRecord) -> bool:
    """Whether a layer belongs to an attention or a recurrent layer, or to a layer as its own activation."""
    holder = next((one for one in model.layers if one.path == layer.holder), None)
    if holder is None:
        return False
    is_own = any(call.layer == holder.path for call in model.calls) and holder.kind != "other"
    return is_own or holder.kind in HIDING or _is_hidden(model, holder)
