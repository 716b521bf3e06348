"""condition_numbers: how stretched the loss of a linear model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.measurement import Measurement
from normwise.insight._features import Floats, centered, checked, stds

ROUNDING = float(np.finfo(np.float64).eps)


def condition_numbers(x: Any, columns: Sequence[str], variant: str = "") -> tuple[Measurement, ...]:
    """The condition numbers of E[xxᵀ] and of the covariance of the features that vary.

        κ = λ_max / λ_min

    The eigenvalues are the squares of the singular values of the table itself: E[xxᵀ] in float64 keeps none
    below 1e-16 of the largest, the table those down to 1e-24 with some digits.

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
        >>> [round(m.value, 9) for m in condition_numbers(x, ["a", "b"])]
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
            condition_number(part),
            "",
            rows,
            definition,
            source,
            variant=variant,
        )
        for name, part, definition in (
            ("second_moments", values, "largest over smallest eigenvalue of E[xxᵀ]"),
            ("covariance", about, "largest over smallest eigenvalue of the covariance"),
        )
    )


def condition_number(x: Floats) -> float:
    """The largest over the smallest eigenvalue of ``xᵀx``; infinity where columns depend on each other.

    Whether they do is decided with each column divided by its length: a small unit is no dependence.

    Example:
        >>> condition_number(np.diag([4.0, 2.0]))
        4.0
        >>> condition_number(np.diag([1e9, 1.0])), condition_number(np.array([[1.0, 2.0], [3.0, 6.0]]))
        (1e+18, inf)
    """
    unit = x / np.linalg.norm(x, axis=0)
    lengths = np.linalg.svd(unit, compute_uv=False)
    if len(x) < x.shape[1] or lengths[-1] <= ROUNDING * max(x.shape) * lengths[0]:
        return float("inf")
    singular = np.linalg.svd(x, compute_uv=False)
    # Of columns beyond float64's digits of one another the smallest is 0, or the square is beyond float64.
    with np.errstate(divide="ignore", over="ignore"):
        return float((singular[0] / singular[-1]) ** 2)
