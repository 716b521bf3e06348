"""MinMaxScaler: from the smallest value to the largest, onto an interval."""

from __future__ import annotations

import math

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import Vector
from normwise.scaling.affine_scaler import AffineScaler
from normwise.scaling.spread import constant_columns, require_representable


class MinMaxScaler(AffineScaler):
    """Maps each column's range in the training data onto an interval.

    ``y = (x − min)·(high − low)/(max − min) + low``, in float64.

    Values beyond the training range land outside the interval; nothing is clipped. NaN and null are ignored
    by `fit` and kept by `transform`. A column with one single value becomes `low`, also for values that were
    never seen in training, and is named in a warning.

    Takes NumPy arrays, pandas and Polars frames of shape (rows, columns), and gives back the kind it was
    given: float32 stays float32, anything else becomes float64.

    Args:
        feature_range: ``(low, high)``, the interval.

    Attributes:
        data_min_: The smallest value of each column, in its unit; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        center_: What is subtracted: `data_min_`, or 0 where there is none.
        scale_: What the difference is multiplied by: ``(high − low)/(max − min)``; 0 for a constant column.
        shift_: What is added last: `low`.
        mean_: Of each column, in its unit; 0 where it has no values.
        variance_: Of each column, in its unit squared.
        statistics_: The `ColumnStatistics` that all of these come from.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ValueError: If `feature_range` is not two finite numbers, the lower first, of a finite distance.
        ColumnError: If a column holds ±inf or no numbers at all, or if the columns are not those of `fit`.

    Example:
        >>> import numpy as np
        >>> scaler = MinMaxScaler().fit(np.array([[2.0], [np.nan], [4.0]]))
        >>> scaler.transform(np.array([[2.0], [3.0], [np.nan], [6.0]])).T
        array([[0. , 0.5, nan, 2. ]])
        >>> MinMaxScaler(feature_range=(-1, 1)).fit_transform(np.array([[0], [1], [4]])).T
        array([[-1. , -0.5,  1. ]])
    """

    def __init__(self, feature_range: tuple[float, float] = (0, 1)) -> None:
        self.feature_range = feature_range

    def _constants(self, statistics: ColumnStatistics) -> tuple[Vector, Vector, Vector]:
        low, high = _require_range(self.feature_range)
        constant = constant_columns(statistics)
        moments = statistics.moments
        self.mean_, self.variance_ = moments.mean, moments.variance()
        with np.errstate(over="ignore"):
            extent = np.where(constant, 1.0, self.data_max_ - self.data_min_)
        require_representable(statistics, np.where(constant, 0.0, extent), "the distance between them")
        scale = (high - low) / extent
        # Rounded up, the factor would map the largest value beyond the interval.
        scale = np.where(extent * scale > high - low, np.nextafter(scale, 0.0), scale)
        center = np.where(moments.count > 0, self.data_min_, 0.0)
        return center, np.where(constant, 0.0, scale), np.full_like(scale, low)

    def _of_constants(self) -> float:
        return _require_range(self.feature_range)[0]


def _require_range(feature_range: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in feature_range)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            f"feature_range is {feature_range!r}. Expected two finite numbers, lower first, like (0, 1)."
        )
    if not math.isfinite(high - low):
        raise ValueError(
            f"feature_range is {feature_range!r}, whose width does not fit in float64. Take a narrower one."
        )
    return low, high
