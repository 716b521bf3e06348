"""Masks and sample weights as one tensor of frequency weights that broadcasts to the input."""

from __future__ import annotations

from typing import Any

from keras import ops


def batch_weights(x: Any, channel_axes: tuple[int, ...], mask: Any, sample_weight: Any) -> Any:
    """Frequency weights of the rank of `x`, float32, or None where every value counts once.

    Raises:
        ValueError: If the mask or the weights do not broadcast to the input.
    """
    weights = None
    if mask is not None:
        mask = ops.cast(mask, "bool")
        weights = ops.cast(_spread("mask", mask, x, channel_axes), "float32")
    if sample_weight is not None:
        given = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        given = _spread("sample_weight", given, x, channel_axes)
        # NaN is neither greater than 0 nor less than infinity.
        usable = ops.logical_and(given > 0, given < float("inf"))
        given = ops.where(usable, given, ops.zeros_like(given))
        weights = given if weights is None else weights * given
    return weights


def _spread(name: str, values: Any, x: Any, channel_axes: tuple[int, ...]) -> Any:
    rank, size = len(x.shape), len(values.shape)
    others = [i for i in range(rank) if i not in channel_axes]
    # Keras' masks cover the leading axes, whatever they are; where both readings fit, this one is not taken.
    for covered in (range(rank)[:size] if size == rank else others[:size], range(rank)[:size]):
        if len(covered) == size and all(_fits(values.shape[i], x.shape[a]) for i, a in enumerate(covered)):
            shape = [1] * rank
            for axis, given in zip(covered, ops.shape(values), strict=True):
                shape[axis] = given
            return ops.reshape(values, shape)
    expected = tuple(x.shape[i] for i in others)
    raise ValueError(
        f"the {name} of shape {tuple(values.shape)} does not broadcast to the input of shape "
        f"{tuple(x.shape)}; expected a {name} over the axes other than the channels', of shape "
        f"{expected}, or the first of them, or of the input's rank, with 1 where it is the same for all"
    )


def _fits(given: int | None, size: int | None) -> bool:
    return given is None or size is None or given in (1, size)
