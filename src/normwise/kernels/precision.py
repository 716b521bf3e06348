"""The precision in which statistics and scalings are computed."""

from __future__ import annotations

from typing import Any

import keras


def at_least_float32(dtype: Any) -> str:
    """``"float64"`` for float64, ``"float32"`` for everything else.

    `keras.backend.result_type` will not do: on JAX and torch it makes float32 of float64.
    """
    return "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"
