"""Inputs that the layer tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

SHAPES = {2: (48, 3), 3: (8, 6, 3), 4: (4, 5, 6, 3), 5: (3, 4, 2, 5, 3)}
"""By rank, channels last."""


def normal(shape: tuple[int, ...], seed: int = 0, mean: float = 2.0, std: float = 3.0) -> Any:
    """Normal values, float32."""
    return np.random.default_rng(seed).normal(mean, std, shape).astype("float32")


def values(shape: tuple[int, ...]) -> int:
    """How many values a channel has, channels last."""
    return int(np.prod(shape[:-1]))
