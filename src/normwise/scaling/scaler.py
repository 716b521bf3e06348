"""Scaler: what all scalers share as scikit-learn estimators, from the table to the saved file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw
import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError, RecordError, TableError, did_you_mean
from normwise.scaling.apply import Formula, apply_to_array, apply_to_frame, require_finite_columns
from normwise.scaling.columns import (
    Numbers,
    Weights,
    array_of,
    check_columns,
    header_of,
    is_array,
    is_in_memory,
    names_of,
    require_output,
    weighted_numbers_of,
)
from normwise.scaling.measure import statistics_of
from normwise.scaling.restore import unchanged_if_it_fails
from normwise.scaling.scaler_record import ScalerRecord, read_scaler_record
from normwise.scaling.spread import require_finite, warn_of_constants
from normwise.tables.atomic import atomic_path
from normwise.tables.scan import is_reader
from normwise.tables.statistics import require_numbers
from normwise.tables.transform import transform_table

if TYPE_CHECKING:
    import keras

Learned = dict[str, Any]


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A formula a column, of constants that are learned from a table.

    A subclass says in `_measure` what it wants to know besides the `ColumnStatistics`, in `_learn` what
    follows from both, and in `_formula` and `_inverse` what it does to a column.
    """

    infinite: str

    def _measure(self, table: Numbers, statistics: ColumnStatistics, weights: Weights) -> Learned:
        """What is learned besides the statistics, as lists of numbers that JSON holds."""
        return {}

    def _learned_from(self, statistics: ColumnStatistics) -> Learned:
        """The same from the statistics of rows that are gone, for scalers that learn row by row."""
        return {}

    def _learn(self, statistics: ColumnStatistics, learned: Learned) -> None:
        """Sets the public attributes."""
        raise NotImplementedError

    def _formula(self) -> Formula:
        raise NotImplementedError

    def _inverse(self) -> Formula:
        raise NotImplementedError

    def _of_constants(self) -> float:
        """What a constant column becomes."""
        return 0.0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learns what it needs of each column, and forgets what it knew.

        Args:
            X: Any table of numbers, in memory, in files or on an engine: see `normwise.tables.scan_table`.
                NaN and null are ignored.
            y: Ignored.
            sample_weight: How often each row counts: 2 is "seen twice", a row of weight 0 is not there. An
                array of one number a row, for arrays and frames in memory; or the name of a column of `X`,
                which then is no feature.

        Returns:
            The scaler itself.

        Raises:
            ColumnError: If a column holds ±inf and `infinite` is "raise", or anything but numbers.
            TableError: If the weights are not one a row, finite and 0 or more.
        """
        with unchanged_if_it_fails(self):
            return self._fit(*weighted_numbers_of(self, X, sample_weight, fitting=True))

    def _fit(self, table: Numbers, weights: Weights) -> Self:
        self._require_parameters()
        return self._fit_to(table, self._statistics(table, weights), weights)

    def _statistics(self, table: Numbers, weights: Weights) -> ColumnStatistics:
        return statistics_of(table, weights)

    def _fit_to(self, table: Numbers, statistics: ColumnStatistics, weights: Weights) -> Self:
        """Learns a table whose statistics are known."""
        self._require_parameters()
        self._refuse_infinities(statistics)
        self._set(statistics, self._measure(table, statistics, weights))
        self._warn_of_constants(statistics)
        return self

    def _refuse_infinities(self, statistics: ColumnStatistics) -> None:
        if self.infinite == "raise":
            require_finite(np.array(statistics.infinities), statistics.names)

    def _warn_of_constants(self, statistics: ColumnStatistics) -> None:
        warn_of_constants(statistics, type(self).__name__, self._of_constants())

    def _require_parameters(self) -> None:
        """Raises a ValueError if an argument of the constructor is none."""
        if self.infinite not in ("raise", "null"):
            raise ValueError(f'infinite must be "raise" or "null", got {self.infinite!r}')

    def _set(self, statistics: ColumnStatistics, learned: Learned) -> None:
        self._learn(statistics, learned)
        self.statistics_ = statistics
        self.data_min_ = np.array(statistics.minima)
        self.data_max_ = np.array(statistics.maxima)
        self._learned = learned

    def transform(self, X: Any) -> Any:
        """The scaled table.

        Args:
            X: The columns of `fit`, in their order.

        Returns:
            A table of the kind of `X`, lazy where that is lazy; NaN and null stay where they are.

        Raises:
            ColumnError: If the columns are not those of `fit`, or hold ±inf or anything but numbers.
        """
        check_is_fitted(self, "statistics_")
        require_output(self, X)
        return self._apply(self._formula(), X)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """What `fit` and then `transform` give; the column that `sample_weight` names is left out.

        Raises:
            TableError: If `X` can be read once only: nothing would be left to transform.
            ColumnError: As both.
        """
        if is_reader(X):
            raise TableError(
                f"a {type(X).__name__} gives its rows once, and fit_transform reads them twice. Make it anew "
                "for fit and for transform, or give a table."
            )
        if isinstance(weights := fit_params.get("sample_weight"), str):
            self.fit(X, y, **fit_params)
            return self.transform(transform_table(X, lambda frame: frame.drop(weights)))
        return super().fit_transform(X, y, **fit_params)

    def inverse_transform(self, X: Any) -> Any:
        """The table in its own units again; a constant column comes back as its constant.

        Args:
            X: What `transform` gave.

        Returns:
            A table of the kind of `X`.

        Raises:
            ColumnError: As `transform`.
        """
        check_is_fitted(self, "statistics_")
        return self._apply(self._inverse(), X)

    def _apply(self, formula: Formula, X: Any) -> Any:
        names = self.statistics_.names
        if is_array(X):
            return apply_to_array(formula, array_of(self, X, fitting=False), names, self.infinite)

        def of_rows(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
            check_columns(self, header_of(X, frame), fitting=False)
            require_numbers(frame.collect_schema())
            # Its own names: a scaler that was fitted on an array knows columns by their places.
            found = names_of(frame)
            if self.infinite == "raise" and is_in_memory(X):
                require_finite_columns(frame, found)
            return apply_to_frame(formula, frame, found, self.infinite)

        return transform_table(X, of_rows)

    def columns_in(self, schema: Mapping[str, Any]) -> list[str]:
        """The columns that the scaler scales, which a wider table must have.

        Args:
            schema: The table's columns.

        Raises:
            ColumnError: If the table lacks one, or the scaler knows no names.
        """
        check_is_fitted(self, "statistics_")
        if not hasattr(self, "feature_names_in_"):
            raise ColumnError(
                f"this {type(self).__name__} was fitted on an array, whose columns have no names. Expected "
                "one that was fitted on a table with names."
            )
        for name in self.statistics_.names:
            if name not in schema:
                raise ColumnError(
                    f'there is no column "{name}", which is scaled. {did_you_mean(name, schema)}'
                )
        return list(self.statistics_.names)

    def scale_columns(self, frame: nw.LazyFrame[Any], inverse: bool = False) -> nw.LazyFrame[Any]:
        """Scales the columns of `fit` in a lazy frame that may have others, in any order, which stay.

        Args:
            frame: What `normwise.tables.scan_table` gives.
            inverse: Whether the columns are brought back to their own units.

        Raises:
            ColumnError: If a column is absent, or holds anything but numbers; as rows are read, if one holds
                ±inf and `infinite` is "raise".

        Example:
            >>> from normwise.scaling import MinMaxScaler
            >>> from normwise.tables import scan_table
            >>> people = scan_table({"name": ["Eve", "Ada"], "age": [20, 40]})
            >>> scaler = MinMaxScaler().fit(people.select("age"))
            >>> scaler.scale_columns(people).collect().to_native().rows()
            [('Eve', 0.0), ('Ada', 1.0)]
        """
        names = self.columns_in(schema := frame.collect_schema())
        require_numbers({name: schema[name] for name in names})
        for part, scaler in self._parts():
            formula = scaler._inverse() if inverse else scaler._formula()
            frame = apply_to_frame(formula, frame, part, scaler.infinite)
        return frame

    def _parts(self) -> list[tuple[tuple[str, ...], Scaler]]:
        """The scalers of the columns, each with the names of its own."""
        return [(self.statistics_.names, self)]

    def to_layer(self) -> keras.layers.Layer:
        """The scaler as a Keras layer, which computes what `transform` does, in the model.

        Returns:
            A layer over the last axis, in the order of the columns.

        Raises:
            ColumnError: If a constant does not fit in float32, which is what models compute in.
        """
        raise NotImplementedError

    def _layer_options(self) -> dict[str, Any]:
        """How the layer takes infinities; one that it cannot refuse stays one."""
        return {} if self.infinite == "raise" else {"infinite": "null"}

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Writes the fitted scaler as JSON, whole or not at all.

        Raises:
            TableError: If the file exists and `overwrite` is false, or it cannot be written.
        """
        with atomic_path(path, overwrite) as temporary:
            temporary.write_text(self._record().to_json(indent=1) + "\n", encoding="utf-8")

    def _record(self) -> ScalerRecord:
        check_is_fitted(self, "statistics_")
        named = hasattr(self, "feature_names_in_")
        return ScalerRecord(type(self).__name__, self._parameters(), named, self.statistics_, self._learned)

    def _parameters(self) -> dict[str, Any]:
        """The arguments of the constructor as plain data."""
        return {name: _plain(value) for name, value in self.get_params(deep=False).items()}

    @classmethod
    def _of_parameters(cls, parameters: dict[str, Any]) -> Self:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()})

    @classmethod
    def _features_of(cls, record: ScalerRecord) -> list[str]:
        """The names of all columns that were given."""
        return list(record.statistics.names)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The scaler that `save` wrote.

        Raises:
            RecordError: If the file is missing or malformed, was written by a newer version, or holds another
                scaler.
        """
        record = read_scaler_record(Path(path), cls.__name__)
        try:
            return cls._of_record(record)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise RecordError(f"{path} does not hold a usable {cls.__name__}: {error}") from error

    @classmethod
    def _of_record(cls, record: ScalerRecord) -> Self:
        scaler = cls._of_parameters(record.parameters)
        scaler._require_parameters()
        features = cls._features_of(record)
        scaler.n_features_in_ = len(features)
        if record.named:
            scaler.feature_names_in_ = np.array(features, dtype=object)
        scaler._set(record.statistics, record.learned)
        return scaler

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, and tuples, as what JSON has."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
