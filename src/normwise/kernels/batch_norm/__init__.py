"""Batch normalization of a batch by its own statistics, with the backward pass of the process's backend."""

from __future__ import annotations

from typing import Any

import keras

from normwise.core.moments import Moments
from normwise.kernels.batch_moments import Total
from normwise.kernels.batch_norm import portable
from normwise.kernels.batch_norm.portable import Channels, Plan

__all__ = ["Channels", "Plan", "batch_norm"]


def batch_norm(
    x: Any, channels: Channels, weights: Any, plan: Plan, total: Total | None = None
) -> tuple[Any, Moments]:
    """Normalize a batch by its own statistics.

    ``y = f(γ·(x̂·r + d) + β)``, ``x̂ = (x − μ)/√(σ² + ε)``; r = 1 and d = 0 without batch renormalization.
    The moments are a by-product without a gradient.

    Args:
        x: Tensor of any rank and floating dtype.
        channels: γ, β and the statistics of batch renormalization, of the rank of `x`.
        weights: Frequency weights ≥ 0 of the rank of `x`, each axis of its size or 1; None counts all as 1.
            Where a weight is 0, NaN and magnitudes from 1e18 are read as 0.
        plan: What is known before the values are.
        total: Sums over the devices that share the batch (torch and TensorFlow).

    Returns:
        y, of the shape of `x` and the dtype of the plan, and the moments, with 1 for the reduced axes.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        from normwise.kernels.batch_norm import on_jax

        return on_jax.batch_norm(x, channels, weights, plan)
    if backend == "torch":
        from normwise.kernels.batch_norm import on_torch

        return on_torch.batch_norm(x, channels, weights, plan, total)
    if backend == "tensorflow":
        from normwise.kernels.batch_norm import on_tensorflow

        return on_tensorflow.batch_norm(x, channels, weights, plan, total)
    y, centered, _ = portable.forward(x, channels, weights, plan, total)
    return y, centered.moments()
