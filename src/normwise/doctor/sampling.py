"""How far a channel's statistics are apart, and how far chance alone would put them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.core.evidence import Evidence, NormalizationEvidence

FEWEST = 32
"""Independent values of a channel below which its statistics say nothing: the variance is off by 25%."""
BATCH = 32
"""Rows of a batch where nobody said: Keras' default."""

Channels = NDArray[np.float64]


def channels(values: ArrayLike) -> Channels:
    """Numbers of a record as an array."""
    return np.asarray(values, dtype=np.float64)


def median(values: ArrayLike) -> float:
    """The median of what is not NaN; NaN of nothing."""
    known = channels(values)
    known = known[~np.isnan(known)]
    return float(np.median(known)) if known.size else math.nan


def independent_per_row(n: NormalizationEvidence) -> float:
    """Independent values of a channel in a row; 1, which is the least, where it was not measured."""
    return max(1.0, n.independent_per_row) if math.isfinite(n.independent_per_row) else 1.0


def independent_values(n: NormalizationEvidence) -> float:
    """Independent values of a channel in the rows that were probed."""
    per_row = n.values_per_row if n.values_per_row >= 1 else 1.0
    return n.values / per_row * independent_per_row(n)


def is_untouched(evidence: Evidence, n: NormalizationEvidence) -> bool:
    """Whether the moving statistics are the initial 0 and 1, and no training was to change them."""
    return evidence.model.iterations == 0 and is_initial(n)


def is_initial(n: NormalizationEvidence) -> bool:
    """Whether the moving statistics are the initial 0 and 1."""
    return bool(np.all(channels(n.moving_mean) == 0) and np.all(channels(n.moving_variance) == 1))


def shift(n: NormalizationEvidence, mean: ArrayLike, variance: ArrayLike) -> float:
    """The median over the channels of |moving mean − mean|/√(variance + ε)."""
    return median(abs(channels(n.moving_mean) - channels(mean)) / np.sqrt(channels(variance) + n.epsilon))


def spread(n: NormalizationEvidence, variance: ArrayLike) -> float:
    """The median over the channels of the factor, 1 or more, between the variances, ε added to both."""
    ratio = (channels(n.moving_variance) + n.epsilon) / (channels(variance) + n.epsilon)
    return median(np.exp(abs(np.log(ratio))))


def with_chance(threshold: float, error: float) -> float:
    """A threshold with three standard errors added, as errors add: √(threshold² + (3·error)²)."""
    return math.hypot(threshold, 3 * error)


def mean_error(evidence: Evidence, n: NormalizationEvidence) -> float:
    """Standard error, in σ, of the difference between a moving mean and the mean of the rows.

    The rows give √(1/m), the moving average of batches of b values √((1 − momentum)/((1 + momentum)·b)).
    """
    return math.sqrt(1 / max(independent_values(n), 1.0) + _averaging(n) / batch_values(evidence, n))


def variance_error(evidence: Evidence, n: NormalizationEvidence) -> float:
    """Standard error of the logarithm of the ratio of the variances, of values that are normal."""
    return math.sqrt(2) * mean_error(evidence, n)


def batch_values(evidence: Evidence, n: NormalizationEvidence) -> float:
    """Independent values of a channel in a batch of the training."""
    return max(1.0, (evidence.training.batch_size or BATCH) * independent_per_row(n))


def _averaging(n: NormalizationEvidence) -> float:
    momentum = n.momentum if 0 <= n.momentum <= 1 else 0.99
    return (1 - momentum) / (1 + momentum)
