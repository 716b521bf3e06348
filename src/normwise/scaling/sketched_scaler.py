"""SketchedScaler: scalers of quantiles, exact by `fit`, by mergeable sketches where they learn row by row."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import TableError
from normwise.scaling.columns import Numbers, Weights, numbers_of
from normwise.scaling.measure import quantiles_of, rows_counted, sketched_statistics_of, statistics_of
from normwise.scaling.mergeable import learn_more, merge_scalers
from normwise.scaling.restore import unchanged_if_it_fails
from normwise.scaling.scaler import Learned, Scaler
from normwise.scaling.scaler_record import learned_numbers

SKETCH_SIZE = 4096
"""Values that a level of a sketch holds: it bounds the error, which the fitted state names."""


class SketchedScaler(Scaler):
    """A scaler that follows from the quantiles `_probabilities` of each column."""

    def _probabilities(self, rows: int) -> NDArray[np.float64]:
        """Which quantiles, of a table of so many rows."""
        raise NotImplementedError

    def _how_many(self, rows: int) -> int:
        """The number of these."""
        raise NotImplementedError

    def _statistics(self, table: Numbers, weights: Weights) -> ColumnStatistics:
        return statistics_and_few_values(table, weights)

    def _measure(self, table: Numbers, statistics: ColumnStatistics, weights: Weights) -> Learned:
        rows = rows_counted(table, statistics, weights)
        found, error = quantiles_of(table, statistics, self._probabilities(rows), weights)
        learned = {"quantiles": found.tolist(), "rank_error": error.tolist()}
        return learned if weights is None else {**learned, "rows": rows}

    def _learned_from(self, statistics: ColumnStatistics) -> Learned:
        if not statistics.sketches:
            many = statistics.rows > SKETCH_SIZE
            why = f"above {SKETCH_SIZE} rows" if many else "with sample weights"
            raise TableError(
                f"this {type(self).__name__} was fitted by fit on {statistics.rows} rows, of which it keeps "
                f"quantiles and no sketch ({why}), so that no further rows can be taken "
                "in. Expected one that has learned by partial_fit from its first rows on."
            )
        p = self._probabilities(statistics.rows)
        found = [_of_sketch(sketch, p) for sketch in statistics.sketches]
        return {
            "quantiles": [q.tolist() for q in found],
            "rank_error": [sketch.rank_error for sketch in statistics.sketches],
        }

    def _learn(self, statistics: ColumnStatistics, learned: Learned) -> None:
        columns = len(statistics.names)
        self.rank_error_ = learned_numbers(learned, "rank_error", (columns,))
        if not ((self.rank_error_ >= 0) & (self.rank_error_ <= 1)).all():
            raise ValueError(f"rank_error is {self.rank_error_.tolist()}; expected shares from 0 to 1")
        how_many = self._how_many(learned.get("rows", statistics.rows))
        found = learned_numbers(learned, "quantiles", (columns, how_many))
        _require_quantiles(statistics, found)
        self._learn_quantiles(statistics, found)

    def _learn_quantiles(self, statistics: ColumnStatistics, quantiles: NDArray[np.float64]) -> None:
        """Sets the public attributes from (columns, probabilities)."""
        raise NotImplementedError

    def partial_fit(self, X: Any, y: Any = None, sample_weight: None = None) -> Self:
        """Learns further rows by a sketch of each column's values; `rank_error_` bounds what that costs.

        Args:
            X: A table with the columns of the first call.
            y: Ignored.
            sample_weight: None: a sketch counts each row once. `fit` takes weights.

        Returns:
            The scaler itself.

        Raises:
            ColumnError: As `fit`, or if the columns are others than before; nothing is learned then.
            TableError: If the scaler was fitted by `fit`, which keeps no sketch, or there are weights.
        """
        refuse_weights(type(self).__name__, sample_weight)
        first = not hasattr(self, "statistics_")
        if not first:
            self._learned_from(self.statistics_)
        with unchanged_if_it_fails(self):
            self._require_parameters()
            table = numbers_of(self, X, fitting=first)
            return learn_more(self, sketched_statistics_of(table, SKETCH_SIZE))

    def merge(self, other: Self) -> Self:
        """What both have learned by `partial_fit`, of different rows: a new scaler.

        Args:
            other: A scaler of the same class, arguments and columns, that has learned by `partial_fit`.

        Raises:
            TableError: If the arguments or the columns differ, or either was fitted by `fit`.
        """
        for scaler in (self, other):
            if hasattr(scaler, "statistics_"):
                scaler._learned_from(scaler.statistics_)
        return merge_scalers(self, other)


def refuse_weights(scaler: str, weights: Any) -> None:
    """Raises a TableError if there are weights of rows that a sketch would count."""
    if weights is not None:
        raise TableError(
            f"a {scaler} that learns row by row keeps a sketch, which counts each row once: it takes no "
            "sample weights. Fit it on the whole table with them, or repeat the rows."
        )


def statistics_and_few_values(table: Numbers, weights: Weights = None) -> ColumnStatistics:
    """The statistics; with sketches where the rows are so few that a sketch is their values, at no cost."""
    if weights is not None:
        return statistics_of(table, weights)
    statistics = None if isinstance(table, np.ndarray) else statistics_of(table)
    rows = len(table) if isinstance(table, np.ndarray) else statistics.rows  # type: ignore[union-attr]
    if rows <= SKETCH_SIZE:
        return sketched_statistics_of(table, SKETCH_SIZE)
    return statistics or statistics_of(table)


def _require_quantiles(statistics: ColumnStatistics, quantiles: NDArray[np.float64]) -> None:
    """Raises a ValueError if they cannot be the quantiles of these columns: only a file holds such."""
    low, high = np.array(statistics.minima)[:, None], np.array(statistics.maxima)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        slack = np.nan_to_num(1e-9 * (high - low))
        inside = (quantiles >= low - slack) & (quantiles <= high + slack)
        rising = np.diff(quantiles, axis=1, prepend=low) >= -slack
        fits = np.where(np.isnan(low), np.isnan(quantiles), inside & rising)
    for i in np.flatnonzero(~fits.all(axis=1)):
        raise ValueError(
            f'the quantiles of column "{statistics.names[i]}" are {quantiles[i].tolist()!s:.80}; expected '
            f"rising numbers from {statistics.minima[i]} to {statistics.maxima[i]}"
        )


def _of_sketch(sketch: Any, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    if not sketch.count:
        return np.full(len(probabilities), np.nan)
    return np.asarray(sketch.quantile(probabilities), np.float64)
