"""Columns of the last axis, in a form that every backend can export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def take_columns(x: Any, columns: Sequence[int]) -> Any:
    """``x[…, columns]``.

    On torch by indexing: what `keras.ops.take` does there for the last axis, its ONNX exporter does not know.
    """
    index = ops.convert_to_tensor(np.array(columns, np.int32))
    if keras.backend.backend() == "torch":
        return x[..., index.long()]
    return ops.take(x, index, axis=-1)
