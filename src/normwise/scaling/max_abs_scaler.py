"""MaxAbsScaler: the largest magnitude becomes 1, and 0 stays 0."""

from __future__ import annotations

from typing import Literal

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import EVERYTHING, Limits, Vector
from normwise.scaling.arguments import require_flags
from normwise.scaling.scaler import Learned
from normwise.scaling.spread import constant_columns, require_float64
from normwise.scaling.statistics_scaler import StatisticsScaler


class MaxAbsScaler(StatisticsScaler):
    """Divides each column by its largest magnitude in the training data.

    ``y = x / max|x|``, in float64.

    The sign is kept and 0 stays 0, which is for columns whose 0 means "none", such as counts and amounts.
    NaN and null are ignored by `fit` and kept by `transform`. A column with one single value becomes 0, also
    for values that were never seen in training, and is named in a warning.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. Learns row by row too (`partial_fit`), and merges.

    Args:
        clip: Whether values beyond the training range become −1 or 1.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

    Attributes:
        max_abs_: The largest magnitude of each column, in its unit; NaN where there is none.
        data_min_: The smallest value of each column; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        center_: What is subtracted: 0; the value of a constant column.
        scale_: What is multiplied by: ``1/max|x|``; 0 for a constant column.
        shift_: What is added last: 0.
        statistics_: The `ColumnStatistics` that all of these come from.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ColumnError: If a column holds ±inf or no numbers at all, or if the columns are not those of `fit`.

    Example:
        >>> import numpy as np
        >>> MaxAbsScaler().fit_transform(np.array([[-4.0], [0.0], [np.nan], [2.0]])).T
        array([[-1. ,  0. ,  nan,  0.5]])

        However small the largest magnitude, it becomes 1:

        >>> MaxAbsScaler().fit_transform(np.array([[-1e-300], [0.0]])).T
        array([[-1.,  0.]])
    """

    def __init__(self, clip: bool = False, infinite: Literal["raise", "null"] = "raise") -> None:
        self.clip = clip
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        require_flags(self, "clip")

    def _limits(self) -> Limits:
        return (-1.0, 1.0) if self.clip else EVERYTHING

    def _constants(self, statistics: ColumnStatistics, learned: Learned) -> tuple[Vector, Vector, Vector]:
        constant = constant_columns(statistics)
        low, high = np.array(statistics.minima), np.array(statistics.maxima)
        self.max_abs_ = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(over="ignore"):
            scale = 1.0 / np.where(constant, 1.0, self.max_abs_)
        require_float64(statistics, scale, "one divided by the largest magnitude")
        center = np.where(constant & (statistics.moments.count > 0), low, 0.0)
        return center, np.where(constant, 0.0, scale), np.zeros_like(scale)
