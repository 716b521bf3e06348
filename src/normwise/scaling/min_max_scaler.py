"""MinMaxScaler: from the smallest value to the largest, onto an interval."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import EVERYTHING, Affine, Limits, Vector
from normwise.scaling.arguments import require_flags
from normwise.scaling.scaler import Learned
from normwise.scaling.spread import constant_columns, require_float64, require_representable
from normwise.scaling.statistics_scaler import StatisticsScaler


class MinMaxScaler(StatisticsScaler):
    """Maps each column's range in the training data onto an interval.

    ``y = (x − min)·(high − low)/(max − min) + low``, in float64.

    Values beyond the training range land outside the interval unless clipped. NaN and null are ignored by
    `fit` and kept by `transform`. A column with one single value becomes `low`, also for values that were
    never seen in training, and is named in a warning.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. Learns row by row too (`partial_fit`), and merges.

    Args:
        feature_range: ``(low, high)``, the interval.
        clip: Whether values beyond the training range become the interval's ends.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

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

        Beyond the training range, clipped and not:

        >>> x, later = np.array([[0.0], [10.0]]), np.array([[-5.0], [20.0]])
        >>> MinMaxScaler().fit(x).transform(later).T, MinMaxScaler(clip=True).fit(x).transform(later).T
        (array([[-0.5,  2. ]]), array([[0., 1.]]))
    """

    def __init__(
        self,
        feature_range: tuple[float, float] = (0, 1),
        clip: bool = False,
        infinite: Literal["raise", "null"] = "raise",
    ) -> None:
        self.feature_range = feature_range
        self.clip = clip
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        _require_range(self.feature_range)
        require_flags(self, "clip")

    def _limits(self) -> Limits:
        return _require_range(self.feature_range) if self.clip else EVERYTHING

    def _constants(self, statistics: ColumnStatistics, learned: Learned) -> tuple[Vector, Vector, Vector]:
        low, high = _require_range(self.feature_range)
        constant = constant_columns(statistics)
        low_ends, high_ends = np.array(statistics.minima), np.array(statistics.maxima)
        moments = statistics.moments
        self.mean_, self.variance_ = moments.mean, moments.variance()
        with np.errstate(over="ignore"):
            extent = np.where(constant, 1.0, high_ends - low_ends)
        require_representable(statistics, np.where(constant, 0.0, extent), "the distance between them")
        # Rounded up, the width or the factor would map the largest value beyond the interval.
        width = high - low if low + (high - low) <= high else math.nextafter(high - low, 0.0)
        with np.errstate(over="ignore"):
            scale = width / extent
            require_float64(statistics, scale, "what brings them to the feature_range")
            scale = np.where(extent * scale > width, np.nextafter(scale, 0.0), scale)
            require_float64(statistics, 1.0 / scale, "what brings them back from the feature_range")
        center = np.where(moments.count > 0, low_ends, 0.0)
        return center, np.where(constant, 0.0, scale), np.full_like(scale, low)

    def _formula(self) -> Affine:
        return super()._formula()._replace(ends=(self.data_max_, _require_range(self.feature_range)[1]))

    def _of_constants(self) -> float:
        return _require_range(self.feature_range)[0]


def _require_range(feature_range: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in feature_range)
    except (OverflowError, TypeError, ValueError):
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
