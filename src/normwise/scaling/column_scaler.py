"""ColumnScaler: a scaler of its own for each column, or for each kind of column."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw
import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError, RecordError, TableError, did_you_mean, listing
from normwise.scaling.apply import Formula, apply_to_array, apply_to_frame, require_finite_columns
from normwise.scaling.columns import (
    Numbers,
    Weights,
    array_of,
    check_columns,
    header_of,
    is_array,
    is_in_memory,
    kinds_of,
    names_of,
    require_numbers_in,
    require_output,
    weighted_columns_of,
)
from normwise.scaling.max_abs_scaler import MaxAbsScaler
from normwise.scaling.measure import select, sketched_statistics_of, statistics_of
from normwise.scaling.mergeable import learn_more, merge_scalers
from normwise.scaling.min_max_scaler import MinMaxScaler
from normwise.scaling.power_scaler import PowerScaler
from normwise.scaling.quantile_scaler import QuantileScaler
from normwise.scaling.restore import unchanged_if_it_fails
from normwise.scaling.robust_scaler import RobustScaler
from normwise.scaling.scaler import Learned, Scaler
from normwise.scaling.scaler_record import ScalerRecord
from normwise.scaling.sketched_scaler import (
    SKETCH_SIZE,
    SketchedScaler,
    refuse_weights,
    statistics_and_few_values,
)
from normwise.scaling.spread import require_finite
from normwise.scaling.standard_scaler import StandardScaler
from normwise.tables.transform import transform_table

if TYPE_CHECKING:
    from normwise.layers.column_scaling import ColumnScaling

KINDS = ("boolean", "integer", "float")
Key = str | int | tuple[str | int, ...]
Groups = list[tuple[Scaler, list[int]]]
SCALERS: dict[str, type[Scaler]] = {
    c.__name__: c
    for c in (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, QuantileScaler, PowerScaler)
}
"""The scalers that a column may have."""


class ColumnScaler(Scaler):
    """Scales each column by the scaler that its name gives it, or else its kind, or else the default.

    Columns without a scaler pass through as they are; in a frame they may hold anything. The columns stay in
    their order.

    Takes any table and gives back the kind it was given. Learns row by row too (`partial_fit`), and merges,
    where its scalers do.

    Args:
        columns: A scaler for a column, or for several: ``{"age": StandardScaler(), ("a", "b"):
            RobustScaler()}``. Names of a frame's columns, numbers of an array's; None for no scaling.
        kinds: A scaler for the kinds ``"boolean"``, ``"integer"`` and ``"float"``, for columns that `columns`
            does not name.
        default: The scaler of all other columns of numbers; None for no scaling.

    Attributes:
        scalers_: The fitted scalers, each by the columns it was fitted on.
        statistics_: The `ColumnStatistics` of the columns that are scaled.
        data_min_: The smallest value of each of these columns; NaN where there is none.
        data_max_: The largest value of each of them.
        n_features_in_: How many columns were seen.
        feature_names_in_: Their names, if they had any.

    Raises:
        ColumnError: If a column that is named is absent or named twice, or one that is to be scaled holds
            ±inf or no numbers, or if the columns are not those of `fit`.
        ValueError: If a kind is none of the three.

    Example:
        >>> import polars as pl
        >>> from normwise.scaling import MinMaxScaler, StandardScaler
        >>> people = pl.DataFrame({"age": [20.0, 40.0], "member": [True, False], "name": ["Eve", "Ada"]})
        >>> scaler = ColumnScaler({"age": MinMaxScaler()}, kinds={"float": StandardScaler()})
        >>> scaler.fit_transform(people).rows()
        [(0.0, True, 'Eve'), (1.0, False, 'Ada')]
    """

    def __init__(
        self,
        columns: Mapping[Key, Scaler | None] | None = None,
        kinds: Mapping[str, Scaler | None] | None = None,
        default: Scaler | None = None,
    ) -> None:
        self.columns = columns
        self.kinds = kinds
        self.default = default

    def _require_parameters(self) -> None:
        for kind in self.kinds or {}:
            if kind not in KINDS:
                raise ValueError(f'"{kind}" is not a kind of column. {did_you_mean(str(kind), KINDS)}')
        for scaler in (*(self.columns or {}).values(), *(self.kinds or {}).values(), self.default):
            if scaler is not None and not isinstance(scaler, tuple(SCALERS.values())):
                raise ValueError(f"{scaler!r} is no scaler of columns. Expected {listing(SCALERS)} or None.")

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learns each column by its scaler, and forgets what it knew; see `Scaler.fit`."""
        with unchanged_if_it_fails(self):
            self._require_parameters()
            table, weights = weighted_columns_of(self, X, sample_weight, fitting=True)
            self._assign(table, weights)
            scaled = scaled_columns(table, self._where, weights)
            statistics = self._statistics(scaled, weights)
            self._refuse_infinities(statistics)
            for scaler, positions in self._groups:
                scaler._fit_to(select(scaled, positions, weights), statistics.select(positions), weights)
            learned = {id(scaler): scaler._learned for scaler, _ in self._groups}
            self._set(statistics, _learned(self._features, self._where, self._groups, learned))
        return self

    def _statistics(self, table: Numbers, weights: Weights) -> ColumnStatistics:
        if not self._where and weights is None:
            return ColumnStatistics.empty([])
        of = statistics_and_few_values if self._sketched else statistics_of
        return self._named(of(table, weights))

    def _named(self, statistics: ColumnStatistics) -> ColumnStatistics:
        # Some columns of an array are an array, which counts them from 0 again.
        return dataclasses.replace(statistics, names=tuple(self._features[i] for i in self._where))

    @property
    def _sketched(self) -> bool:
        return any(isinstance(scaler, SketchedScaler) for scaler, _ in self._groups)

    def _refuse_infinities(self, statistics: ColumnStatistics) -> None:
        at = sorted(i for scaler, positions in self._groups if scaler.infinite == "raise" for i in positions)
        refusing = statistics.select(at)
        require_finite(np.array(refusing.infinities), refusing.names)

    def _warn_of_constants(self, statistics: ColumnStatistics) -> None:
        for scaler, positions in self._groups:
            scaler._warn_of_constants(statistics.select(positions))

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learns further rows, as if they had been in one table with those before.

        Args:
            X: A table with the columns of the first call.
            y: Ignored.
            sample_weight: As in `fit`, if no column's scaler keeps a sketch.

        Raises:
            ColumnError: As `fit`, or if the columns are others than before; nothing is learned then.
            TableError: If one of the scalers does not learn row by row, or takes no weights so.
        """
        first = not hasattr(self, "statistics_")
        with unchanged_if_it_fails(self):
            self._require_parameters()
            table, weights = weighted_columns_of(self, X, sample_weight, fitting=first)
            if first:
                self._assign(table, weights)
            else:
                self._learned_from(self.statistics_)
            scaled = scaled_columns(table, self._where, weights)
            sketched = self._where and self._sketched
            if not sketched:
                return learn_more(self, self._statistics(scaled, weights))
            refuse_weights("RobustScaler or QuantileScaler", weights)
            return learn_more(self, self._named(sketched_statistics_of(scaled, SKETCH_SIZE)))

    def merge(self, other: Self) -> Self:
        """What both have learned, of different rows: a new scaler, as if it had seen the rows of both.

        Raises:
            TableError: If the arguments or the columns differ, or one of the scalers does not merge.
        """
        if type(other) is type(self) and hasattr(self, "_groups") and hasattr(other, "_groups"):
            ours, theirs = (_by_column(scaler) for scaler in (self, other))
            for name in ours:
                # By its kind, a column of whole numbers here may be one of fractions there.
                if ours[name] != theirs.get(name, ours[name]):
                    raise TableError(
                        f'cannot merge: column "{name}" is scaled by {ours[name]} here and by {theirs[name]} '
                        "there, as the tables had it of different kinds. Give it a scaler by its name."
                    )
            for scaler in (self, other):
                scaler._learned_from(scaler.statistics_)
        return merge_scalers(self, other)

    def _assign(self, table: Numbers, weights: Weights) -> None:
        """Finds the scalers with the positions of their columns among those scaled, and where these are."""
        self._features = names_of(table, weights)
        named = dict(self._by_position(self._features, isinstance(table, np.ndarray)))
        groups: dict[int, tuple[Scaler, list[int]]] = {}
        where: list[int] = []
        for i, kind in enumerate(kinds_of(table, weights)):
            others = (self.kinds or {}).get(kind, self.default) if kind in KINDS else None
            scaler = named.get(i, others)
            if scaler is not None:
                groups.setdefault(id(scaler), (scaler, []))[1].append(len(where))
                where.append(i)
        self._groups: Groups = [(clone(scaler), positions) for scaler, positions in groups.values()]
        self._where = where

    def _by_position(self, names: list[str], numbered: bool) -> Iterator[tuple[int, Scaler | None]]:
        seen: set[int] = set()
        for key, scaler in (self.columns or {}).items():
            for one in key if isinstance(key, tuple) else (key,):
                i = _position(one, names, numbered)
                if i in seen:
                    raise ColumnError(f'the column "{one}" is named twice. Expected one scaler for it.')
                seen.add(i)
                yield i, scaler

    def _learned_from(self, statistics: ColumnStatistics) -> Learned:
        learned = {id(s): s._learned_from(statistics.select(positions)) for s, positions in self._groups}
        return _learned(self._features, self._where, self._groups, learned)

    def _learn(self, statistics: ColumnStatistics, learned: Learned) -> None:
        groups = []
        _check_parts(statistics, learned)
        for part in learned["parts"]:
            scaler = scaler_of(part)
            scaler._require_parameters()
            known = statistics.select(part["columns"])
            scaler.n_features_in_ = len(known.names)
            scaler._set(known, part["learned"])
            groups.append((scaler, part["columns"]))
        self._groups, self._where, self._features = groups, learned["where"], learned["features"]
        self.scalers_ = {scaler.statistics_.names: scaler for scaler, _ in groups}

    def transform(self, X: Any) -> Any:
        """The table with each column scaled that has a scaler; see `Scaler.transform`."""
        require_output(self, X)
        return self._map(X, inverse=False)

    def inverse_transform(self, X: Any) -> Any:
        """The table in its own units again; see `Scaler.inverse_transform`."""
        return self._map(X, inverse=True)

    def _map(self, X: Any, inverse: bool) -> Any:
        check_is_fitted(self, "statistics_")
        formulas = [scaler._inverse() if inverse else scaler._formula() for scaler, _ in self._groups]
        if not is_array(X):
            return transform_table(X, lambda frame: self._of_rows(X, frame, formulas))
        array = array_of(self, X, fitting=False).copy(order="K")
        for (scaler, positions), formula in zip(self._groups, formulas, strict=True):
            at = [self._where[i] for i in positions]
            names = scaler.statistics_.names
            array[:, at] = apply_to_array(formula, array[:, at], names, scaler.infinite)
        return array

    def _of_rows(self, X: Any, frame: nw.LazyFrame[Any], formulas: list[Formula]) -> nw.LazyFrame[Any]:
        check_columns(self, header_of(X, frame), fitting=False)
        scaled_columns(frame, self._where)
        found = names_of(frame)
        for (scaler, positions), formula in zip(self._groups, formulas, strict=True):
            names = [found[self._where[i]] for i in positions]
            if scaler.infinite == "raise" and is_in_memory(X):
                require_finite_columns(frame, names)
            frame = apply_to_frame(formula, frame, names, scaler.infinite)
        return frame

    def _parts(self) -> list[tuple[tuple[str, ...], Scaler]]:
        return [(scaler.statistics_.names, scaler) for scaler, _ in self._groups]

    def to_layer(self) -> ColumnScaling:
        """The scalers as one Keras layer, which computes what `transform` does, in the model.

        Returns:
            `normwise.ColumnScaling` over the last axis, in the order of the columns.
        """
        check_is_fitted(self, "statistics_")
        from normwise.layers.column_scaling import ColumnScaling

        return ColumnScaling(
            [[self._where[i] for i in positions] for _, positions in self._groups],
            [scaler.to_layer() for scaler, _ in self._groups],
        )

    def _parameters(self) -> dict[str, Any]:
        columns = [
            [list(key) if isinstance(key, tuple) else [key], spec_of(scaler)]
            for key, scaler in (self.columns or {}).items()
        ]
        kinds = {kind: spec_of(scaler) for kind, scaler in (self.kinds or {}).items()}
        return {"columns": columns, "kinds": kinds, "default": spec_of(self.default)}

    @classmethod
    def _of_parameters(cls, parameters: dict[str, Any]) -> Self:
        columns = {
            key[0] if len(key) == 1 else tuple(key): scaler_of(spec) for key, spec in parameters["columns"]
        }
        kinds = {kind: scaler_of(spec) for kind, spec in parameters["kinds"].items()}
        return cls(columns or None, kinds or None, scaler_of(parameters["default"]))

    @classmethod
    def _features_of(cls, record: ScalerRecord) -> list[str]:
        return list(record.learned["features"])


def _learned(features: list[str], where: list[int], groups: Groups, learned: dict[int, Learned]) -> Learned:
    parts = [
        {**spec_of(scaler), "columns": positions, "learned": learned[id(scaler)]}
        for scaler, positions in groups
    ]
    return {"features": features, "where": where, "parts": parts}


def _by_column(scaler: ColumnScaler) -> dict[str, Any]:
    """What each column is scaled by."""
    names = scaler.statistics_.names
    return {names[i]: spec_of(part) for part, positions in scaler._groups for i in positions}


def _check_parts(statistics: ColumnStatistics, learned: Learned) -> None:
    """Raises a ValueError if the scalers' columns are not those of the statistics: only a file says so."""
    features, where = learned["features"], learned["where"]
    given = [i for part in learned["parts"] for i in part["columns"]]
    positions = all(type(i) is int and i >= 0 for i in (*given, *where))
    if not positions or sorted(given) != list(range(len(statistics.names))):
        raise ValueError(f"the scalers have the columns {given!s:.80}; expected each of them once")
    if not all(isinstance(name, str) for name in features) or len(set(features)) < len(features):
        raise ValueError(f"the columns are {features!s:.80}; expected a name of its own for each")
    if where != sorted(set(where)) or [features[i] for i in where] != list(statistics.names):
        raise ValueError(
            f"the columns that are scaled are {where!s:.80} of {features!s:.80}; not the statistics'"
        )


def _position(column: str | int, names: list[str], numbered: bool) -> int:
    if isinstance(column, int):
        if not -len(names) <= column < len(names):
            raise ColumnError(f"there is no column {column}: the table has {len(names)}, from 0 on.")
        return column % len(names)
    if numbered or column not in names:
        hint = "An array's columns have numbers, from 0 on." if numbered else did_you_mean(column, names)
        raise ColumnError(f'there is no column "{column}". {hint}')
    return names.index(column)


def spec_of(scaler: Scaler | None) -> Any:
    """A scaler's class and arguments as plain data."""
    return None if scaler is None else {"scaler": type(scaler).__name__, "parameters": scaler._parameters()}


def scaler_of(spec: Any) -> Any:
    """The scaler that `spec_of` described, not fitted.

    Raises:
        RecordError: If it is of a class that no column has.
    """
    if spec is None:
        return None
    if spec["scaler"] not in SCALERS:
        raise RecordError(
            f'"{spec["scaler"]}" is no scaler of columns. {did_you_mean(spec["scaler"], SCALERS)}'
        )
    return SCALERS[spec["scaler"]]._of_parameters(spec["parameters"])


def scaled_columns(table: Numbers, where: list[int], weights: Weights = None) -> Numbers:
    """The columns that are scaled; raises if they hold anything but numbers."""
    scaled = select(table, where, weights)
    require_numbers_in(scaled, weights)
    return scaled
