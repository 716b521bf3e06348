"""Rows of the shape that the article's network takes; the network itself is `examples.article.network`."""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS, FEATURES, BATCH = 32_000, 14, 16


def rows(count: int = ROWS) -> tuple[Any, Any]:
    """Features (rows, 14) and one-hot classes (rows, 2)."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, FEATURES)).astype("float32")
    return x, np.eye(2, dtype="float32")[(x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)]
