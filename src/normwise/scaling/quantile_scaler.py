"""QuantileScaler: each column's ranks, spread evenly over [0, 1] or as a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.quantile_map import Knots, QuantileMap, QuantileMapInverse
from normwise.scaling.sketched_scaler import SketchedScaler
from normwise.scaling.spread import constant_columns, require_float32

if TYPE_CHECKING:
    from normwise.layers.quantile_scaling import QuantileScaling


class QuantileScaler(SketchedScaler):
    """Maps each column by its own distribution: the result is evenly spread, or normal.

    ``y = F(x)``, or ``y = Φ⁻¹(F(x))`` for a normal output; F is the share of the training rows up to x,
    linear between `n_quantiles` quantiles, and the middle of its two values at a tie.

    This one does make a column normal, whatever its shape was; a standardization does not. It keeps the order
    of the values and nothing else of their distances. Values beyond the training range become the ends: 0 and
    1, or ±5.2, the normal quantiles of 1e-7 and 1 − 1e-7. NaN and null are ignored by `fit` and kept by
    `transform`. A column with one single value becomes 0, also for values that were never seen in training,
    and is named in a warning.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. In memory the quantiles are exact; a table that is read as a stream gives them to a rank error of
    1e-5. With `partial_fit` they come from mergeable sketches. No row is ever left out. Of weighted rows they
    are those of `normwise.core.weighted_quantiles`: weights are counts, and must not be shares that sum to 1.

    Args:
        n_quantiles: How many quantiles describe a column; no more than the table has rows.
        output: ``"uniform"`` or ``"normal"``.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

    Attributes:
        quantiles_: (columns, quantiles), in each column's unit, ascending; NaN where there are no values.
        probabilities_: Which quantiles these are, from 0 to 1.
        rank_error_: By how much the rank of a quantile may be off, as a share of the rows; 0 where exact.
        data_min_: The smallest value of each column; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        statistics_: The `ColumnStatistics` of the training table.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ValueError: If `n_quantiles` is less than 2, or `output` neither of the two.
        ColumnError: If a column holds ±inf or no numbers at all, or if the columns are not those of `fit`.

    Example:
        >>> import numpy as np
        >>> incomes = np.array([[20.0], [22.0], [25.0], [30.0], [400.0]])
        >>> QuantileScaler().fit_transform(incomes).T
        array([[0.  , 0.25, 0.5 , 0.75, 1.  ]])
        >>> QuantileScaler(output="normal").fit_transform(incomes).T.round(2)
        array([[-5.2 , -0.67,  0.  ,  0.67,  5.2 ]])

        Equal values share the middle of their ranks:

        >>> QuantileScaler().fit_transform(np.array([[0.0], [0.0], [0.0], [1.0], [2.0]])).T
        array([[0.25, 0.25, 0.25, 0.75, 1.  ]])
    """

    def __init__(
        self,
        n_quantiles: int = 1000,
        output: Literal["uniform", "normal"] = "uniform",
        infinite: Literal["raise", "null"] = "raise",
    ) -> None:
        self.n_quantiles = n_quantiles
        self.output = output
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        n = self.n_quantiles
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
            raise ValueError(f"n_quantiles must be a whole number of at least 2, got {n!r}")
        if self.output not in ("uniform", "normal"):
            raise ValueError(f'output must be "uniform" or "normal", got {self.output!r}')

    def _probabilities(self, rows: int) -> NDArray[np.float64]:
        return np.linspace(0.0, 1.0, self._how_many(rows))

    def _how_many(self, rows: int) -> int:
        return max(2, min(int(self.n_quantiles), rows))

    def _learn_quantiles(self, statistics: ColumnStatistics, quantiles: NDArray[np.float64]) -> None:
        # Interpolation may round a quantile below the one before it.
        self.quantiles_ = np.maximum.accumulate(quantiles, axis=1)
        self.probabilities_ = np.linspace(0.0, 1.0, quantiles.shape[1])
        nothing = Knots(*(np.empty(0) for _ in range(3)))
        constant = constant_columns(statistics)
        self._knots = tuple(
            nothing if constant[i] else Knots.of(q, self.probabilities_)
            for i, q in enumerate(self.quantiles_)
        )
        known = np.array(statistics.counts) > 0
        self._constant_values = np.where(constant, np.where(known, statistics.minima, 0.0), np.nan)

    def _formula(self) -> QuantileMap:
        return QuantileMap(self._knots, self.output == "normal")

    def _inverse(self) -> QuantileMapInverse:
        normal = self.output == "normal"
        return QuantileMapInverse(self.quantiles_, self.probabilities_, self._constant_values, normal)

    def to_layer(self) -> QuantileScaling:
        """The scaler as a Keras layer, which computes what `transform` does, in the model.

        Returns:
            `normwise.QuantileScaling` over the last axis, in the order of the columns.

        Raises:
            ColumnError: If a column's values are beyond ±8.5e37, as models compute in float32.
        """
        check_is_fitted(self, "statistics_")
        # A quarter of float32's range: the layer takes differences of differences.
        require_float32(self.statistics_, "the largest quantile", 4.0 * np.abs(self.quantiles_).max(axis=1))
        from normwise.layers.quantile_scaling import QuantileScaling

        values, low, high = ([part.tolist() for part in parts] for parts in zip(*self._knots, strict=True))
        return QuantileScaling(
            values,
            low,
            high,
            output=self.output,
            **self._layer_options(),
        )
