"""torch's own batch normalization kernel, on inputs with their origin near the mean: there it is right."""

from __future__ import annotations

from typing import Any

import keras
import torch

from normwise.kernels.batch_moments import Centered, origin_of
from normwise.kernels.batch_norm.portable import Channels, Plan, Residuals, affine
from normwise.kernels.precision import at_least_float32


def forward(x: Any, channels: Channels, plan: Plan, view: tuple[int, int, int]) -> Any:
    """The same as the portable forward pass, for inputs without weights and without batch renormalization."""
    origin = origin_of(x, plan.axes, at_least_float32(x.dtype))
    shifted = (x - origin).reshape(view)
    gamma, beta = _flat(channels.gamma), _flat(channels.beta)
    rest, variance = (torch.zeros(view[1], dtype=shifted.dtype, device=x.device) for _ in range(2))
    # Momentum 1 leaves the batch's own statistics there; the variance with m − 1 in place of m.
    y, rest, rate = torch.native_batch_norm(shifted, gamma, beta, rest, variance, True, 1.0, plan.epsilon)
    count = view[0] * view[2]
    like = origin.shape
    centered = Centered(
        origin,
        rest.reshape(like),
        torch.full([1] * x.ndim, float(count), dtype=shifted.dtype, device=x.device),
        (variance * (count - 1)).reshape(like),
    )
    # A view of a custom function's making must not be changed in place, as by `y += shortcut` behind it.
    y = torch.ops.aten._unsafe_view(y, x.shape)
    if plan.activation is keras.activations.relu:
        # Nobody else has y yet, and memory that is new costs more than the arithmetic.
        y = y.relu_()
    elif plan.activation is not None:
        y = plan.activation(y)
    return y.to(getattr(torch, plan.dtype)), centered, Residuals(centered, rate.reshape(like), None, None)


def backward(
    upstream: Any, x: Any, channels: Channels, residuals: Residuals, plan: Plan, view: Any, through: Any
) -> tuple[Any, Any, Any]:
    """The gradients by x, γ and β, from the input and vectors per channel."""
    centered = residuals.centered
    shifted = x - centered.origin
    g = upstream.to(shifted.dtype)
    if plan.activation is not None:
        factor, offset = affine(channels, residuals)
        # The rest of the mean is less than a few deviations: folded into the offset it costs no digits.
        offset = -centered.rest * factor if offset is None else offset - centered.rest * factor
        z = torch.addcmul(offset, shifted, factor)
        if plan.activation is keras.activations.relu:
            g = torch.ops.aten.threshold_backward.grad_input(g, z, 0, grad_input=z)
        else:
            g = through(z, g)
    wanted = [True, channels.gamma is not None, channels.beta is not None]
    by_x, by_gamma, by_beta = torch.ops.aten.native_batch_norm_backward(
        g.reshape(view),
        shifted.reshape(view),
        _flat(channels.gamma),
        None,
        None,
        centered.rest.reshape(-1),
        residuals.rate.reshape(-1),
        True,
        plan.epsilon,
        wanted,
    )
    like = centered.rest.shape
    return (
        by_x.reshape(x.shape).to(x.dtype),
        by_gamma.reshape(like) if wanted[1] else None,
        by_beta.reshape(like) if wanted[2] else None,
    )


def _flat(values: Any) -> Any:
    return None if values is None else values.reshape(-1)
