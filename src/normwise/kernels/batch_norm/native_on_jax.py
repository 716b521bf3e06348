"""The native kernels on JAX: foreign calls on the CPU, with the derivatives of the portable formula."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from normwise.core.moments import Moments
from normwise.core.native import called_native
from normwise.kernels.batch_moments import Centered
from normwise.kernels.batch_norm import portable
from normwise.kernels.batch_norm.native_call import NativeCall, behind, native_call
from normwise.kernels.batch_norm.portable import Channels, Plan, Residuals
from normwise.kernels.precision import at_least_float32


def call_for(x: Any, channels: Channels, weights: Any, plan: Plan) -> NativeCall | None:
    """The call, or None where the portable formula is to be taken.

    On several devices a foreign call would have all of the batch gathered on each of them.
    """
    if jax.default_backend() != "cpu" or jax.device_count() > 1:
        return None
    return native_call(x, channels, weights, plan)


def batch_norm(x: Any, channels: Channels, weights: Any, plan: Plan, call: NativeCall) -> tuple[Any, Moments]:
    """See `normwise.kernels.batch_norm.batch_norm`."""
    size, dtype = (call.view[1],), at_least_float32(str(x.dtype))
    # The kernels read all of them as numbers of the type that they compute in.
    gamma = jnp.ones(size, dtype) if channels.gamma is None else channels.gamma.reshape(size).astype(dtype)
    beta = jnp.zeros(size, dtype) if channels.beta is None else channels.beta.reshape(size).astype(dtype)
    if weights is not None:
        positions = [n if i in call.axes else 1 for i, n in enumerate(x.shape)]
        weights = jax.lax.stop_gradient(jnp.broadcast_to(weights, positions).reshape(-1).astype(dtype))
    y, *found = _normalized(x, gamma, beta, weights, call)
    activation = behind(plan, call)
    y = y if activation is None else activation(y)
    shape = _per_channel(x, call)
    origin, rest, m2 = (jax.lax.stop_gradient(v).reshape(shape) for v in found)
    return y.astype(plan.dtype), Moments(_count(weights, m2, call), origin + rest, m2)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def _normalized(x: Any, gamma: Any, beta: Any, weights: Any, call: NativeCall) -> Any:
    return _forward(x, gamma, beta, weights, call)


def _kept(x: Any, gamma: Any, beta: Any, weights: Any, call: NativeCall) -> Any:
    y, *found = _forward(x, gamma, beta, weights, call)
    return (y, *found), (x, gamma, beta, *found, weights)


def _gradients(call: NativeCall, kept: Any, upstream: Any) -> Any:
    # None is a gradient of zero.
    return *_backward(upstream[0].astype(kept[0].dtype), *kept, call), None


_normalized.defvjp(_kept, _gradients)


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def _forward(x: Any, gamma: Any, beta: Any, weights: Any, call: NativeCall) -> Any:
    """y, and the mean as origin + rest, and m2."""
    return _foreign("forward", call, (x, beta, beta, beta), x, gamma, beta, weights)


@functools.partial(jax.custom_jvp, nondiff_argnums=(8,))
def _backward(
    upstream: Any,
    x: Any,
    gamma: Any,
    beta: Any,
    origin: Any,
    rest: Any,
    m2: Any,
    weights: Any,
    call: NativeCall,
) -> Any:
    """The gradients by x, γ and β."""
    operands = (upstream, x, gamma, beta, origin, rest, m2, weights)
    return _foreign("backward", call, (x, gamma, beta), *operands)


@_forward.defjvp
def _forward_jvp(call: NativeCall, primals: Any, tangents: Any) -> Any:
    found = _forward(*primals, call)
    return found, jax.jvp(functools.partial(_forward_twin, call=call), primals, tangents)[1]


@_backward.defjvp
def _backward_jvp(call: NativeCall, primals: Any, tangents: Any) -> Any:
    found = _backward(*primals, call)
    return found, jax.jvp(functools.partial(_backward_twin, call=call), primals, tangents)[1]


def _forward_twin(x: Any, gamma: Any, beta: Any, weights: Any, call: NativeCall) -> Any:
    plan, channels, weights = _as_portable(x, gamma, beta, weights, call)
    y, centered, _ = portable.forward(x, channels, weights, plan)
    return y, *(v.reshape(gamma.shape) for v in (centered.origin, centered.rest, centered.m2))


def _backward_twin(
    upstream: Any,
    x: Any,
    gamma: Any,
    beta: Any,
    origin: Any,
    rest: Any,
    m2: Any,
    weights: Any,
    call: NativeCall,
) -> Any:
    shape = _per_channel(x, call)
    origin, rest, m2 = (v.reshape(shape) for v in (origin, rest, m2))
    centered = Centered(origin, rest, _count(weights, m2, call), m2)
    plan, channels, weights = _as_portable(x, gamma, beta, weights, call)
    residuals: Residuals = portable.residuals_of(centered, channels, plan)

    def through(z: Any, g: Any) -> Any:
        assert plan.activation is not None
        y, pull = jax.vjp(plan.activation, z)
        return pull(g.astype(y.dtype))[0]

    slopes = portable.backward(upstream, x, channels, weights, residuals, plan, through)
    return slopes[0], *(v.reshape(gamma.shape) for v in slopes[1:])


def _as_portable(x: Any, gamma: Any, beta: Any, weights: Any, call: NativeCall) -> Any:
    shape = _per_channel(x, call)
    plan = Plan(call.axes, call.epsilon, str(x.dtype), call.function)
    if weights is not None:
        weights = weights.reshape([n if i in call.axes else 1 for i, n in enumerate(x.shape)])
    return plan, Channels(gamma.reshape(shape), beta.reshape(shape)), weights


def _count(weights: Any, like: Any, call: NativeCall) -> Any:
    """What a channel's values weigh together; the input's own type may have no room for that number."""
    count = float(call.view[0] * call.view[2]) if weights is None else jnp.sum(weights)
    return jnp.full((1,) * like.ndim, count, like.dtype)


def _per_channel(x: Any, call: NativeCall) -> list[int]:
    return [1 if i in call.axes else n for i, n in enumerate(x.shape)]


def _foreign(which: str, call: NativeCall, results: tuple[Any, ...], *operands: Any) -> Any:
    """What a kernel makes of its operands, the last being the weights; shapes and types as in `results`."""
    _register()
    # Each member of a vmap by itself: the other ways would merge their statistics.
    shapes = tuple(jax.typeof(like) for like in results)
    kernel = jax.ffi.ffi_call(f"normwise_batch_norm_{which}", shapes, vmap_method="sequential")
    given = operands if operands[-1] is not None else operands[:-1]
    return kernel(
        *given,
        channels=np.int64(call.view[1]),
        inner=np.int64(call.view[2]),
        epsilon=np.float64(call.epsilon),
        activation=np.int64(call.activation),
        alpha=np.float64(call.alpha),
    )


@functools.cache
def _register() -> None:
    for name, handler in called_native().xla_handlers().items():
        jax.ffi.register_ffi_target(name, handler, platform="cpu")
