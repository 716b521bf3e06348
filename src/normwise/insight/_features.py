"""What the measurements of features share: the checked array, its moments, and which columns are constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.moments import Moments

Floats = NDArray[np.float64]


def checked(x: Any, columns: Sequence[str]) -> Floats:
    """The features in float64, (rows, features).

    Raises:
        ValueError: If they are no matrix of at least two rows of finite numbers, with a name for each column.
    """
    values = np.asarray(x, np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"x has shape {values.shape}; expected (rows, features) with two rows or more")
    if len(columns) != values.shape[1]:
        raise ValueError(
            f"{len(columns)} names were given for the {values.shape[1]} columns of x; expected one for each"
        )
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f'column "{columns[column]}" of x holds {values[row, column]} in row {row} (counted from 0); '
            "expected finite numbers: fill in or leave out such rows"
        )
    return values


def centered(values: Floats) -> Floats:
    """The features about their means."""
    about: Floats = values - Moments.of(values, axis=0).mean
    return about


def stds(values: Floats) -> Floats:
    """Each column's standard deviation over the rows (divided by n); 0 where it is constant.

    The range decides what is constant: the mean of equal values may round, and a tiny spread is a spread.
    """
    found: Floats = np.sqrt(Moments.of(values, axis=0).variance())
    return np.where(values.min(axis=0) == values.max(axis=0), 0.0, found)
