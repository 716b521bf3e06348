"""Batch normalization in float64 NumPy, written from Ioffe & Szegedy 2015 (arXiv:1502.03167).

Arrays are (…, channels): m values a channel, over all leading axes. Names are the paper's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Forward(NamedTuple):
    """y of Algorithm 1, with the mini-batch mean and variance."""

    y: Any
    mean: Any
    variance: Any


class Backward(NamedTuple):
    """The gradients of section 3."""

    x: Any
    gamma: Any
    beta: Any


def algorithm_1(
    x: Any, gamma: Any, beta: Any, epsilon: float, weights: Any = None, r: Any = 1.0, d: Any = 0.0
) -> Forward:
    """Algorithm 1, "Batch Normalizing Transform, applied to activation x over a mini-batch".

    A value of weight w counts w times. With r and d, y is Algorithm 1's of Ioffe 2017 (arXiv:1702.03275).
    """
    x, w = _weighted(x, weights)
    axes = tuple(range(x.ndim - 1))
    m = np.maximum(w.sum(axes), 1e-300)
    mu = (w * x).sum(axes) / m
    # A second look at the rounding of the first sum; in exact arithmetic it adds nothing.
    mu = mu + (w * (x - mu)).sum(axes) / m
    sigma2 = (w * (x - mu) ** 2).sum(axes) / m
    x_hat = (x - mu) / np.sqrt(sigma2 + epsilon)
    return Forward(gamma * (x_hat * r + d) + beta, mu, sigma2)


def gradients(
    dl_dy: Any, x: Any, gamma: Any, epsilon: float, weights: Any = None, r: Any = 1.0, d: Any = 0.0
) -> Backward:
    """The chain rule of section 3, line by line; r and d of Ioffe 2017 are constants to it."""
    x, w = _weighted(x, weights)
    dl_dy = np.asarray(dl_dy, np.float64)
    axes = tuple(range(x.ndim - 1))
    m = np.maximum(w.sum(axes), 1e-300)
    _, mu, sigma2 = algorithm_1(x, 1.0, 0.0, epsilon, w)
    root = np.sqrt(sigma2 + epsilon)
    dl_dxhat = dl_dy * gamma * r
    dl_dsigma2 = (dl_dxhat * (x - mu) * (-1 / 2) * (sigma2 + epsilon) ** (-3 / 2)).sum(axes)
    dl_dmu = (dl_dxhat * (-1 / root)).sum(axes) + dl_dsigma2 * (-2 * w * (x - mu)).sum(axes) / m
    dl_dx = dl_dxhat / root + dl_dsigma2 * 2 * w * (x - mu) / m + dl_dmu * w / m
    dl_dgamma = (dl_dy * ((x - mu) / root * r + d)).sum(axes)
    dl_dbeta = dl_dy.sum(axes)
    return Backward(dl_dx, dl_dgamma, dl_dbeta)


def algorithm_2_statistics(batches: Any, momentum: float) -> tuple[Any, Any]:
    """Algorithm 2, step 10: E[x] = E_B[μ_B], Var[x] = m/(m − 1)·E_B[σ_B²], over mini-batches of size m.

    E_B is the mean over the batches seen, each weighing `momentum` times what its successor does.
    """
    weights = np.array([momentum ** (len(batches) - 1 - i) for i in range(len(batches))])
    weights = weights / weights.sum()
    means, variances = _unbiased(batches)
    return np.tensordot(weights, means, 1), np.tensordot(weights, variances, 1)


def exponential_statistics(batches: Any, momentum: float, mean: Any, variance: Any) -> tuple[Any, Any]:
    """The moving averages of Keras, which start at given values, of μ_B and m/(m − 1)·σ_B²."""
    for mu, sigma2 in zip(*_unbiased(batches), strict=True):
        mean = momentum * mean + (1 - momentum) * mu
        variance = momentum * variance + (1 - momentum) * sigma2
    return mean, variance


def algorithm_2_inference(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    """Algorithm 2, step 11: y = γ/√(Var[x] + ε)·x + (β − γ·E[x]/√(Var[x] + ε)), which float64 can afford."""
    root = np.sqrt(np.asarray(variance, np.float64) + epsilon)
    return gamma / root * np.asarray(x, np.float64) + (beta - gamma * np.asarray(mean, np.float64) / root)


def _unbiased(batches: Any) -> tuple[Any, Any]:
    forwards = [algorithm_1(b, 1.0, 0.0, 0.0) for b in batches]
    sizes = [b[..., 0].size for b in batches]
    variances = [f.variance * m / (m - 1) for f, m in zip(forwards, sizes, strict=True)]
    return np.array([f.mean for f in forwards]), np.array(variances)


def _weighted(x: Any, weights: Any) -> tuple[Any, Any]:
    """x and weights of one shape; where a weight is 0, what is not finite is 0."""
    x = np.asarray(x, np.float64)
    w = np.broadcast_to(1.0 if weights is None else np.asarray(weights, np.float64), x.shape)
    return np.where((w > 0) | np.isfinite(x), x, 0.0), w
