"""Which batches the native kernels take, and what they are told besides the values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from normwise.core.native import native
from normwise.kernels.batch_norm.portable import Channels, Plan

LEAST_SIZE = 2**16
"""Values of an array from which on the kernels are quicker than what a compiler makes of the formula."""
_LEAST_RUN = 64
"""Values of a channel side by side, where the channels are not the last axis."""
_LINEAR = 0
_HALVES = ("bfloat16", "float16")

View = tuple[int, int, int]


class NativeCall(NamedTuple):
    """What is known of a call before the values are; hashable.

    Args:
        axes: The axes that the statistics run over.
        view: The input's shape as (outer, channels, inner).
        epsilon: ε, added to the variance.
        activation: The kernels' number of f, which is applied in the same pass; 0 for none.
        alpha: The factor of negative values in a leaky ReLU.
        function: f as Keras has it, or None for 0.
    """

    axes: tuple[int, ...]
    view: View
    epsilon: float
    activation: int
    alpha: float
    function: Callable[[Any], Any] | None


def native_call(x: Any, channels: Channels, weights: Any, plan: Plan) -> NativeCall | None:
    """The call, or None where the portable formula is to be taken."""
    if channels.renorm_mean is not None or native() is None:
        return None
    dtype = keras.backend.standardize_dtype(x.dtype)
    known = all(isinstance(n, int) for n in x.shape)
    if dtype not in (*_HALVES, "float32", "float64") or not known or math.prod(x.shape) < LEAST_SIZE:
        return None
    view = channel_view(x.shape, plan.axes)
    if view is None or 1 < view[2] < _LEAST_RUN or not (weights is None or _by_position(weights, view, plan)):
        return None
    activation, alpha = _of_kernels(plan.activation, dtype)
    if dtype in _HALVES and (plan.dtype != dtype or (activation == _LINEAR and plan.activation is not None)):
        # The kernel would round z to half precision, and something is still to come.
        return None
    function = None if activation == _LINEAR else plan.activation
    return NativeCall(plan.axes, view, plan.epsilon, activation, alpha, function)


def behind(plan: Plan, call: NativeCall) -> Callable[[Any], Any] | None:
    """The activation that is left to do behind the kernels."""
    return plan.activation if call.activation == _LINEAR else None


def channel_view(shape: Any, axes: tuple[int, ...]) -> View | None:
    """The input's shape as (outer, channels, inner), or None where its channels are not side by side."""
    channels = [i for i in range(len(shape)) if i not in axes]
    first, last = channels[0], channels[-1] + 1
    if len(channels) != last - first:
        return None
    outer, size, inner = (math.prod(shape[a:b]) for a, b in ((0, first), (first, last), (last, None)))
    return (outer, size, inner) if size > 0 and outer * inner > 1 else None


def _by_position(weights: Any, view: View, plan: Plan) -> bool:
    """Whether all channels of a position, which lie side by side, weigh the same."""
    return view[2] == 1 and all(n == 1 for i, n in enumerate(weights.shape) if i not in plan.axes)


def _of_kernels(activation: Any, dtype: str) -> tuple[int, float]:
    """The number and the factor of Keras' activations, as they are without arguments of their own."""
    if activation is keras.activations.relu:
        return 1, 0.0
    if activation is keras.activations.leaky_relu:
        return 2, 0.2
    if dtype != "float64":
        smooth = (
            keras.activations.sigmoid,
            keras.activations.silu,
            keras.activations.tanh,
            keras.activations.gelu,
        )
        for number, known in enumerate(smooth, start=3):
            if activation is known:
                return number, 0.0
    return _LINEAR, 0.0
