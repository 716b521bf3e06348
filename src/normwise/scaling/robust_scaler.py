"""RobustScaler: the median becomes 0 and a quantile range 1."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import EVERYTHING, Limits, Vector
from normwise.scaling.affine_scaler import AffineScaler
from normwise.scaling.arguments import require_clip, require_flags
from normwise.scaling.scaler import Learned
from normwise.scaling.sketched_scaler import SketchedScaler
from normwise.scaling.spread import constant_columns, require_representable


class RobustScaler(SketchedScaler, AffineScaler):
    """Moves each column's median to 0 and stretches the range between two quantiles to 1.

    ``y = (x − median)/(q_high − q_low)``, in float64; quantiles interpolate linearly between ordered values.

    A few values far out, which move a mean and a standard deviation, do not move these. Where more than the
    quantile range is one single value, the range is 0 and says nothing: the whole range, max − min, then
    takes its place. NaN and null are ignored by `fit` and kept by `transform`. A column with one single value
    becomes 0, also for values that were never seen in training, and is named in a warning.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. In memory the quantiles are exact; a table that is read as a stream gives them to a rank error of
    1e-5. With `partial_fit` they come from mergeable sketches. Of weighted rows they are those of
    `normwise.core.weighted_quantiles`: weights are counts, and must not be shares that sum to 1.

    Args:
        quantile_range: ``(low, high)`` in percent.
        unit_variance: Whether the result is stretched so that a normal distribution has variance 1.
        clip: The largest magnitude of a result; None for no limit.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

    Attributes:
        median_: Of each column, in its unit; NaN where there are no values.
        quantile_low_: The lower quantile of each column.
        quantile_high_: The upper quantile of each column.
        rank_error_: By how much the rank of a quantile may be off, as a share of the rows; 0 where exact.
        center_: What is subtracted: `median_`, or 0 where there is none.
        scale_: What the difference is multiplied by; 0 for a constant column.
        shift_: What is added last: 0.
        data_min_: The smallest value of each column; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        statistics_: The `ColumnStatistics` of the training table.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ValueError: If `quantile_range` is not two numbers of 0 to 100, the lower first.
        ColumnError: If a column holds ±inf or no numbers at all, or if the columns are not those of `fit`.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [1000.0]])
        >>> RobustScaler().fit_transform(x).T
        array([[ -1. ,  -0.5,   0. ,   0.5, 498.5]])

        A column that is mostly 0 has quartiles that are all 0; its range takes their place:

        >>> RobustScaler().fit_transform(np.array([[0.0], [0.0], [0.0], [0.0], [5.0]])).T
        array([[0., 0., 0., 0., 1.]])
    """

    def __init__(
        self,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        unit_variance: bool = False,
        clip: float | None = None,
        infinite: Literal["raise", "null"] = "raise",
    ) -> None:
        self.quantile_range = quantile_range
        self.unit_variance = unit_variance
        self.clip = clip
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        require_clip(self.clip)
        require_flags(self, "unit_variance")
        _require_range(self.quantile_range)

    def _limits(self) -> Limits:
        return EVERYTHING if self.clip is None else (-self.clip, self.clip)

    def _probabilities(self, rows: int) -> NDArray[np.float64]:
        low, high = _require_range(self.quantile_range)
        return np.array([low / 100.0, 0.5, high / 100.0])

    def _how_many(self, rows: int) -> int:
        return 3

    def _learn_quantiles(self, statistics: ColumnStatistics, quantiles: NDArray[np.float64]) -> None:
        self.quantile_low_, self.median_, self.quantile_high_ = quantiles.T
        AffineScaler._learn(self, statistics, {})

    def _constants(self, statistics: ColumnStatistics, learned: Learned) -> tuple[Vector, Vector, Vector]:
        constant = constant_columns(statistics)
        with np.errstate(over="ignore"):
            spread = self.quantile_high_ - self.quantile_low_
            whole = np.array(statistics.maxima) - np.array(statistics.minima)
        spread = np.where(constant, 1.0, np.where(spread == 0, whole, spread))
        require_representable(statistics, spread, "the range between their quantiles")
        low, high = _require_range(self.quantile_range)
        normal = float(ndtri(high / 100.0) - ndtri(low / 100.0)) if self.unit_variance else 1.0
        center = np.where(np.isnan(self.median_), 0.0, self.median_)
        return center, np.where(constant, 0.0, normal / spread), np.zeros_like(center)


def _require_range(quantile_range: Any) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in quantile_range)
    except (OverflowError, TypeError, ValueError):
        low, high = math.nan, math.nan
    if not 0 <= low < high <= 100:
        raise ValueError(
            f"quantile_range is {quantile_range!r}. Expected two percentages, lower first, like (25, 75)."
        )
    return low, high
