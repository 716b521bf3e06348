"""Batch normalization on JAX: one function with a backward pass of its own."""

from __future__ import annotations

import functools
from typing import Any

import jax

from normwise.core.moments import Moments
from normwise.kernels.batch_norm import native_on_jax
from normwise.kernels.batch_norm.portable import Channels, Plan, backward, forward


def batch_norm(x: Any, channels: Channels, weights: Any, plan: Plan) -> tuple[Any, Moments]:
    """See `normwise.kernels.batch_norm.batch_norm`."""
    call = native_on_jax.call_for(x, channels, weights, plan)
    if call is not None:
        return native_on_jax.batch_norm(x, channels, weights, plan, call)
    found: tuple[Any, Moments] = _portable(x, channels, weights, plan)
    return found


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _portable(x: Any, channels: Channels, weights: Any, plan: Plan) -> tuple[Any, Moments]:
    y, centered, _ = forward(x, channels, weights, plan)
    return y, centered.moments()


def _forward(x: Any, channels: Channels, weights: Any, plan: Plan) -> Any:
    y, centered, residuals = forward(x, channels, weights, plan)
    return (y, centered.moments()), (x, channels, weights, residuals)


def _backward(plan: Plan, kept: Any, upstream: Any) -> Any:
    x, channels, weights, residuals = kept

    def through(z: Any, g: Any) -> Any:
        assert plan.activation is not None
        y, pull = jax.vjp(plan.activation, z)
        # Keras' activations make float32 of float64 here.
        return pull(g.astype(y.dtype))[0]

    by_x, by_gamma, by_beta = backward(upstream[0], x, channels, weights, residuals, plan, through)
    # None is a gradient of zero.
    return by_x, Channels(by_gamma, by_beta), None


_portable.defvjp(_forward, _backward)
