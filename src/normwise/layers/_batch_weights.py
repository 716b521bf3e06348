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
        # NaN is not greater than 0 either.
        given = ops.where(given > 0, given, ops.zeros_like(given))
        weights = given if weights is None else weights * given
    return weights


def _spread(name: str, values: Any, x: Any, channel_axes: tuple[int, ...]) -> Any:
    rank = len(x.shape)
    covered = list(range(rank))
    if len(values.shape) < rank:
        covered = [i for i in range(rank) if i not in channel_axes][: len(values.shape)]
    shape = [1] * rank
    given = ops.shape(values)
    fits = len(covered) == len(values.shape)
    for i, axis in enumerate(covered):
        shape[axis] = given[i]
        known = isinstance(values.shape[i], int) and isinstance(x.shape[axis], int)
        fits = fits and not (known and values.shape[i] not in (1, x.shape[axis]))
    if not fits:
        others = tuple(n for i, n in enumerate(x.shape) if i not in channel_axes)
        raise ValueError(
            f"the {name} of shape {tuple(values.shape)} does not broadcast to the input of shape "
            f"{tuple(x.shape)}; expected a {name} over the axes other than the channels', of shape "
            f"{others}, or the first of them, or of the input's rank, with 1 where it is the same for all"
        )
    return ops.reshape(values, shape)
