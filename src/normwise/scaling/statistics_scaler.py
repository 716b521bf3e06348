"""StatisticsScaler: scalers that follow from the ColumnStatistics alone, so that they learn row by row."""

from __future__ import annotations

from typing import Any, Self

from normwise.scaling.affine_scaler import AffineScaler
from normwise.scaling.columns import weighted_numbers_of
from normwise.scaling.measure import statistics_of
from normwise.scaling.mergeable import learn_more, merge_scalers
from normwise.scaling.restore import unchanged_if_it_fails


class StatisticsScaler(AffineScaler):
    """An affine scaler that follows from the `ColumnStatistics` alone: it learns row by row and merges."""

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learns further rows, as if they had been in one table with those before.

        Args:
            X: A table with the columns of the first call.
            y: Ignored.
            sample_weight: As in `fit`.

        Returns:
            The scaler itself. Columns that are constant so far are 0 and are not warned of.

        Raises:
            ColumnError: As `fit`, or if the columns are others than before; nothing is learned then.
        """
        first = not hasattr(self, "statistics_")
        with unchanged_if_it_fails(self):
            table, weights = weighted_numbers_of(self, X, sample_weight, fitting=first)
            return learn_more(self, statistics_of(table, weights))

    def merge(self, other: Self) -> Self:
        """What both have learned, of different rows: a new scaler, as if it had seen the rows of both.

        Args:
            other: A fitted scaler of the same class, arguments and columns.

        Raises:
            TableError: If the arguments or the columns differ.

        Example:
            >>> import numpy as np
            >>> from normwise.scaling import StandardScaler
            >>> monday = StandardScaler().fit(np.array([[1.0], [2.0]]))
            >>> tuesday = StandardScaler().fit(np.array([[6.0], [7.0]]))
            >>> float(monday.merge(tuesday).mean_[0])
            4.0
        """
        return merge_scalers(self, other)
