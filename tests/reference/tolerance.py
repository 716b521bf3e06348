"""The one place that every numerical tolerance comes from, and the comparison that uses it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def tolerance(dtype: str, n: int = 1, conditioning: float = 1.0) -> float:
    """The relative error that a result computed in `dtype` may have: ``ε·(2 + √n)·conditioning``.

    Rounding errors of a sum of n values grow as √n where they are random; the 2 covers the few operations
    around it. It is a bound for right algorithms: a wrong one (a one-pass variance, a lost m/(m − 1)) is
    out by ε·conditioning², or by 1/m, and so fails.

    Args:
        dtype: The precision of the result; ``"float16"``, ``"bfloat16"``, ``"float32"``, ``"float64"``.
        n: How many values were added up, one after the other at worst.
        conditioning: How much the quantity magnifies relative errors of its input: |mean|/std for a mean in
            units of std, 1 for a sum of positive values.
    """
    return _EPSILON[dtype] * (2.0 + math.sqrt(n)) * conditioning


def assert_close(actual: Any, expected: Any, allowed: float) -> None:
    """Fail unless shapes agree and no error exceeds `allowed` times the largest expected magnitude.

    Where all that is expected is 0, the magnitude counts as 1. NaN or infinity on either side fails.
    """
    a, e = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert a.shape == e.shape, f"shape {a.shape}, expected {e.shape}"
    assert np.isfinite(e).all(), f"the reference is not finite: {e}"
    assert np.isfinite(a).all(), f"{(~np.isfinite(a)).sum()} of {a.size} values are not finite"
    if a.size:
        error = float(np.abs(a - e).max() / (np.abs(e).max() or 1.0))
        assert error <= allowed, f"relative error {error:.3g}, allowed {allowed:.3g}"
