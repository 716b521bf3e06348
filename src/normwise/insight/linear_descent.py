"""linear_descent_steps: how many steps gradient descent takes for a linear model of all columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.descent import steps_needed
from normwise.core.measurement import Measurement
from normwise.insight._features import Floats, checked, stds
from normwise.insight.condition_number import condition_number
from normwise.insight.descent import MOST_STEPS, SOURCE, STARTS, step_measurements, steps_along


def linear_descent_steps(
    x: Any, columns: Sequence[str], seed: int = 0, variant: str = ""
) -> tuple[Measurement, ...]:
    r"""Steps of gradient descent for linear least squares with an intercept, whatever the target.

        L(w, b) = ½ E[(y − b − wᵀx)²],   H = E[x̃x̃ᵀ],   x̃ = (x, 1)

    Exact: the loss is quadratic, and the errors along the eigenvectors of H shrink by |1 − ηλ| a step, at the
    rate η = 2/(λ_max + λ_min), whose slowest shrinking is the fastest. The starts are random, uniform over
    the directions of the weights from the optimum and equally far from it. Constant columns are left out.

    Scaling each column cannot undo that columns depend on each other: then κ stays large.

    Args:
        x: Features, (rows, features).
        columns: Their names.
        seed: The seed of the twenty starts.
        variant: What the records call the data, such as ``"raw"``.

    Returns:
        ``condition_number_linear_hessian``; ``linear_descent_steps``, the median over the starts, and
        ``linear_descent_steps_least`` and ``_most``; ``predicted_linear_descent_steps``, the bound by κ.
        Infinity where columns depend on each other linearly, or there are more than 10¹³ steps.

    Raises:
        ValueError: As `normwise.insight.condition_numbers`.

    Example:
        >>> x = [[1.0, 10.0], [1.0, -10.0], [-1.0, 10.0], [-1.0, -10.0]]  # H = diag(1, 100, 1)
        >>> [(m.name, round(m.value, 6)) for m in linear_descent_steps(x, ["a", "b"])][:2]
        [('condition_number_linear_hessian', 100.0), ('linear_descent_steps', 116.0)]

    Source:
        LeCun, Kanter & Solla 1990, "Second order properties of error surfaces", NIPS.
    """
    rows = with_intercept(x, columns)
    return hessian_measurements(
        "linear", rows, seed, "; linear least squares, all columns, intercept", variant
    )


def with_intercept(x: Any, columns: Sequence[str]) -> Floats:
    """The columns that vary, and one of 1."""
    values = checked(x, columns)
    varying = stds(values) > 0
    if not varying.any():
        raise ValueError(f"none of the {len(columns)} columns of x varies; expected one or more that do")
    return np.column_stack([values[:, varying], np.ones(len(values))])


def hessian_measurements(
    model: str, rows: Floats, seed: int, of: str, variant: str
) -> tuple[Measurement, ...]:
    """κ and steps where the Hessian is the second moments of `rows`."""
    kappa = condition_number(rows)
    errors = np.random.default_rng(seed).normal(size=(STARTS, rows.shape[1]))
    if steps_needed(kappa) > MOST_STEPS:
        counts = [math.inf] * STARTS
    else:
        # Errors along the eigenvectors of a direction drawn uniformly are drawn so themselves.
        eigenvalues = np.square(np.linalg.svd(rows, compute_uv=False))
        counts = [steps_along(eigenvalues, start) for start in errors]
    number = Measurement(
        f"condition_number_{model}_hessian",
        kappa,
        "",
        len(rows),
        f"largest over smallest eigenvalue of the Hessian{of}",
        SOURCE,
        variant=variant,
    )
    steps = step_measurements(f"{model}_descent_steps", counts, kappa, len(rows), of, SOURCE, variant)
    return (number, *steps)
