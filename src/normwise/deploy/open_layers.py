"""open_layers: which layers can be recalibrated, in the order of their calls, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.core.recalibration import SkippedLayer
from normwise.graph.layer_calls import current_trace, keeps_statistics, path_of
from normwise.graph.normalization_calls import BATCH_NORMALIZATIONS, normalization_calls_by
from normwise.graph.walk import every_layer

FROZEN = "it is frozen (trainable=False): it normalizes by its moving statistics in training too"
FIXED = "its statistics are fixed (statistics_trainable=False)"
INFERENCE = "it is called with training=False in training too"
NOT_CALLED = "the model does not call it"
IN_A_LOOP = (
    "it is called in a loop that is compiled, as by a recurrent layer, where its inputs cannot be seen"
)
UNKNOWN = "its class is not known to normwise: expected a BatchNormalization of Keras or normwise"


def layers_with_statistics(model: Any) -> list[Any]:
    """The layers of a built model that keep moving statistics, at any depth.

    Raises:
        TypeError: If it is no Keras model.
        ModelError: If the model is not built, or has none.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"normwise.recalibrate takes a built keras.Model, got {model!r}")
    if not getattr(model, "built", False):
        raise ModelError(
            f'the model "{model.name}" is not built, so that its layers have no statistics yet; expected one '
            "that is: give it an Input, or call it once"
        )
    layers = every_layer(model)
    found = [layer for layer in layers if keeps_statistics(layer)]
    if not found:
        kinds = listing(dict.fromkeys(type(layer).__name__ for layer in layers if layer is not model))
        raise ModelError(
            f'the model "{model.name}" has no layer with moving statistics, only {kinds or "itself"}; '
            "expected a BatchNormalization of Keras or normwise"
        )
    return found


def open_layers(model: Any, batch: Any, also: Collection[Any] = ()) -> tuple[list[Any], list[SkippedLayer]]:
    """The layers that normalize by the batch when the model is trained, and the other ones with statistics.

    Found out by calling the model once as in training, which leaves it as it is.

    Args:
        model: A built Keras model.
        batch: What it takes.
        also: Layers that count as open although they are frozen, or called as at inference.

    Raises:
        ModelError: If no layer is left.
    """
    layers = layers_with_statistics(model)
    order, seen = _called(model, batch)
    unfrozen = {id(layer) for layer in also}
    reasons = {
        id(layer): _reason(layer, seen.get(id(layer), NOT_CALLED), id(layer) in unfrozen) for layer in layers
    }
    found = [layer for layer in order if reasons.get(id(layer), "") is None]
    skipped = [SkippedLayer(path_of(layer), reason) for layer in layers if (reason := reasons[id(layer)])]
    if not found:
        why = "; ".join(f'"{layer.path}": {layer.reason}' for layer in skipped[:4])
        more = f"; and {len(skipped) - 4} more" if len(skipped) > 4 else ""
        raise ModelError(
            f'no layer of the model "{model.name}" can be recalibrated. {why}{more}. Set trainable=True on '
            "those that are frozen, if their statistics are to change."
        )
    return found, skipped


def _reason(layer: Any, seen: str | None, unfrozen: bool) -> str | None:
    """Why a layer is skipped; None if it is not."""
    if not isinstance(layer, BATCH_NORMALIZATIONS):
        return UNKNOWN
    if unfrozen:
        return None if seen == INFERENCE else seen
    if not layer.trainable:
        return FROZEN
    return seen if getattr(layer, "statistics_trainable", True) else FIXED


def _called(model: Any, batch: Any) -> tuple[list[Any], dict[int, str | None]]:
    """The batch normalizations in the order of their first calls, and by id what speaks against each."""
    order: dict[int, Any] = {}
    seen: dict[int, str | None] = {}
    here = current_trace()

    def call(plain: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        order.setdefault(id(layer), layer)
        if current_trace() != here:
            seen[id(layer)] = IN_A_LOOP
        elif seen.get(id(layer)) != IN_A_LOOP:
            # A layer that one call trains and another one does not is trained.
            trained = bool(kwargs.get("training")) or seen.get(id(layer), INFERENCE) is None
            seen[id(layer)] = None if trained else INFERENCE
        return plain(layer, *args, **{**kwargs, "training": False})

    with keras.StatelessScope(), normalization_calls_by(call):
        model(batch, training=True)
    return list(order.values()), seen
