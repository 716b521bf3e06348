"""Whether a table to predict still looks like the training table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics

SHIFT = 0.5
"""A mean that moved by more than so many training standard deviations is named …"""
STANDARD_ERRORS = 4.0
"""… if that is also more than so many standard errors of the new table's mean."""
SPREAD = 4.0
"""A variance that grew or shrank by more than this factor is named, in a table of at least FEWEST values."""
FEWEST = 30


def drift_notes(
    training: ColumnStatistics, now: ColumnStatistics, origins: NDArray[np.float64] | None = None
) -> tuple[str, ...]:
    """What moved between the training rows and a new table; one sentence a feature that did.

    The shift of a mean is in standard deviations of the training rows: ``|mean′ − mean| / std``.

    Args:
        training: Statistics of the training rows.
        now: Statistics of the same features in the new table.
        origins: What was subtracted from each feature before; the means are told with it. None for nothing.

    Example:
        >>> old = ColumnStatistics.of([[1.0], [2.0], [3.0]] * 20, names=["age"])
        >>> drift_notes(old, old)
        ()
        >>> print(drift_notes(old, ColumnStatistics.of([[11.0], [12.0], [13.0]] * 20, names=["age"]))[0])
        "age" drifted: its mean is 12, in training it was 2 (12.2 standard deviations away)
    """
    notes = []
    before, after = training.moments, now.moments
    old_variance, new_variance = before.variance(), after.variance()
    for i, name in enumerate(training.names):
        if after.count[i] == 0 or before.count[i] == 0:
            continue
        std = float(np.sqrt(old_variance[i]))
        difference = abs(float(after.mean[i] - before.mean[i]))
        error = float(np.sqrt(max(old_variance[i], new_variance[i]) / after.count[i]))
        if difference > max(SHIFT * std, STANDARD_ERRORS * error):
            new, old = (m.mean[i] + (0.0 if origins is None else origins[i]) for m in (after, before))
            digits = max(6, int(np.ceil(np.log10(max(abs(new), abs(old), 1.0) / difference))) + 3)
            always = f"it was always {old:.{digits}g} in training"
            far = f"{_ratio(difference / std)} standard deviations away" if std else always
            notes.append(
                f'"{name}" drifted: its mean is {new:.{digits}g}, in training it was {old:.{digits}g} ({far})'
            )
        elif after.count[i] >= FEWEST and std and _factor(new_variance[i], old_variance[i]) > SPREAD:
            notes.append(
                f'"{name}" drifted: its standard deviation is {np.sqrt(new_variance[i]):.6g}, '
                f"in training it was {std:.6g}"
            )
    return tuple(notes)


def _ratio(value: float) -> str:
    """With one digit behind the point, or three digits and a power of ten: a ratio may have forty digits."""
    return f"{value:.1f}" if value < 1e3 else f"{value:.3g}"


def _factor(a: float, b: float) -> float:
    return max(a / b, b / a) if a > 0 else float("inf")
