"""The native kernels on arrays of (rows, columns): their statistics, and one affine map a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.native import native


def statistics_by_kernels(x: NDArray[Any]) -> tuple[NDArray[Any], ...] | None:
    """Count, mean, m2, minimum and maximum of each column's values that are no NaN.

    None where there are no kernels, they do not take the array, a value is infinite or a square overflows.
    """
    extension = native()
    if extension is None or not _taken(x):
        return None
    found: tuple[NDArray[Any], ...] | None = extension.column_statistics(x)
    return found


def affine_by_kernels(
    x: NDArray[Any],
    constants: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    limits: tuple[float, float],
    y: NDArray[Any],
) -> bool | None:
    """``y = (x − origin)·factor + offset`` within limits, and whether a value of x is NaN or infinite.

    None, and y as it was, where there are no kernels or they do not take the arrays.
    """
    extension = native()
    if extension is None or not (_taken(x) and _taken(y)):
        return None
    origin, factor, offset = (np.ascontiguousarray(c, x.dtype) for c in constants)
    bad: bool = extension.affine(x, origin, factor, offset, *limits, y)
    return bad


def _taken(x: NDArray[Any]) -> bool:
    """float32 and float64 of this machine's byte order, in C order or Fortran's."""
    flags = x.flags
    ordered = flags.c_contiguous or flags.f_contiguous
    return x.dtype in (np.float32, np.float64) and ordered and flags.aligned and x.size > 0
