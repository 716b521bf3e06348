"""Scalers that learn row by row: further rows, and what another has learned of other rows."""

from __future__ import annotations

from typing import TypeVar

from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import TableError
from normwise.scaling.scaler import Scaler

S = TypeVar("S", bound=Scaler)


def learn_more(scaler: S, statistics: ColumnStatistics) -> S:
    """The scaler, with the statistics of further rows; as it was if they cannot be learned."""
    scaler._require_parameters()
    scaler._refuse_infinities(statistics)
    known = getattr(scaler, "statistics_", None)
    whole = statistics if known is None else known.merge(statistics)
    scaler._set(whole, scaler._learned_from(whole))
    return scaler


def merge_scalers(a: S, b: S) -> S:
    """A new scaler that has seen the rows of both.

    Raises:
        TableError: If they are of different classes, arguments or columns.
    """
    if type(b) is not type(a):
        raise TableError(
            f"cannot merge a {type(a).__name__} with a {type(b).__name__}. Expected two of the same class."
        )
    for scaler in (a, b):
        check_is_fitted(scaler, "statistics_")
    ours, theirs = a._parameters(), b._parameters()
    if different := sorted(name for name in ours if ours[name] != theirs[name]):
        pairs = ", ".join(f"{name} {ours[name]!r} and {theirs[name]!r}" for name in different)
        raise TableError(f"cannot merge scalers of different arguments: {pairs}. Fit them with the same.")
    statistics = a.statistics_.merge(b.statistics_)
    whole = type(a)._of_parameters(ours)
    whole.n_features_in_ = a.n_features_in_
    if hasattr(a, "feature_names_in_"):
        whole.feature_names_in_ = a.feature_names_in_
    whole._set(statistics, a._learned_from(statistics))
    whole._warn_of_constants(statistics)
    return whole
