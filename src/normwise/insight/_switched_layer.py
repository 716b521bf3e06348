"""by_either, by_both: a layer whose mode, training or inference, is a truth value that is being traced."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from normwise.insight._row_moments import RowMoments

Call = Callable[..., Any]


def normalizes_by_batch(layer: Any) -> bool:
    """Whether a batch normalization takes the batch's statistics in training."""
    return bool(layer.trainable and getattr(layer, "statistics_trainable", True))


def has_one_formula(layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call does in training what it does at inference, by other statistics.

    Of Keras' internals this leans on `_keras_mask`.
    """
    import keras

    from normwise.layers.batch_normalization import BatchNormalization

    if type(layer) not in (keras.layers.BatchNormalization, BatchNormalization) or len(args) != 1:
        return False
    masked = getattr(args[0], "_keras_mask", None) is not None or not kwargs.keys() <= {"training"}
    special = layer.renorm or getattr(layer, "virtual_batch_size", None) is not None
    # In half precision the moving statistics would round those of the batch.
    wide = all(v.dtype in ("float32", "float64") for v in (layer.moving_mean, layer.moving_variance))
    return wide and not masked and not special


def by_either(
    plain: Call, layer: Any, switch: Any, taken: RowMoments, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A batch normalization of one formula, by the statistics that the switch takes.

    Args:
        plain: Keras' own call.
        layer: The layer.
        switch: Whether by the batch, as in training.
        taken: The moments of the batch.
        args: Of the call.
        kwargs: Of the call.
    """
    import keras

    from normwise.graph.layer_calls import called_with_training

    statistics = (layer.moving_mean, layer.moving_variance)
    before = [variable.value for variable in statistics]
    if normalizes_by_batch(layer):
        of_batch = (taken.mean, taken.m2 / taken.size)
        for variable, value, own in zip(statistics, of_batch, before, strict=True):
            variable.assign(keras.ops.where(switch, value, own))
    try:
        return called_with_training(plain, layer, False, args, kwargs)
    finally:
        for variable, value in zip(statistics, before, strict=True):
            variable.assign(value)


def by_both(
    plain: Call,
    layer: Any,
    switch: Any,
    again: AbstractContextManager[object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A layer in training and at inference, of which the switch takes one; the second call is within `again`.

    At inference, and when the layer is called again, it has its own statistics; the noise goes on.
    """
    import keras

    from normwise.graph.layer_calls import called_with_training

    before = [(variable, variable.value) for variable in layer._non_trainable_variables]
    in_training = called_with_training(plain, layer, True, args, kwargs)
    for variable, value in before:
        variable.assign(value)
    with again:
        at_inference = called_with_training(plain, layer, False, args, kwargs)
    return keras.tree.map_structure(functools.partial(keras.ops.where, switch), in_training, at_inference)
