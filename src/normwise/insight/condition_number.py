"""condition_numbers: how stretched the loss of a linear model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.measurement import Measurement
from normwise.insight._features import Floats, centered, checked, stds

ROUNDING = 1e-13
"""An eigenvalue below so many times the largest, for each column, cannot be told from 0 in float64."""


def condition_numbers(x: Any, columns: Sequence[str], variant: str = "") -> tuple[Measurement, ...]:
    """The condition numbers of E[xxᵀ] and of the covariance of the features that vary.

        κ = λ_max / λ_min

    Half of E[xxᵀ] is the Hessian of the mean squared error of a linear model without, and the covariance that
    of one with an intercept.

    Args:
        x: Features, (rows, features).
        columns: Their names.
        variant: What the records call the data, such as ``"raw"``.

    Returns:
        ``condition_number_second_moments`` and ``condition_number_covariance``; infinity where columns depend
        on each other linearly.

    Raises:
        ValueError: As `normwise.insight.feature_spread`; and if no column varies.

    Example:
        >>> x = [[1.0, 10.0], [1.0, -10.0], [-1.0, 10.0], [-1.0, -10.0]]
        >>> [m.value for m in condition_numbers(x, ["a", "b"])]
        [100.0, 100.0]

    Source:
        LeCun, Kanter & Solla 1990, "Second order properties of error surfaces", NIPS.
    """
    values = checked(x, columns)
    varying = stds(values) > 0
    if not varying.any():
        raise ValueError(f"none of the {len(columns)} columns of x varies; expected one or more that do")
    values = values[:, varying]
    about, rows = centered(values), len(values)
    source = "LeCun, Kanter & Solla 1990"
    return tuple(
        Measurement(
            f"condition_number_{name}",
            condition_number(matrix),
            "",
            rows,
            definition,
            source,
            variant=variant,
        )
        for name, matrix, definition in (
            ("second_moments", values.T @ values / rows, "largest over smallest eigenvalue of E[xxᵀ]"),
            ("covariance", about.T @ about / rows, "largest over smallest eigenvalue of the covariance"),
        )
    )


def condition_number(matrix: Floats) -> float:
    """The largest over the smallest eigenvalue of a symmetric matrix; infinity where that is 0 to rounding.

    Example:
        >>> condition_number(np.diag([8.0, 2.0]))
        4.0
    """
    eigenvalues = np.linalg.eigvalsh(matrix)
    largest, smallest = float(eigenvalues[-1]), float(eigenvalues[0])
    return largest / smallest if smallest > ROUNDING * len(matrix) * largest else float("inf")
