"""Batch normalization forward and backward in `keras.ops`: what every backend can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from normwise.kernels.batch_moments import Centered, Total, at_least_one, batch_moments
from normwise.kernels.precision import at_least_float32

_SQUARES_TO_INFINITY = 1e18
"""In float32, with room for a mean, a factor and a gradient; padding may well be the largest float."""


class Channels(NamedTuple):
    """What is known per channel, each of the rank of the input with 1 on the other axes, or None.

    Args:
        renorm_weight: 0 where the statistics of batch renormalization hold nothing yet, so that the
            batch's own are taken.
    """

    gamma: Any = None
    beta: Any = None
    renorm_mean: Any = None
    renorm_stddev: Any = None
    renorm_weight: Any = None


class Plan(NamedTuple):
    """What is known before the values are; hashable, so that a compiler can keep it apart from them.

    Args:
        axes: The axes that the statistics run over.
        epsilon: ε, added to the variance.
        dtype: The output's dtype.
        activation: f, element by element or over axes other than the first, or None.
        clipping: (rmin, rmax, dmax) of batch renormalization, each a number or None.
    """

    axes: tuple[int, ...]
    epsilon: float
    dtype: str
    activation: Callable[[Any], Any] | None = None
    clipping: tuple[float | None, float | None, float | None] = (None, None, None)


class Residuals(NamedTuple):
    """What the backward pass needs besides the input: vectors per channel."""

    centered: Centered
    rate: Any
    r: Any
    d: Any


def forward(
    x: Any, channels: Channels, weights: Any, plan: Plan, total: Total | None = None
) -> tuple[Any, Centered, Residuals]:
    """y = f(γ·(x̂·r + d) + β); see `batch_norm`."""
    x = clean(x, weights)
    centered = batch_moments(x, plan.axes, weights, total)
    residuals = residuals_of(centered, channels, plan)
    factor, offset = affine(channels, residuals)
    z = residuals.centered.deviation(x) * factor
    if offset is not None:
        z = z + offset
    y = z if plan.activation is None else plan.activation(z)
    return ops.cast(y, plan.dtype), centered, residuals


def clean(x: Any, weights: Any) -> Any:
    """The input in float32 at least, with 0 for what is not `readable`."""
    x = ops.cast(x, at_least_float32(x.dtype))
    if weights is None:
        return x
    # Multiplied by a weight or a gradient of 0, NaN stays NaN.
    return ops.where(readable(x, weights), x, ops.zeros_like(x))


def readable(x: Any, weights: Any) -> Any:
    """Where the input can be squared (NaN and infinities cannot), or counts whatever it is."""
    return ops.logical_or(weights > 0, ops.abs(x) < _SQUARES_TO_INFINITY)


def residuals_of(centered: Centered, channels: Channels, plan: Plan) -> Residuals:
    """The rate 1/√(σ² + ε) and the corrections r, d of batch renormalization, which are constants to it."""
    variance = centered.moments().variance(xp=ops)
    rate = inverse_root(variance + plan.epsilon)
    if channels.renorm_mean is None:
        return Residuals(centered, rate, None, None)
    # Early in training the moving deviation may be less than √ε, which no batch's is.
    stddev = ops.maximum(channels.renorm_stddev, plan.epsilon**0.5)
    inverse = ops.where(stddev > 0, 1.0 / ops.where(stddev > 0, stddev, 1.0), 0.0)
    r = ops.sqrt(variance + plan.epsilon) * inverse
    d = (centered.rest + (centered.origin - channels.renorm_mean)) * inverse
    if channels.renorm_weight is not None:
        known = channels.renorm_weight > 0
        r, d = ops.where(known, r, ops.ones_like(r)), ops.where(known, d, ops.zeros_like(d))
    rmin, rmax, dmax = plan.clipping
    r = r if rmin is None else ops.maximum(r, rmin)
    r = r if rmax is None else ops.minimum(r, rmax)
    d = d if dmax is None else ops.clip(d, -dmax, dmax)
    return Residuals(centered, rate, ops.stop_gradient(r), ops.stop_gradient(d))


def inverse_root(v: Any) -> Any:
    """1/√v, and 0 for 0: a channel without spread is 0 times its deviations, which are 0."""
    return ops.where(v > 0, ops.rsqrt(ops.where(v > 0, v, ops.ones_like(v))), ops.zeros_like(v))


def affine(channels: Channels, residuals: Residuals) -> tuple[Any, Any]:
    """Factor and offset per channel: z = (x − μ)·factor + offset."""
    gamma, beta, r, d = channels.gamma, channels.beta, residuals.r, residuals.d
    factor, offset = residuals.rate, beta
    if r is not None:
        factor = factor * r
        shift = d if gamma is None else d * gamma
        offset = shift if beta is None else shift + beta
    return (factor if gamma is None else factor * gamma), offset


def backward(
    upstream: Any,
    x: Any,
    channels: Channels,
    weights: Any,
    residuals: Residuals,
    plan: Plan,
    through: Callable[[Any, Any], Any],
    total: Total | None = None,
) -> tuple[Any, Any, Any]:
    """The gradients by x, γ and β, from the input and vectors per channel.

    With g = ∂L/∂z: ``∂L/∂β = Σg``, ``∂L/∂γ = r·Σg·x̂ + d·Σg``,
    ``∂L/∂x = factor·(g − w/W·(Σg + x̂·Σg·x̂))``. Sums run over the whole batch, on all devices, the
    gradients by γ and β over this device's part.

    Args:
        through: (z, ∂L/∂y) to ∂L/∂z: the gradient through the activation.

    Source:
        Ioffe & Szegedy 2015, section 3, the chain rule's gradients, collected, with weights w of sum W.
    """
    seen = clean(x, weights)
    deviation = residuals.centered.deviation(seen)
    factor, offset = affine(channels, residuals)
    g = ops.cast(upstream, seen.dtype)
    if plan.activation is not None:
        z = deviation * factor
        g = through(z if offset is None else z + offset, g)
    x_hat = deviation * residuals.rate
    sum_g = ops.sum(g, axis=plan.axes, keepdims=True)
    sum_gx = ops.sum(g * x_hat, axis=plan.axes, keepdims=True)
    by_beta = sum_to(sum_g, channels.beta)
    by_gamma = sum_gx if residuals.r is None else residuals.r * sum_gx + residuals.d * sum_g
    by_gamma = sum_to(by_gamma, channels.gamma)
    if total is not None:
        sum_g, sum_gx = total(sum_g), total(sum_gx)
    share = 1.0 / at_least_one(residuals.centered.count)
    # Per channel first, so that the large arrays are passed over once.
    pull = share * sum_g
    slope = share * sum_gx * residuals.rate
    if weights is None:
        by_x = factor * (g - pull - deviation * slope)
    else:
        by_x = factor * (g - ops.cast(weights, g.dtype) * (pull + deviation * slope))
        by_x = ops.where(readable(ops.cast(x, seen.dtype), weights), by_x, ops.zeros_like(by_x))
    return ops.cast(by_x, keras.backend.standardize_dtype(x.dtype)), by_gamma, by_beta


def sum_to(values: Any, like: Any) -> Any:
    """The gradient of a parameter that was broadcast: summed over the axes on which it has one value."""
    if like is None:
        return None
    axes = tuple(
        i for i, (n, m) in enumerate(zip(values.shape, like.shape, strict=True)) if m == 1 and n != 1
    )
    return ops.sum(values, axis=axes, keepdims=True) if axes else values
