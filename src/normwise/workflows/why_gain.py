"""gain_over_constant: whether a variant learned anything that holds on rows that it never saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.measurement import Measurement

GAIN, ERROR = "gain_over_constant", "gain_over_constant_error"
Losses = NDArray[np.float64]


def constant_row_losses(training: NDArray[Any], y: NDArray[Any], classes: int) -> Losses:
    """The loss of each row of the best constant predictor that the training targets give.

    Cross-entropy of the training rows' class shares; for regression (0 classes) the square about their mean.
    """
    if not classes:
        return np.asarray((y.astype(np.float64) - training.mean(dtype=np.float64)) ** 2)
    shares = np.bincount(training, minlength=classes) / len(training)
    return np.asarray(-np.log(shares[y]))


def gain_over_constant(constant: Losses, of_seeds: Sequence[Losses]) -> tuple[Measurement, Measurement]:
    """By how much the network's loss is below a constant's on the held-out rows, and the standard error.

    Args:
        constant: The constant predictor's loss of each row, (rows,).
        of_seeds: Those of the network, one a seed; their mean counts.

    Example:
        >>> gain, error = gain_over_constant(np.array([1.0, 1.0, 1.0]), [np.array([0.1, 0.2, 0.3])])
        >>> round(gain.value, 3), round(error.value, 3)
        (0.8, 0.058)
    """
    rows = len(constant)
    gains = constant - np.mean(of_seeds, axis=0)
    error = float(np.std(gains, ddof=1)) / math.sqrt(rows) if rows > 1 else math.inf
    what = "loss of the best constant predictor less the network's, mean over the held-out rows and seeds"
    return (
        Measurement(GAIN, float(gains.mean()), "", rows, what, ""),
        Measurement(
            ERROR, error, "", rows, "standard error over the held-out rows of gain_over_constant", ""
        ),
    )
