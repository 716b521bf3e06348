"""bowl: the loss over two weights of a linear model, which is the article's ellipse, or circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.measurement import Bowl
from normwise.insight._features import Floats, centered, checked, stds
from normwise.insight.condition_number import condition_number


def bowl(
    x: Any, y: Any, columns: Sequence[str], pair: tuple[str, str] | None = None, variant: str = ""
) -> Bowl:
    r"""The mean squared error of a linear model over the weights of two features, exactly.

        L(w) = ½ E[(y − b − wᵀx)²] = L* + ½ (w − w*)ᵀ H (w − w*),    H = cov(x)

    The model has the two features and the intercept b, which is at its best for every w. The target is
    standardized, so that losses of different tables compare.

    Args:
        x: Features, (rows, features).
        y: A numeric target, (rows,); of classes, whether a row is of one of them.
        columns: The names of the features.
        pair: Which two; by default those of largest and smallest standard deviation, among those that vary.
        variant: What the record calls the data, such as ``"raw"``.

    Raises:
        ValueError: If x is no matrix of finite numbers, y does not fit it or is constant, or fewer than two
            columns vary, or the pair is not two of these.

    Example:
        >>> x = np.array([[1.0, 10.0], [1.0, -10.0], [-1.0, 10.0], [-1.0, -10.0]])
        >>> found = bowl(x, x[:, 0], ["a", "b"])
        >>> found.columns, found.condition_number, [round(w, 9) for w in found.optimum], round(found.loss, 9)
        (('b', 'a'), 100.0, [0.0, 1.0], 0.0)

    Source:
        LeCun, Kanter & Solla 1990, "Second order properties of error surfaces", NIPS.
    """
    values = checked(x, columns)
    target = np.asarray(y, np.float64).reshape(-1)
    if len(target) != len(values):
        raise ValueError(f"y has {len(target)} rows and x {len(values)}; expected as many")
    if not np.isfinite(target).all() or np.ptp(target) == 0:
        raise ValueError("y is constant, or not finite; expected numbers that vary")
    first, second = _places(values, columns, pair)
    about, wanted, rows = centered(values[:, [first, second]]), _standardized(target), len(values)
    hessian = about.T @ about / rows
    optimum = np.linalg.lstsq(about, wanted, rcond=None)[0]
    loss = 0.5 * float(np.square(wanted - about @ optimum).mean())
    return Bowl(
        columns=(columns[first], columns[second]),
        hessian=tuple(float(h) for h in hessian.ravel()),
        optimum=tuple(float(w) for w in optimum),
        loss=loss,
        condition_number=condition_number(about),
        sample_size=rows,
        definition="½ E[(y − b − wᵀx)²] of the standardized target over two weights, intercept at its best",
        source="LeCun, Kanter & Solla 1990",
        variant=variant,
    )


def _standardized(target: Floats) -> Floats:
    about: Floats = centered(target[:, None])[:, 0]
    standardized: Floats = about / np.sqrt(np.square(about).mean())
    return standardized


def _places(values: Any, columns: Sequence[str], pair: tuple[str, str] | None) -> tuple[int, int]:
    found = stds(values)
    if pair is not None:
        unknown = [name for name in pair if name not in columns]
        if unknown:
            raise ValueError(f"{unknown} are no columns of x; expected two of {list(columns)}")
        first, second = (list(columns).index(name) for name in pair)
        if first == second or not (found[first] > 0 and found[second] > 0):
            raise ValueError(f"the pair {pair} are not two columns that vary; expected two that do")
        return first, second
    varying = np.flatnonzero(found)
    if len(varying) < 2:
        raise ValueError(f"{len(varying)} of the columns of x vary; expected two or more")
    order = varying[np.argsort(found[varying], kind="stable")]
    return int(order[-1]), int(order[0])
