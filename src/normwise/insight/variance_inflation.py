"""variance_inflation: how far each feature is told by the others, which no scaling by columns undoes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.measurement import Measurement
from normwise.insight._features import centered, checked, stds
from normwise.insight.condition_number import ROUNDING


def variance_inflation(x: Any, columns: Sequence[str], variant: str = "") -> tuple[Measurement, ...]:
    """The variance inflation factor of each feature that varies.

        VIFⱼ = 1 / (1 − Rⱼ²),  Rⱼ² the share of column j's variance that a linear model of the others explains

    The j-th diagonal element of the inverse of the correlation matrix, hence the same for raw and scaled
    features, and it bounds the condition number of scaled ones from below: κ ≥ VIFⱼ. 1 is a feature that the
    others do not tell; above 10 they are called collinear.

    Args:
        x: Features, (rows, features).
        columns: Their names.
        variant: What the records call the data, such as ``"raw"``.

    Returns:
        ``variance_inflation_factor`` of each column that varies; infinity where the others determine it.

    Raises:
        ValueError: As `normwise.insight.feature_spread`; and if no column varies.

    Example:
        >>> x = np.array([[1.0, 1.0], [1.0, 0.0], [-1.0, -1.0], [-1.0, 0.0]])  # R² = 1/2
        >>> [(m.column, round(m.value, 9)) for m in variance_inflation(x, ["a", "b"])]
        [('a', 2.0), ('b', 2.0)]

    Source:
        Marquardt 1970, "Generalized Inverses, Ridge Regression, …", Technometrics 12, p. 610.
    """
    values = checked(x, columns)
    varying = stds(values) > 0
    if not varying.any():
        raise ValueError(f"none of the {len(columns)} columns of x varies; expected one or more that do")
    about = centered(values[:, varying])
    unit = about / np.linalg.norm(about, axis=0)
    _, lengths, axes = np.linalg.svd(unit, full_matrices=len(unit) < unit.shape[1])
    found = np.zeros(axes.shape[0])
    found[: len(lengths)] = lengths
    lost = found <= ROUNDING * max(unit.shape) * found[0]
    inverse = np.square(1 / np.where(lost, 1.0, found))
    # A direction along which nothing varies makes each column with a part in it one that others determine.
    determined = (np.square(axes[lost]) > ROUNDING * max(unit.shape)).any(axis=0)
    factors = np.where(determined, np.inf, np.where(lost, 0.0, inverse) @ np.square(axes))
    names = [name for name, kept in zip(columns, varying, strict=True) if kept]
    return tuple(
        Measurement(
            *("variance_inflation_factor", float(factor), "", len(values)),
            "1 / (1 − R²), R² the share of the column's variance that a linear model of the others explains",
            "Marquardt 1970",
            column=name,
            variant=variant,
        )
        for name, factor in zip(names, factors, strict=True)
    )
