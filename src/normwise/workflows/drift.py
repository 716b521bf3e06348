"""Whether a table to predict still looks like the training table."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.drift import ColumnDrift

SHIFT = 0.5
"""A mean that moved by more than so many training standard deviations is named …"""
STANDARD_ERRORS = 4.0
"""… if that is also more than so many standard errors of the new table's mean."""
SPREAD = 4.0
"""A variance that grew or shrank by more than this factor is named, in a table of at least FEWEST values."""
FEWEST = 30
KS = 0.2
"""A distribution function that differs by more than this somewhere is named (deepchecks' threshold) …"""
KS_NOISE = 2.28
"""… if that is also more than so many times √((n + m)/(n·m)), in a table of at least FEWEST values.

Chance exceeds that as rarely as STANDARD_ERRORS: √(−½·ln(α/2)) at α = 6.3e-5. At the usual 1.36, α = 0.05,
one feature in twenty would be named for nothing."""
NEW_MISSING = 0.1
"""A share of missing values that rose by more than this is named: the network then knows a tenth less of the
column. Words in more than a tenth of a column's rows, too, make it another column."""


def drift_notes(
    training: ColumnStatistics,
    now: ColumnStatistics,
    origins: NDArray[np.float64] | None = None,
    indicators: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """What moved between the training rows and a new table; at most one sentence a feature, the first of:

    - the mean: ``|mean′ − mean| > max(SHIFT·std, STANDARD_ERRORS·√(max(variance, variance′)/n′))``;
    - the spread: ``variance′/variance`` above SPREAD or below 1/SPREAD;
    - the distribution: ``ks − ks_error > max(KS, KS_NOISE·√((n + n′)/(n·n′)))``, certain beyond the sketches'
      own error.

    Args:
        training: Statistics of the training rows.
        now: Statistics of the same features in the new table.
        origins: What was subtracted from each feature before; the means are told with it. None for nothing.
        indicators: Features that are 1 where a column's value is missing, and that column's name: told of
            them is the share of missing values, also where it rose by NEW_MISSING.

    Example:
        >>> old = ColumnStatistics.of([[1.0], [2.0], [3.0]] * 20, names=["age"])
        >>> drift_notes(old, old)
        ()
        >>> print(drift_notes(old, ColumnStatistics.of([[11.0], [12.0], [13.0]] * 20, names=["age"]))[0])
        "age" drifted: its mean is 12, in training it was 2 (12.2 standard deviations away)
    """
    columns = training.compare(now).columns
    places = np.zeros(len(columns)) if origins is None else origins
    notes = (
        _missing_note(column, indicators[column.name])
        if indicators and column.name in indicators
        else _mean_note(column, float(origin)) or _spread_note(column) or _ks_note(column)
        for column, origin in zip(columns, places, strict=True)
    )
    return tuple(note for note in notes if note)


def _beyond_noise(column: ColumnDrift) -> bool:
    """Whether the mean moved by more than the new rows' own noise; so no for a column without values."""
    if column.mean_before is None or column.mean_now is None:
        return False
    assert column.std_before is not None
    assert column.std_now is not None
    error = max(column.std_before, column.std_now) / math.sqrt(column.count_now)
    return abs(column.mean_now - column.mean_before) > STANDARD_ERRORS * error


def _mean_moved(column: ColumnDrift) -> bool:
    return column.shift is not None and abs(column.shift) > SHIFT and _beyond_noise(column)


def _mean_note(column: ColumnDrift, origin: float) -> str | None:
    if not _mean_moved(column):
        return None
    assert column.shift is not None
    assert column.mean_before is not None
    assert column.mean_now is not None
    new, old = column.mean_now + origin, column.mean_before + origin
    difference = abs(column.mean_now - column.mean_before)
    digits = max(6, int(np.ceil(np.log10(max(abs(new), abs(old), 1.0) / difference))) + 3)
    always = f"it was always {old:.{digits}g} in training"
    far = f"{_ratio(abs(column.shift))} standard deviations away" if column.std_before else always
    return (
        f'"{column.name}" drifted: its mean is {new:.{digits}g}, in training it was {old:.{digits}g} ({far})'
    )


def _spread_changed(column: ColumnDrift) -> bool:
    if column.variance_ratio is None or column.count_now < FEWEST or not column.std_before:
        return False
    return not 1 / SPREAD <= column.variance_ratio <= SPREAD


def _spread_note(column: ColumnDrift) -> str | None:
    return _spread_sentence(column) if _spread_changed(column) else None


def _spread_sentence(column: ColumnDrift) -> str:
    return (
        f'"{column.name}" drifted: its standard deviation is {column.std_now:.6g}, '
        f"in training it was {column.std_before:.6g}"
    )


def _ks_note(column: ColumnDrift) -> str | None:
    if column.ks is None or column.ks_error is None or column.shift is None or column.count_now < FEWEST:
        return None
    n, m = column.count_before, column.count_now
    if column.ks - column.ks_error <= max(KS, KS_NOISE * math.sqrt((n + m) / (n * m))):
        return None
    if not column.std_before:
        return _spread_sentence(column)
    return (
        f'"{column.name}" drifted: the distribution\'s largest difference to training is {column.ks:.2f}'
        " (KS), while mean and spread stayed within their limits"
    )


def _missing_note(column: ColumnDrift, name: str) -> str | None:
    if column.mean_before is None or column.mean_now is None:
        return None
    rose = column.mean_now - column.mean_before > NEW_MISSING and _beyond_noise(column)
    if not (rose or _mean_moved(column) or _spread_changed(column)):
        return None
    return (
        f'"{name}" drifted: {column.mean_now:.1%} of its values are missing, in training'
        f" {column.mean_before:.1%} were"
    )


def _ratio(value: float) -> str:
    """With one digit behind the point, or three digits and a power of ten: a ratio may have forty digits."""
    return f"{value:.1f}" if value < 1e3 else f"{value:.3g}"
