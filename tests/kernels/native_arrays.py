"""The native kernels on NumPy's arrays, by their addresses, beside the reference in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.reference.batch_normalization import algorithm_1, gradients

LINEAR, RELU, LEAKY_RELU, SIGMOID, SILU, TANH, GELU = range(7)
ALPHA = 0.2


class Found(NamedTuple):
    """What the two passes gave; mean is in float64."""

    y: Any
    mean: Any
    m2: Any
    by_x: Any
    by_gamma: Any
    by_beta: Any


def extension() -> Any:
    return pytest.importorskip("normwise._native", reason="the kernels are not built here")


def by_kernels(
    x: Any,
    upstream: Any,
    gamma: Any,
    beta: Any,
    view: Any,
    activation: int = LINEAR,
    epsilon: float = 1e-3,
    weights: Any = None,
) -> Found:
    """Both passes; all arrays are of one dtype and lie in memory as `view` says."""
    dtype, channels = x.dtype, view[1]
    y, by_x = np.empty_like(x), np.empty_like(x)
    origin, rest, m2, by_gamma, by_beta = (np.empty(channels, dtype) for _ in range(5))
    call = (tuple(view), epsilon, activation, ALPHA)
    native = extension()
    forward = getattr(native, f"batch_norm_forward_{dtype}")
    backward = getattr(native, f"batch_norm_backward_{dtype}")
    forward(*call, *addresses(x, gamma, beta, weights, y, origin, rest, m2))
    backward(*call, *addresses(upstream, x, gamma, beta, origin, rest, m2, weights, by_x, by_gamma, by_beta))
    return Found(y, origin.astype(np.float64) + rest, m2, by_x, by_gamma, by_beta)


def by_reference(
    x: Any,
    upstream: Any,
    gamma: Any,
    beta: Any,
    value: Any,
    slope: Any,
    epsilon: float = 1e-3,
    weights: Any = None,
) -> Found:
    """The same of arrays (…, channels), in float64."""
    x, upstream, gamma, beta = (np.asarray(a, np.float64) for a in (x, upstream, gamma, beta))
    count = x.size / x.shape[-1] if weights is None else np.sum(weights, dtype=np.float64)
    z, mean, variance = algorithm_1(x, gamma, beta, epsilon, weights)
    by_x, by_gamma, by_beta = gradients(upstream * slope(z), x, gamma, epsilon, weights)
    return Found(value(z), mean, variance * count, by_x, by_gamma, by_beta)


def addresses(*arrays: Any) -> list[int]:
    return [0 if a is None else a.__array_interface__["data"][0] for a in arrays]


def batch(shape: Any, channels: int, dtype: str = "float32", mean: float = 0.5, spread: float = 2.0) -> Any:
    """x, ∂L/∂y, γ and β."""
    random = np.random.default_rng(0)
    x, upstream = random.normal(mean, spread, shape), random.normal(0.2, 1.0, shape)
    gamma, beta = random.uniform(0.5, 2.0, channels), random.normal(size=channels)
    return tuple(a.astype(dtype) for a in (x, upstream, gamma, beta))
