"""Arguments of constructors, checked when a scaler is fitted, as scikit-learn wants it."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np


def require_clip(clip: Any) -> None:
    """Raises a ValueError if a limit is neither None nor a positive number."""
    number = isinstance(clip, numbers.Real) and not isinstance(clip, bool)
    if clip is not None and not (number and clip > 0 and _is_finite(clip)):
        raise ValueError(f"clip must be a positive number, such as 5.0, or None for no limit, got {clip!r}")


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def require_flags(scaler: Any, *names: str) -> None:
    """Raises a ValueError if one of the arguments is neither True nor False."""
    for name in names:
        if not isinstance(value := getattr(scaler, name), bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {value!r}")
