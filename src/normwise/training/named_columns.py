"""NamedColumns: which columns of a table are features, targets and weights, and their values as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, did_you_mean, listing
from normwise.training.shuffle_buffer import Arrays

Names = str | Sequence[str] | None


@dataclasses.dataclass(frozen=True)
class NamedColumns:
    """The columns that a training takes from a table.

    Args:
        features: All columns but the others, in the table's order.
        targets: The target's name, several names, or None: the first is an array (rows,), the second
            (rows, names), as if they were handed in as NumPy arrays.
        weight: The name of the column of sample weights.
    """

    features: tuple[str, ...]
    targets: str | tuple[str, ...] | None
    weight: str | None

    @classmethod
    def of(
        cls, schema: pl.Schema, y: Names, weight: str | None, features: tuple[str, ...] | None = None
    ) -> NamedColumns:
        """The columns by name; `features` are those of another table, which this one must have.

        Raises:
            ColumnError: If a name is no column, no feature is left, or a column is not numeric.
        """
        targets = y if isinstance(y, str) or y is None else tuple(y)
        named = [*_listed(targets), *_listed(weight)]
        for name in (*named, *(features or ())):
            if name not in schema:
                raise ColumnError(f'the table has no column "{name}". {did_you_mean(name, schema)}')
        if features is None:
            features = tuple(name for name in schema if name not in named)
        if not features:
            raise ColumnError(
                f"besides {listing(named)} the table has no columns. Expected one feature or more."
            )
        require_numbers(schema, (*features, *named))
        return cls(features, targets, weight)

    def arrays(self, frame: pl.DataFrame, where: Callable[[int], str]) -> Arrays:
        """Features (rows, features) of Keras' `floatx`, then targets and weights where there are any.

        Integer targets keep their type; several targets get one that holds them all.

        Args:
            frame: Rows of the table.
            where: Says where in the table a row of the frame is, for messages.

        Raises:
            ColumnError: If a value is missing or NaN, with its column and its place.
        """
        for name in self._named:
            if frame[name].null_count():
                raise _missing(frame[name].is_null(), "null", where)
        x = _floats(frame.select(self.features))
        # Adding up is several times as quick as looking, and NaN in gives NaN out.
        suspects = self._named if np.isnan(x.sum()) else self._named[len(self.features) :]
        _require_no_nan(frame, suspects, where)
        weights = [_floats(frame[name]) for name in _listed(self.weight)]
        return (x, *self._targets(frame), *weights)

    @property
    def _named(self) -> tuple[str, ...]:
        return (*self.features, *_listed(self.targets), *_listed(self.weight))

    def _targets(self, frame: pl.DataFrame) -> Arrays:
        if self.targets is None:
            return ()
        one = isinstance(self.targets, str)
        y = frame[self.targets].to_numpy() if one else frame.select(self.targets).to_numpy(order="c")
        return (y.astype(keras.config.floatx(), copy=False) if y.dtype.kind == "f" else y,)


def require_feature_count(columns: NamedColumns, model: Any) -> None:
    """Raises ColumnError if the model takes another number of features than the table has."""
    shape = getattr(model, "input_shape", None) if model.built else None
    expected = shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else None
    if expected not in (None, len(columns.features)):
        others = listing([*_listed(columns.targets), *_listed(columns.weight)])
        besides = f" besides {others}" if others else ""
        raise ColumnError(
            f"the model takes {expected} features, and{besides} the table has {len(columns.features)} "
            f"columns: {listing(columns.features)}. Expected as many: name all targets in y, and leave out "
            "what is no feature with polars.scan_parquet(…).drop(…)."
        )


def _floats(values: pl.DataFrame | pl.Series) -> NDArray[Any]:
    """Numbers of Keras' precision, row after row."""
    floatx = keras.config.floatx()
    wide = pl.Float64 if floatx == "float64" else pl.Float32
    if isinstance(values, pl.Series):
        return values.cast(wide).to_numpy().astype(floatx, copy=False)
    return values.cast(wide).to_numpy(order="c").astype(floatx, copy=False)


def _listed(names: Names) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def require_numbers(schema: pl.Schema, names: Sequence[str]) -> None:
    """Raises ColumnError if a column is neither numeric nor true and false."""
    wrong = [name for name in names if not (schema[name].is_numeric() or schema[name] == pl.Boolean)]
    if not wrong:
        return
    kinds = listing(dict.fromkeys(str(schema[name]) for name in wrong))
    raise ColumnError(
        f"the columns {listing(wrong)} are not numbers, but {kinds}. Expected numbers or true and false: "
        "encode them, or leave them out with polars.scan_parquet(…).drop(…)."
    )


def _require_no_nan(frame: pl.DataFrame, names: Sequence[str], where: Callable[[int], str]) -> None:
    for name in names:
        if frame.schema[name].is_float():
            is_nan = frame[name].is_nan()
            if is_nan.any():
                raise _missing(is_nan, "NaN", where)


def _missing(is_missing: pl.Series, what: str, where: Callable[[int], str]) -> ColumnError:
    first = is_missing.arg_max() or 0
    count = int(is_missing.sum())
    more = f", and in {count - 1} more of the {len(is_missing)} rows read with it" if count > 1 else ""
    return ColumnError(
        f'column "{is_missing.name}" is {what} in {where(first)}{more}. Expected a number in every row: '
        "fill or drop such rows before training."
    )
