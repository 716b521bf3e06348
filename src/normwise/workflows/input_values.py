"""arrays_of_inputs, require_finite: which array an input takes, and whether its numbers are finite."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras
import numpy as np

from normwise.core.errors import TrainingError
from normwise.graph.record_model import input_names, names_of_inputs
from normwise.workflows.probed_rows import ProbedRows


def arrays_of_inputs(model: Any, x: Any) -> dict[str, Any]:
    """The arrays of x by the names that the model's record gives its inputs."""
    names = names_of_inputs(model) or input_names(x)
    if isinstance(x, dict) and set(names) <= set(x):
        return {name: x[name] for name in names}
    return dict(zip(names, keras.tree.flatten(x), strict=False))


def require_finite(arrays: dict[str, Any], probed: ProbedRows, but: Collection[str] = ()) -> None:
    """Raises TrainingError where an array holds NaN or infinity, but for those of the inputs `but`."""
    for name, array in arrays.items():
        if name in but or array.dtype.kind != "f":
            continue
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if bad.any():
            raise TrainingError(
                f'the input "{name}" holds NaN or infinity in {int(bad.sum()):,} of the {len(array):,} rows'
                f" that were probed, first in row {probed.places[np.argmax(bad)]} (counted from 0); expected"
                " finite numbers: fill in or leave out such rows, or give the model a layer that does"
            )
