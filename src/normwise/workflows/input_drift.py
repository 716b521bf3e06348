"""input_drift: how far the columns of new data moved from those that were probed."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.drift import Drift, compare
from normwise.core.errors import TrainingError, listing, warn
from normwise.core.model_record import ModelRecord
from normwise.insight.input_evidence import places_of_inputs
from normwise.workflows.input_values import arrays_of_inputs
from normwise.workflows.probed_rows import ProbedRows

SKETCH_SIZE = 128
"""Ranks are certain to 0.05 up to a million values."""
MOST_VALUES = 65536
"""Of the positions of a column so many are looked at, evenly spread."""


def input_drift(model: Any, record: ModelRecord, before: ProbedRows, now: ProbedRows) -> Drift:
    """The drift of each column, or channel, of the inputs that are numbers, as they are given.

    Warns of new values that are missing or infinite, and so are not compared.

    Raises:
        TrainingError: If a column of the new data holds no finite number.
    """
    drift = compare(*(_statistics(model, record, probed) for probed in (before, now)))
    if empty := [column.name for column in drift.columns if not column.count_now]:
        raise TrainingError(
            f"the columns {listing(empty)} of the new data hold no finite number; expected some in each"
        )
    for name, array in arrays_of_inputs(model, now.x).items():
        if array.dtype.kind == "f" and (bad := np.size(array) - np.isfinite(array).sum()):
            warn(
                f'{bad:,} of the {array.size:,} new values of the input "{name}" are NaN or infinity, and are'
                " not compared"
            )
    return drift


def _statistics(model: Any, record: ModelRecord, probed: ProbedRows) -> ColumnStatistics:
    arrays = arrays_of_inputs(model, probed.x)
    parts: list[ColumnStatistics] = []
    several = len(arrays) > 1
    for place in places_of_inputs(record):
        array = np.asarray(arrays[place.name], np.float64)
        array = array[:, None] if array.ndim == 1 else array
        array = np.moveaxis(array, 1, -1) if place.channels_first and array.ndim > 2 else array
        flat = array.reshape(-1, array.shape[-1])
        flat = flat[:: -(-len(flat) // MOST_VALUES)]
        fits = len(probed.columns) == flat.shape[1]
        names = probed.columns if fits else tuple(str(i) for i in range(flat.shape[1]))
        if several:
            names = tuple(f"{place.name}/{name}" for name in names)
        parts.append(ColumnStatistics.of(flat, names, sketch_size=SKETCH_SIZE))
    return _side_by_side(parts)


def _side_by_side(parts: list[ColumnStatistics]) -> ColumnStatistics:
    """The statistics of all columns of several inputs."""
    if not parts:
        return ColumnStatistics.empty((), SKETCH_SIZE)
    fields = {name: () for name in vars(parts[0]) if name != "rows"}
    joined: dict[str, Any] = {
        name: sum((getattr(part, name) for part in parts), start) for name, start in fields.items()
    }
    return ColumnStatistics(rows=max(part.rows for part in parts), **joined)
