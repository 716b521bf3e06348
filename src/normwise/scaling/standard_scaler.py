"""StandardScaler: mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Literal

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import EVERYTHING, Limits, Vector
from normwise.scaling.arguments import require_clip, require_flags
from normwise.scaling.scaler import Learned
from normwise.scaling.spread import constant_columns, require_representable, require_two_rows
from normwise.scaling.statistics_scaler import StatisticsScaler


class StandardScaler(StatisticsScaler):
    """Moves each column to mean 0 and stretches it to standard deviation 1.

    ``y = (x − mean)/std``, ``std = √(Σ(x − mean)²/n)``, in float64.

    It moves and stretches; it does not make a distribution normal. NaN and null are ignored by `fit` and kept
    by `transform`. A column with one single value becomes 0, also for values that were never seen in
    training, and is named in a warning. However small the spread of any other column, it is scaled.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. Learns row by row too (`partial_fit`), and merges.

    Args:
        with_mean: Whether the mean is subtracted.
        with_std: Whether the result is divided by the standard deviation.
        unbiased: Whether the variance is ``Σ(x − mean)²/(n − 1)``, as in Spark and in R's `scale`.
        clip: The largest magnitude of a result, in standard deviations; None for no limit.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

    Attributes:
        mean_: Of each column, in its unit; 0 where it has no values.
        variance_: Of each column, in its unit squared; exactly 0 where it is constant.
        center_: What is subtracted: `mean_`; 0 without `with_mean`, but for a constant column.
        scale_: What the difference is *multiplied* by: 1/std, 1 without `with_std`, 0 for a constant
            column. (scikit-learn's attribute of this name is the std.)
        shift_: What is added last: 0.
        data_min_: The smallest value of each column; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        statistics_: The `ColumnStatistics` that all of these come from.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ColumnError: If a column holds ±inf or no numbers at all, or if the columns are not those of `fit`.

    Example:
        >>> import numpy as np
        >>> scaler = StandardScaler().fit(np.array([[1.0], [np.nan], [3.0]]))
        >>> scaler.mean_, scaler.variance_, scaler.transform(np.array([[3.0], [np.nan], [2.0]])).T
        (array([2.]), array([1.]), array([[ 1., nan,  0.]]))

        A spread of 1e-20 is a spread:

        >>> StandardScaler().fit_transform(np.array([[1e-20], [3e-20]])).T
        array([[-1.,  1.]])

        A constant is 0, whatever comes later, and comes back as itself:

        >>> import warnings
        >>> with warnings.catch_warnings(record=True, action="always") as caught:
        ...     scaler = StandardScaler().fit(np.array([[5.0], [5.0]]))
        >>> str(caught[0].message)[:71]
        'the column "x0" (always 5.0) is constant: StandardScaler makes it 0. It'
        >>> scaler.transform(np.array([[5.0], [6.0]])).T, scaler.inverse_transform(np.array([[0.0]]))
        (array([[0., 0.]]), array([[5.]]))
    """

    def __init__(
        self,
        with_mean: bool = True,
        with_std: bool = True,
        unbiased: bool = False,
        clip: float | None = None,
        infinite: Literal["raise", "null"] = "raise",
    ) -> None:
        self.with_mean = with_mean
        self.with_std = with_std
        self.unbiased = unbiased
        self.clip = clip
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        require_clip(self.clip)
        require_flags(self, "with_mean", "with_std", "unbiased")

    def _limits(self) -> Limits:
        return EVERYTHING if self.clip is None else (-self.clip, self.clip)

    def _constants(self, statistics: ColumnStatistics, learned: Learned) -> tuple[Vector, Vector, Vector]:
        constant = constant_columns(statistics)
        moments = statistics.moments
        # The mean of equal values may round: a constant is taken from the values themselves.
        known = constant & (moments.count > 0)
        self.mean_ = np.where(known, np.array(statistics.minima), moments.mean)
        self.variance_ = np.where(constant, 0.0, moments.variance(ddof=int(self.unbiased)))
        if self.unbiased:
            require_two_rows(statistics, "Unbiased variances")
        if self.with_std:
            require_representable(statistics, self.variance_, "the square of their spread")
            scale = 1.0 / np.sqrt(np.where(constant, 1.0, self.variance_))
        else:
            scale = np.ones_like(self.variance_)
        # A constant is its own center whatever was asked for: it comes back by it.
        center = np.where(self.with_mean | constant, self.mean_, 0.0)
        return center, np.where(constant, 0.0, scale), np.zeros_like(scale)
