"""PowerScaler: a power, or the logarithm, that makes a column's distribution symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError, TableError, listing
from normwise.scaling.affine import Affine, Vector
from normwise.scaling.apply import Formula
from normwise.scaling.arguments import require_flags
from normwise.scaling.columns import Numbers, Weights
from normwise.scaling.likelihood import maximize
from normwise.scaling.measure import statistics_after
from normwise.scaling.scaler import Learned, Scaler
from normwise.scaling.scaler_record import learned_numbers
from normwise.scaling.spread import constant_columns, require_float32, require_float64
from normwise.scaling.yeo_johnson import Expm1, Log1p, Then, YeoJohnson

if TYPE_CHECKING:
    from normwise.layers.power_scaling import PowerScaling

METHODS = ("yeo-johnson", "log1p")
NARROW = 1e-4
"""A column whose log(1 + |x|) is narrower than this keeps its shape: λ is 1."""
DIGITS = 1e-8
"""How wide the powers of a column must be beside their size: float64 then keeps eight digits of them."""


class PowerScaler(Scaler):
    """Bends each column by a power of its own, so that it is as near to normal as a power makes it.

    ``y = (T(x) − mean)/std`` of T(x), where T is for

    - ``"yeo-johnson"``: ``s·((1 + |x|)^l − 1)/l``, s the sign of x, l = λ for x ≥ 0 and 2 − λ below; a
      logarithm where l = 0. λ maximizes the likelihood ``−n/2·log Var T(x) + (λ − 1)·Σ s·log(1 + |x|)``,
      between −64 and 66, among those whose powers keep eight digits in float64; it is 1 where log(1 + |x|)
      is narrower than 1e-4, which no such power bends.
    - ``"log1p"``: ``log(1 + x)``, for columns whose values all exceed −1.

    NaN and null are ignored by `fit` and kept by `transform`. A column with one single value becomes 0, also
    for values that were never seen in training, and is named in a warning.

    Takes any table and gives back the kind it was given: float32 stays float32, anything else becomes
    float64. It reads a table that is not in memory about a dozen times to find λ, and hence has no
    `partial_fit` and no `merge`. Of weighted rows, n and all sums and means above are weighted.

    Args:
        method: T.
        standardize: Whether T(x) is brought to mean 0 and standard deviation 1.
        infinite: Whether ±inf raises a `ColumnError`, or is taken for a missing value (``"null"``).

    Attributes:
        lambdas_: λ of each column; 1 for a constant column; NaN with ``"log1p"``.
        center_: What is subtracted from T(x).
        scale_: What the difference is multiplied by; 0 for a constant column.
        shift_: What is added last: 0.
        data_min_: The smallest value of each column; NaN where there is none.
        data_max_: The largest value of each column; NaN where there is none.
        statistics_: The `ColumnStatistics` of the training table, as it was.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ValueError: If `method` is neither of the two.
        ColumnError: If a column holds ±inf or no numbers at all, or a value of −1 or less for a logarithm; if
            the columns are not those of `fit`; if a value of `inverse_transform` is beyond all values of T.

    Example:
        >>> import numpy as np
        >>> incomes = np.array([[20.0], [22.0], [25.0], [30.0], [400.0]])
        >>> scaler = PowerScaler().fit(incomes)
        >>> scaler.lambdas_.round(3), scaler.transform(incomes).T.round(3)
        (array([-1.328]), array([[-1.017, -0.685, -0.297,  0.16 ,  1.839]]))
        >>> PowerScaler("log1p", standardize=False).fit_transform(np.array([[0.0], [np.e - 1]])).T
        array([[0., 1.]])

    Source:
        Yeo & Johnson 2000, "A new family of power transformations to improve normality or symmetry",
        Biometrika 87, eq. 2.1 and section 3.
    """

    def __init__(
        self,
        method: Literal["yeo-johnson", "log1p"] = "yeo-johnson",
        standardize: bool = True,
        infinite: Literal["raise", "null"] = "raise",
    ) -> None:
        self.method = method
        self.standardize = standardize
        self.infinite = infinite

    def _require_parameters(self) -> None:
        super()._require_parameters()
        require_flags(self, "standardize")
        if self.method not in METHODS:
            raise ValueError(f'method must be "yeo-johnson" or "log1p", got {self.method!r}')

    def _measure(self, table: Numbers, statistics: ColumnStatistics, weights: Weights) -> Learned:
        if self.method == "log1p":
            _require_above_minus_one(statistics)
            lambdas = np.full(len(statistics.names), np.nan)
        else:
            flat = constant_columns(statistics) | _barely_bends(statistics)
            likeliest = 1.0 if flat.all() else _likeliest(table, statistics, weights)
            lambdas = np.where(flat, 1.0, likeliest)
        fits = _reaches_finite(self._power(lambdas), statistics)
        require_float64(statistics, np.where(fits, 0.0, np.inf), "their power")
        (bent,) = statistics_after([self._power(lambdas)], table, weights)
        learned = {"lambdas": lambdas, "mean": bent.moments.mean, "variance": bent.moments.variance()}
        return {name: values.tolist() for name, values in learned.items()}

    def _learned_from(self, statistics: ColumnStatistics) -> Learned:
        raise TableError(
            "a PowerScaler reads its table several times to find its powers, so that it can neither learn "
            "row by row nor be merged. Fit it on the whole table."
        )

    def _learn(self, statistics: ColumnStatistics, learned: Learned) -> None:
        constant = constant_columns(statistics)
        lambdas, mean, variance = (
            learned_numbers(learned, name, (len(constant),)) for name in ("lambdas", "mean", "variance")
        )
        if not np.isfinite([mean, lambdas if self.method == "yeo-johnson" else mean]).all():
            raise ValueError(f"lambdas {lambdas} and means {mean} are not all finite")
        if self.standardize:
            _require_spread(statistics, variance, constant)
            scale = 1.0 / np.sqrt(np.where(constant, 1.0, variance))
        else:
            mean, scale = np.where(constant, mean, 0.0), np.ones_like(mean)
        self.lambdas_, self.center_, self.shift_ = lambdas, mean, np.zeros_like(mean)
        self.scale_ = np.where(constant, 0.0, scale)

    def _power(self, lambdas: Vector) -> Formula:
        return Log1p() if self.method == "log1p" else YeoJohnson.of(lambdas)

    def _formula(self) -> Then:
        return Then(self._power(self.lambdas_), Affine(self.center_, self.scale_, self.shift_))

    def _inverse(self) -> Then:
        back = Expm1() if self.method == "log1p" else YeoJohnson.of(self.lambdas_).inverse()
        return Then(Affine(self.center_, self.scale_, self.shift_).inverse(), back)

    def transform(self, X: Any) -> Any:
        """The scaled table; see `Scaler.transform`.

        Raises:
            ColumnError: As there; with ``"log1p"`` also if a value is −1 or less. DuckDB and Spark, and the
                layer in a model, have NaN there.
        """
        return super().transform(X)

    def inverse_transform(self, X: Any) -> Any:
        """The table in its own units again; a constant column comes back as its constant.

        Args:
            X: What `transform` gave.

        Returns:
            A table of the kind of `X`.

        Raises:
            ColumnError: As `transform`; also if a value is beyond all that T gives, which has no inverse: for
                a λ below 0, T stays below −1/λ. DuckDB and Spark have NaN there.
        """
        return super().inverse_transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.method == "log1p"
        return tags

    def to_layer(self) -> PowerScaling:
        """The scaler as a Keras layer, which computes what `transform` does, in the model.

        Returns:
            `normwise.PowerScaling` over the last axis, in the order of the columns.

        Raises:
            ColumnError: If a column's values, center or scale overflow float32, in which models compute.
        """
        check_is_fitted(self, "statistics_")
        from normwise.layers.power_scaling import PowerScaling

        require_float32(
            self.statistics_, "the largest value", np.abs([self.data_min_, self.data_max_]).max(axis=0)
        )
        require_float32(self.statistics_, "the center", self.center_)
        require_float32(self.statistics_, "the scale", self.scale_)
        return PowerScaling(
            self.method,
            lambdas=None if self.method == "log1p" else self.lambdas_.tolist(),
            center=self.center_.tolist(),
            scale=self.scale_.tolist(),
            **self._layer_options(),
        )


def _likeliest(table: Numbers, statistics: ColumnStatistics, weights: Weights) -> Vector:
    count = np.array(statistics.counts)
    # With both powers 0 the transformation is s·log(1 + |x|), whose sum the likelihood holds.
    zeros = np.zeros(len(count))
    (found,) = statistics_after([YeoJohnson(zeros, zeros)], table, weights)
    logs = found.moments.mean * count

    def likelihood(lambdas: Vector) -> Vector:
        powers = [YeoJohnson.of(row) for row in lambdas]
        variance = np.stack([bent.moments.variance() for bent in statistics_after(powers, table, weights)])
        reached = np.stack([_keeps_digits(power, statistics) for power in powers])
        found = -count / 2.0 * np.log(variance) + (lambdas - 1.0) * logs
        return np.asarray(np.where((variance > 0) & reached, found, -np.inf))

    return maximize(likelihood, len(count))


def _reaches_finite(power: Formula, statistics: ColumnStatistics) -> Any:
    """Per column, whether its smallest and its largest value have a finite power, and so all between them."""
    ends = np.array([statistics.minima, statistics.maxima])
    with np.errstate(all="ignore"):
        return ~np.isinf(power.of_block(ends)).any(axis=0)


def _keeps_digits(power: Formula, statistics: ColumnStatistics) -> Any:
    """Per column, whether its powers are finite, and not all of nearly one size, which loses digits.

    Far from 0, powers below 0 are: of years about 2000, λ = −4 gives 0.25 − 1e-14 to 0.25 − 2e-14.
    """
    with np.errstate(all="ignore"):
        low, high = power.of_block(np.array([statistics.minima, statistics.maxima]))
        return (high - low > DIGITS * np.maximum(np.abs(low), np.abs(high))) & np.isfinite(high - low)


def _barely_bends(statistics: ColumnStatistics) -> Any:
    """Per column, whether log(1 + |x|) is so narrow that no power in question bends it by one percent.

    The likelihood has no peak there but that of its rounding.
    """
    low, high = (np.copysign(np.log1p(np.abs(v)), v) for v in (statistics.minima, statistics.maxima))
    return high - low < NARROW


def _require_above_minus_one(statistics: ColumnStatistics) -> None:
    bad = [i for i, low in enumerate(statistics.minima) if low <= -1.0]
    if bad:
        # scikit-learn's own checks expect its first words.
        raise ColumnError(
            f"Negative values in data: the columns {listing(statistics.names[i] for i in bad)} have no "
            f"log1p, as the first reaches down to {statistics.minima[bad[0]]}. Expected values above −1: "
            'take method="yeo-johnson" (--power yeo-johnson on the command line).'
        )


def _require_spread(statistics: ColumnStatistics, variance: Vector, constant: Any) -> None:
    tiny = np.finfo(np.float64).tiny
    bad = np.flatnonzero(~constant & ~(np.isfinite(variance) & (variance >= tiny)))
    if len(bad):
        first = bad[0]
        raise ColumnError(
            f"the columns {listing(statistics.names[i] for i in bad)} cannot be standardized: the values of "
            f"the first reach from {statistics.minima[first]} to {statistics.maxima[first]}, and their power "
            f"has the variance {variance[first]:g}. Multiply them by a power of ten first, or leave them out."
        )
