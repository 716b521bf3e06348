"""bias_reach: which calls of a model take the bias of a linear layer, unchanged but for other sums added."""

from __future__ import annotations

import re
from typing import NamedTuple

from normwise.core.model_record import CallRecord, LayerRecord, ModelRecord

LINEAR_FUNCTIONS = ("", "linear")
"""Names of the activation function that changes nothing."""
_CARRIERS = (
    *("Activation", "Identity", "Cropping1D", "Cropping2D", "Cropping3D"),
    *("UpSampling1D", "UpSampling2D", "UpSampling3D"),
    *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"),
)
"""Layers that leave what is the same at all positions as it is; Keras' poolings do not pool their padding."""
_ADDITION = re.compile(r"(^|/)add(_\d+)?(#\d+)?$")


class BiasReach(NamedTuple):
    """Where a bias gets to.

    Attributes:
        takers: By the name of a call that takes it, how many times over it is in what the call takes.
        output: The name of a call that gives it to an output of the model; "" where none does.
        channels: The axis of its channels, the batch's counted; −1 where the calls differ in it.
    """

    takers: dict[str, int]
    output: str
    channels: int


def calls_of(model: ModelRecord, layer: LayerRecord) -> tuple[CallRecord, ...]:
    """The calls that give what a layer gives: of one that a TimeDistributed holds, those of that."""
    holder = next((held.path for held in model.layers if held.path == layer.holder), "")
    wrapped = bool(holder) and model.layer(holder).class_name == "TimeDistributed"
    return tuple(call for call in model.calls if call.layer == (holder if wrapped else layer.path))


def bias_reach(model: ModelRecord, layer: LayerRecord) -> BiasReach:
    """Follows the bias of a linear layer through additions and poolings, and through what moves values alone.

    Example:
        >>> calls = (
        ...     CallRecord("dense", "dense", "linear", "", ("input:x",), (4,)),
        ...     CallRecord("add", "", "merge", "", ("dense", "input:x", "dense"), (4,)),
        ...     CallRecord("norm", "norm", "batch normalization", "", ("add",), (4,), True),
        ... )
        >>> dense = LayerRecord("dense", "Dense", "linear", True)
        >>> bias_reach(ModelRecord("net", (dense,), calls), dense).takers
        {'norm': 2}
    """
    given = {call.name: call for call in calls_of(model, layer)}
    ranks = {len(call.shape) + 1 for call in given.values()}
    wrapped = any(call.layer != layer.path for call in given.values())
    first = layer.config.get("data_format") == "channels_first"
    channels = (1 + wrapped if first else ranks.pop() - 1) if len(ranks) == 1 else -1
    times = dict.fromkeys(given, 1)
    takers: dict[str, int] = {}
    for call in model.calls:
        taken = sum(times.get(name, 0) for name in call.takes)
        if not taken:
            continue
        shapes = {given[name].shape for name in call.takes if name in given}
        if call.name not in given and _carries(model, call, shapes, channels):
            times[call.name], given[call.name] = taken, call
        else:
            takers[call.name] = taken
    # What nothing is known to take, though it is no output, is taken by what was not seen.
    for name, call in given.items():
        if not call.output and not model.takers(name):
            takers[name] = times[name]
    output = next((name for name, call in given.items() if call.output), "")
    return BiasReach(takers, output, channels)


def _carries(model: ModelRecord, call: CallRecord, shapes: set[tuple[int, ...]], channels: int) -> bool:
    """Whether what it gives holds the bias as often as what it takes, along the same axis."""
    layer = next((layer for layer in model.layers if layer.path == call.layer), None)
    if call.function not in LINEAR_FUNCTIONS:
        return False
    if call.kind == "merge":  # where shapes differ, a smaller one is repeated along other axes
        is_sum = layer.class_name == "Add" if layer else bool(_ADDITION.search(call.name))
        return is_sum and shapes == {call.shape}
    ranks = {len(shape) for shape in shapes}
    sizes = {shape[channels - 1] for shape in shapes} if channels > 0 else set()
    return (
        (call.kind in ("shape", "pooling") and layer is not None and layer.class_name in _CARRIERS)
        and ranks == {len(call.shape)}
        and sizes == {call.shape[channels - 1]}
        and _moves_positions(layer, channels, len(call.shape))
    )


def _moves_positions(layer: LayerRecord, channels: int, rank: int) -> bool:
    """Whether its own idea of the channels' axis is this one."""
    own = layer.config.get("data_format")
    return own is None or channels == (1 if own == "channels_first" else rank)
