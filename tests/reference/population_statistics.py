"""Population statistics of batch normalizations in float64 NumPy, from Ioffe & Szegedy 2015.

And those that fvcore's PreciseBN takes (`fvcore/nn/precise_bn.py`), in float32 as there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Statistics(NamedTuple):
    """E[x] and Var[x] of Algorithm 2, a value a channel."""

    mean: Any
    variance: Any


class Block(NamedTuple):
    """Dense without bias, batch normalization, and what comes behind it: x → f(γ·norm(x·kernel) + β)."""

    kernel: Any
    gamma: Any
    beta: Any
    function: Any


def population(x: Any, weights: Any = 1.0) -> Statistics:
    """E[x] = Σwx/m and Var[x] = Σw(x − E[x])²/(m − 1), m = Σw, over all axes but the last."""
    x = np.asarray(x, np.float64)
    w = np.broadcast_to(np.asarray(weights, np.float64), x.shape)
    x = np.where(w > 0, x, 0.0)
    axes = tuple(range(x.ndim - 1))
    m = w.sum(axes)
    mean = (w * x).sum(axes) / m
    return Statistics(mean, (w * (x - mean) ** 2).sum(axes) / (m - 1))


def settled_one_by_one(blocks: list[Block], x: Any, epsilon: float) -> list[Statistics]:
    """Each layer's statistics with the layers before it computing by theirs (step 11)."""
    found, h = [], np.asarray(x, np.float64)
    for block in blocks:
        z = h @ np.float64(block.kernel)
        found.append(population(z))
        h = block.function(_normalized(z, *found[-1], epsilon) * block.gamma + block.beta)
    return found


def settled_at_once(
    blocks: list[Block], batches: list[Any], epsilon: float, ghost: int | None = None
) -> list[Statistics]:
    """Each layer's statistics with all layers computing by those of the batch (Algorithm 1) or the ghost."""
    inputs: list[list[Any]] = [[] for _ in blocks]
    for batch in batches:
        h = np.asarray(batch, np.float64)
        for place, block in enumerate(blocks):
            z = h @ np.float64(block.kernel)
            inputs[place].append(z)
            size = ghost or len(z)
            groups = [z[i : i + size] for i in range(0, len(z), size)]
            y = np.concatenate([_normalized(g, g.mean(0), g.var(0), epsilon) for g in groups])
            h = block.function(y * block.gamma + block.beta)
    return [population(np.concatenate(parts)) for parts in inputs]


def precise_bn(batches: list[Any]) -> Statistics:
    """fvcore's: float32 averages of μ_B and of μ_B² + σ_B²(m_B − 1)/m_B, weighted by size; no m/(m − 1)."""
    one = np.float32(1)
    mean = square = np.zeros(batches[0].shape[-1], np.float32)
    total = 0
    for batch in batches:
        x = np.asarray(batch, np.float32).reshape(-1, batch.shape[-1])
        size = len(x)
        total += size
        running_mean, running_variance = x.mean(0), x.var(0, ddof=1)  # what momentum = 1 leaves in the layer
        squares = running_mean**2 + running_variance * np.float32((size - 1) / size)
        share = one * np.float32(size / total)
        mean = mean + (running_mean - mean) * share
        square = square + (squares - square) * share
    return Statistics(mean, square - mean**2)


def errors(found: Any, exact: Statistics) -> tuple[float, float]:
    """The largest error of the mean, in σ, and of the variance, in σ²."""
    mean, variance = (np.asarray(part, np.float64) for part in found)
    return (
        float(np.max(np.abs(mean - exact.mean) / np.sqrt(exact.variance))),
        float(np.max(np.abs(variance / exact.variance - 1))),
    )


def _normalized(z: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    return (z - mean) / np.sqrt(variance + epsilon)
