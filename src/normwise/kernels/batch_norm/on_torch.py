"""Batch normalization on torch: an autograd function with a backward pass of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import forward_ad

from normwise.core.moments import Moments
from normwise.kernels.batch_moments import Centered, Total
from normwise.kernels.batch_norm import native_on_torch, torch_native
from normwise.kernels.batch_norm.native_call import channel_view
from normwise.kernels.batch_norm.portable import Channels, Plan, Residuals, backward, forward

_SECOND_ORDER = (
    "second derivatives and torch.func transforms through BatchNormalization(synchronized=True) on several "
    "processes do not work, because the sum over the processes is not differentiated; take them with "
    "synchronized=False or on one process"
)


def batch_norm(
    x: Any, channels: Channels, weights: Any, plan: Plan, total: Total | None = None
) -> tuple[Any, Moments]:
    """See `normwise.kernels.batch_norm.batch_norm`."""
    if _transformed():
        if total is not None:
            raise NotImplementedError(_SECOND_ORDER)
        y, centered, _ = forward(x, channels, weights, plan, total)
        return y, Moments(*(m.detach() for m in centered.moments()))
    # The layer moves the statistics in place before the backward pass reads them.
    statistics = (None if v is None else v.clone() for v in channels[2:])
    channels = Channels(channels.gamma, channels.beta, *statistics)
    y, *moments = _BatchNorm.apply(x, *channels, weights, plan, total)
    return y, Moments(*moments)


def _transformed() -> bool:
    """Whether torch.func or forward-mode differentiation is at work, which know nothing of our backward pass.

    They differentiate the portable formula instead, to any order.
    """
    return bool(torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0)


def _many(upstream: Any) -> bool:
    """Whether this is many gradients at once: those of torch.func.vmap or of `is_grads_batched`."""
    if torch.compiler.is_compiling():
        return False
    return _transformed() or bool(torch._C._functorch.is_legacy_batchedtensor(upstream))


class _BatchNorm(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        gamma: Any,
        beta: Any,
        renorm_mean: Any,
        renorm_stddev: Any,
        renorm_weight: Any,
        weights: Any,
        plan: Plan,
        total: Total | None,
    ) -> Any:
        channels = Channels(gamma, beta, renorm_mean, renorm_stddev, renorm_weight)
        call = native_on_torch.call_for(x, channels, weights, plan) if total is None else None
        plain = weights is None and renorm_mean is None and total is None
        view = channel_view(x.shape, plan.axes) if plain else None
        if call is not None:
            y, centered, residuals = native_on_torch.forward(x, channels, weights, plan, call)
        elif view is None:
            y, centered, residuals = forward(x, channels, weights, plan, total)
        else:
            y, centered, residuals = torch_native.forward(x, channels, plan, view)
        ctx.save_for_backward(x, *channels, weights, *residuals.centered, *residuals[1:])
        ctx.plan, ctx.total, ctx.view, ctx.call = plan, total, view, call
        moments = centered.moments()
        ctx.mark_non_differentiable(*moments)
        return (y, *moments)

    @staticmethod
    def backward(ctx: Any, upstream: Any, *_moments: Any) -> Any:
        # Read once: within a checkpoint a second look at them is an error.
        x, *per_channel, weights = (saved := ctx.saved_tensors)[:7]
        channels, vectors = Channels(*per_channel), saved[7:]
        plan, total = ctx.plan, ctx.total

        def through(z: Any, g: Any) -> Any:
            return _through(plan.activation, z, g)

        if torch.is_grad_enabled():
            if total is not None:
                raise NotImplementedError(_SECOND_ORDER)
            # Somebody differentiates this gradient: its vectors depend on the input too.
            residuals = forward(x, channels, weights, plan, total)[2]
        elif ctx.call is not None and _many(upstream):
            # They have no memory that a kernel could read.
            residuals = forward(x, channels, weights, plan, total)[2]
        else:
            residuals = Residuals(Centered(*vectors[:4]), *vectors[4:])
            if ctx.call is not None:
                slopes = native_on_torch.backward(upstream, x, channels, weights, residuals, plan, ctx.call)
                return *slopes, None, None, None, None, None, None
            if ctx.view is not None:
                slopes = torch_native.backward(upstream, x, channels, residuals, plan, ctx.view, through)
                return *slopes, None, None, None, None, None, None
        by_x, by_gamma, by_beta = backward(upstream, x, channels, weights, residuals, plan, through, total)
        return by_x, by_gamma, by_beta, None, None, None, None, None, None


def _through(activation: Any, z: Any, g: Any) -> Any:
    twice = torch.is_grad_enabled()
    with torch.enable_grad():
        z = z if twice else z.detach().requires_grad_()
        return torch.autograd.grad(activation(z), z, g, create_graph=twice)[0]
