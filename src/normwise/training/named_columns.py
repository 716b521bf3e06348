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
    def of(cls, schema: pl.Schema, y: Names, weight: str | None) -> NamedColumns:
        """The columns by name.

        Raises:
            ColumnError: If a name is no column, no feature is left, or a column is not numeric.
        """
        targets = y if isinstance(y, str) or y is None else tuple(y)
        named = [*_listed(targets), *_listed(weight)]
        for name in named:
            if name not in schema:
                raise ColumnError(f'the table has no column "{name}". {did_you_mean(name, schema)}')
        features = tuple(name for name in schema if name not in named)
        if not features:
            raise ColumnError(
                f"besides {listing(named)} the table has no columns. Expected one feature or more."
            )
        _require_numbers(schema, features, named)
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
        floatx = keras.config.floatx()
        for name in (*self.features, *_listed(self.targets), *_listed(self.weight)):
            if frame[name].null_count():
                raise _missing(frame[name].is_null(), "null", where)
        wide = pl.Float64 if floatx == "float64" else pl.Float32
        x = frame.select(pl.col(self.features).cast(wide)).to_numpy(order="c", writable=True)
        if np.isnan(x.sum()):
            _require_no_nan(frame, self.features, where)
        leaves = [x.astype(floatx, copy=False)]
        if isinstance(self.targets, str):
            leaves.append(frame[self.targets].to_numpy())
        elif self.targets is not None:
            leaves.append(frame.select(self.targets).to_numpy(order="c"))
        leaves += [frame[name].cast(wide).to_numpy().astype(floatx, copy=False) for name in _listed(self.weight)]
        for name in (*_listed(self.targets), *_listed(self.weight)):
            _require_no_nan(frame, (name,), where)
        return tuple(_as_keras(leaf) for leaf in leaves)


def require_feature_count(columns: NamedColumns, model: Any) -> None:
    """Raises ColumnError if the model takes another number of features than the table has."""
    shape = getattr(model, "input_shape", None) if model.built else None
    expected = shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else None
    if expected not in (None, len(columns.features)):
        others = listing([*_listed(columns.targets), *_listed(columns.weight)])
        besides = f" besides {others}" if others else ""
        raise ColumnError(
            f"the model takes {expected} features, and{besides} the table has {len(columns.features)} columns: "
            f"{listing(columns.features)}. Expected as many: name all targets in y, and leave out what is no "
            "feature (see polars.scan_parquet and its drop)."
        )


def _as_keras(leaf: NDArray[Any]) -> NDArray[Any]:
    """Floats of Keras' precision; what is not a float stays what it is."""
    return leaf.astype(keras.config.floatx(), copy=False) if leaf.dtype.kind == "f" else leaf


def _listed(names: Names) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def _require_numbers(schema: pl.Schema, features: Sequence[str], named: Sequence[str]) -> None:
    wrong = [name for name in (*features, *named) if not _is_number(schema[name])]
    if not wrong:
        return
    kinds = listing(dict.fromkeys(str(schema[name]) for name in wrong))
    raise ColumnError(
        f"the columns {listing(wrong)} are not numbers, but {kinds}. Expected numbers or true and false: encode "
        "them, or leave them out with polars.scan_parquet(…).drop(…)."
    )


def _is_number(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind == pl.Boolean


def _require_no_nan(frame: pl.DataFrame, names: Sequence[str], where: Callable[[int], str]) -> None:
    for name in names:
        if frame.schema[name].is_float():
            is_nan = frame[name].is_nan()
            if is_nan.any():
                raise _missing(is_nan, "NaN", where)


def _missing(is_missing: pl.Series, what: str, where: Callable[[int], str]) -> ColumnError:
    first = is_missing.arg_max() or 0
    count = int(is_missing.sum())
    more = f", and {count - 1} more follow close by" if count > 1 else ""
    return ColumnError(
        f'column "{is_missing.name}" is {what} in {where(first)}{more}. Expected a number in every row: fill or '
        "drop such rows before training."
    )
