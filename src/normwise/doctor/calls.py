"""What feeds what: questions about a model's calls that several rules ask."""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.bias_reach import LINEAR_FUNCTIONS, bias_reach, calls_of
from normwise.core.model_record import CallRecord, LayerRecord, ModelRecord


def layer_of(model: ModelRecord, path: str) -> LayerRecord | None:
    """The layer of this path; None where there is none, as for an operation."""
    return next((layer for layer in model.layers if layer.path == path), None)


def learns_statistics(model: ModelRecord, layer: LayerRecord) -> bool:
    """Whether a layer is a batch normalization that normalizes by the batch in training.

    One that is called with ``training=False`` alone does not, whether it is frozen or not.
    """
    calls = [call for call in model.calls if call.layer == layer.path]
    return _is_trained(layer) and (not calls or not all(call.inference for call in calls))


def _is_trained(layer: LayerRecord) -> bool:
    trained = layer.trainable and layer.config.get("statistics_trainable", True) is not False
    return layer.kind == "batch normalization" and trained


def batch_normalization(model: ModelRecord, call: CallRecord) -> LayerRecord | None:
    """The layer of a call, if in training it normalizes by the batch."""
    layer = layer_of(model, call.layer)
    return layer if layer and _is_trained(layer) and not call.inference else None


def channel_axes(layer: LayerRecord, rank: int) -> set[int]:
    """The axes of a normalization's channels, of a tensor whose axes are counted with the batch's."""
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    return {a % rank for a in axes if isinstance(a, int)}


def only_normalized(model: ModelRecord, layer: LayerRecord) -> tuple[str, ...]:
    """Paths of the batch normalizations of a linear layer's channels, if nothing else takes what it gives."""
    calls = [call for call in model.calls if call.layer == layer.path]
    takers = [taker for call in calls for taker in model.takers(call.name)]
    if not takers or not all(_is_only_normalized(model, layer, call) for call in calls):
        return ()
    return tuple(dict.fromkeys(taker.layer for taker in takers))


def _is_only_normalized(model: ModelRecord, layer: LayerRecord, call: CallRecord) -> bool:
    rank = len(call.shape) + 1
    channels = 1 if layer.config.get("data_format") == "channels_first" else rank - 1
    takers = model.takers(call.name)
    return (
        not call.output
        and call.function in LINEAR_FUNCTIONS
        and bool(takers)
        and all(
            (norm := batch_normalization(model, taker)) is not None and channel_axes(norm, rank) == {channels}
            for taker in takers
        )
    )


def subtracting(model: ModelRecord, layer: LayerRecord) -> tuple[str, ...]:
    """Paths of the batch normalizations that subtract a linear layer's bias, if nothing else takes it.

    It may get there by way of sums with other values, and be a part of what several calls take.
    """
    calls, reach = calls_of(model, layer), bias_reach(model, layer)
    functions = [layer.config.get("activation") or "", *(call.function for call in calls)]
    if reach.output or not reach.takers or any(f not in LINEAR_FUNCTIONS for f in functions):
        return ()
    takers = [call for call in model.calls if call.name in reach.takers]
    for taker in takers:
        norm = batch_normalization(model, taker)
        if norm is None or channel_axes(norm, len(taker.shape) + 1) != {reach.channels}:
            return ()
    return tuple(dict.fromkeys(taker.layer for taker in takers))


def upstream(model: ModelRecord, call: CallRecord) -> Iterator[CallRecord]:
    """All calls that a call depends on, the nearest first."""
    known = {c.name: c for c in model.calls}
    waiting, seen = list(call.takes), {call.name}
    while waiting:
        name = waiting.pop(0)
        if name not in seen and name in known:
            seen.add(name)
            yield known[name]
            waiting += known[name].takes


def behind(model: ModelRecord, name: str, through: tuple[str, ...] = ("shape",)) -> Iterator[CallRecord]:
    """The calls that take what a call gives, and those behind calls of the kinds that are looked through."""
    waiting, seen = [name], {name}
    while waiting:
        for taker in model.takers(waiting.pop(0)):
            if taker.name not in seen:
                seen.add(taker.name)
                yield taker
                if taker.kind in through:
                    waiting.append(taker.name)
