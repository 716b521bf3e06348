"""What a scaler is given: an array, or a table on an engine, with the columns that it knows."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import validate_data

from normwise.core.column_statistics import frequency_weights
from normwise.core.errors import ColumnError, TableError, did_you_mean
from normwise.tables.frame import to_frame
from normwise.tables.scan import (
    is_batches,
    is_dataset,
    is_duckdb,
    is_paths,
    is_reader,
    is_spark,
    scan_table,
)
from normwise.tables.statistics import require_numbers

Numbers = NDArray[Any] | nw.LazyFrame[Any]
Weights = NDArray[np.float64] | str | None
"""How often each row counts: numbers beside an array, or the name of a frame's last column."""
WEIGHT = "sample weight"
"""The name of the column that weights of a frame are kept in, until it is unlike all others."""


def numbers_of(scaler: Any, table: Any, fitting: bool) -> Numbers:
    """The table as an array of float32 or float64, or on its engine, with its columns checked.

    Args:
        scaler: The estimator, whose `n_features_in_` and `feature_names_in_` are set or compared.
        table: What the caller gave.
        fitting: Whether the columns are learned, not compared.

    Raises:
        TableError: If there are no rows or no columns.
        ColumnError: If the columns are not those of `fit`, or hold no numbers.
    """
    numbers = columns_of(scaler, table, fitting)
    require_numbers_in(numbers)
    return numbers


def columns_of(scaler: Any, table: Any, fitting: bool) -> Numbers:
    """The same, where the columns of a frame may hold anything."""
    if is_array(table):
        return array_of(scaler, table, fitting)
    frame = scan_table(table)
    schema = frame.collect_schema()
    if not schema:
        raise TableError("Found array with 0 column(s), while a minimum of 1 is required: give columns.")
    check_columns(scaler, header_of(table, frame), fitting)
    return frame


def require_numbers_in(table: Numbers, weights: Weights = None) -> None:
    """Raises a ColumnError that names the columns of a frame which hold anything but numbers and booleans."""
    if not isinstance(table, np.ndarray):
        schema = table.collect_schema()
        require_numbers({name: schema[name] for name in names_of(table, weights)})


def names_of(table: Numbers, weights: Weights = None) -> list[str]:
    """The columns' names but for that of the weights; ``x0, x1, …`` for an array's."""
    if isinstance(table, np.ndarray):
        return [f"x{i}" for i in range(table.shape[1])]
    return [name for name in table.collect_schema() if not (isinstance(weights, str) and name == weights)]


def kinds_of(table: Numbers, weights: Weights = None) -> list[str]:
    """What each column holds: "boolean", "integer", "float" or "other"."""
    if isinstance(table, np.ndarray):
        return ["float"] * table.shape[1]
    schema = table.collect_schema()
    return [_kind(schema[name]) for name in names_of(table, weights)]


def _kind(dtype: Any) -> str:
    if dtype == nw.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    return "float" if dtype.is_numeric() else "other"


def weighted_numbers_of(scaler: Any, table: Any, weights: Any, fitting: bool) -> tuple[Numbers, Weights]:
    """What `numbers_of` gives, and the weights of its rows.

    Args:
        scaler: The estimator.
        table: What the caller gave.
        weights: None, one number a row of an array or a frame in memory, or the name of a column.
        fitting: Whether the columns are learned, not compared.

    Raises:
        TableError: If the weights are not one a row, finite and 0 or more.
        ColumnError: If there is no such column.
    """
    numbers, counted = weighted_columns_of(scaler, table, weights, fitting)
    require_numbers_in(numbers, counted)
    return numbers, counted


def weighted_columns_of(scaler: Any, table: Any, weights: Any, fitting: bool) -> tuple[Numbers, Weights]:
    """The same, where the columns of a frame may hold anything."""
    if weights is None:
        return columns_of(scaler, table, fitting), None
    if isinstance(weights, str):
        return _named_weights(scaler, table, weights, fitting)
    if is_paths(table) or is_reader(table):
        raise TableError(
            "the sample weights are an array, but the rows come from files or in batches. Give the name of "
            "the column that holds them."
        )
    if is_duckdb(table) or is_spark(table):
        raise TableError(
            f"the sample weights are an array, but the rows of a {type(table).__name__} have no order. Give "
            "the name of the column that holds them."
        )
    numbers = columns_of(scaler, table, fitting)
    if isinstance(numbers, np.ndarray):
        return numbers, frequency_weights(weights, len(numbers))
    return _beside(to_frame(table), weights)


def array_of(scaler: Any, table: Any, fitting: bool) -> NDArray[Any]:
    """An array or a list of rows as an array of float32 or float64, with its columns checked."""
    given = _with_nan(table) if isinstance(table, np.ma.MaskedArray) else table
    _require_no_times(given)
    dtypes = [np.float64, np.float32]
    try:
        return np.asarray(validate_data(scaler, given, reset=fitting, dtype=dtypes, ensure_all_finite=False))
    except ValueError as error:
        raise _of_columns(error, scaler, None, fitting) from error


def header_of(table: Any, frame: nw.LazyFrame[Any]) -> Any:
    """What scikit-learn reads the columns' names from: the table itself where it knows its kind."""
    if isinstance(table, nw.DataFrame):
        table = table.to_native()
    if not isinstance(table, nw.LazyFrame) and nw.dependencies.is_pandas_dataframe(table):
        return table
    if isinstance(table, pl.DataFrame):
        return table
    return pl.DataFrame(schema=dict.fromkeys(frame.collect_schema(), pl.Float64))


def check_columns(scaler: Any, header: Any, fitting: bool) -> None:
    """Learns a table's columns, or raises a ColumnError if they are not those that were learned."""
    try:
        validate_data(scaler, header, reset=fitting, skip_check_array=True)
    except ValueError as error:
        raise _of_columns(error, scaler, header, fitting) from error


def _of_columns(error: ValueError, scaler: Any, header: Any, fitting: bool) -> ValueError:
    # scikit-learn's own checks expect its wording, so that is kept and completed.
    message = str(error)
    if fitting or not (message.startswith("The feature names should match") or "features, but" in message):
        return error
    return ColumnError(f"{message.rstrip()}\n{_hint(scaler, header)}")


def _named_weights(scaler: Any, table: Any, name: str, fitting: bool) -> tuple[Numbers, str]:
    if is_array(table):
        raise TableError(
            f'sample_weight="{name}" names a column, but an array has no names. Give one number a row, or a '
            "frame with that column."
        )
    frame = scan_table(table)
    known = list(frame.collect_schema())
    if name not in known:
        raise ColumnError(f'there is no column "{name}" of sample weights. {did_you_mean(name, known)}')
    columns_of(scaler, features := frame.drop(name), fitting)
    return frame.select(*features.collect_schema(), name), name


def _beside(frame: pl.DataFrame, weights: Any) -> tuple[Numbers, str]:
    name = WEIGHT
    while name in frame.columns:
        name += "_"
    values = frequency_weights(weights, frame.height)
    return nw.from_native(frame.with_columns(pl.Series(name, values)).lazy()), name


def _with_nan(masked: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """The array with NaN where it is masked: NumPy would hand out what lies below the mask."""
    values = np.asarray(masked.data)
    floats = values if values.dtype.kind in "fc" else values.astype(np.float64)
    return np.where(np.ma.getmaskarray(masked), np.nan, floats)


def _require_no_times(given: Any) -> None:
    """NumPy would turn dates and durations into counts of whatever unit they are stored in."""
    dtype = getattr(given, "dtype", None)
    if getattr(dtype, "kind", "") in ("M", "m"):
        raise ColumnError(
            f"expected an array of numbers, got {dtype}. Turn it into numbers of a unit first, such as days: "
            'X / np.timedelta64(1, "D"), of dates after subtracting an origin.'
        )


def _hint(scaler: Any, header: Any) -> str:
    known = [str(name) for name in getattr(scaler, "feature_names_in_", ())]
    if not known or header is None:
        return "Give the columns that fit was given, in that order."
    found = [str(name) for name in header.columns]
    if sorted(found) == sorted(known):
        return f"Select them in this order: {known}."
    strange = [name for name in found if name not in known]
    absent = [name for name in known if name not in found]
    hints = [f'"{name}" is not known. {did_you_mean(name, absent)}' for name in strange[:3] if absent]
    return " ".join(hints) or f"Give these columns, in this order: {known}."


def is_array(table: Any) -> bool:
    """Whether it is an array, or a list of rows: NumPy's own, not a table with named columns."""
    if isinstance(table, np.ndarray):
        return True
    if isinstance(table, list | tuple):
        return not (is_paths(table) or is_batches(table))
    named = nw.dependencies.is_into_dataframe(table) or hasattr(table, "__arrow_c_stream__")
    return hasattr(table, "__array__") and not named


def is_in_memory(table: Any) -> bool:
    """Whether it is a frame whose rows are all there, or comes in batches of such."""
    return bool(nw.dependencies.is_into_dataframe(table)) or isinstance(table, dict) or is_reader(table)


def require_output(scaler: Any, table: Any) -> None:
    """Raises a TableError if `set_output` asks for a frame in memory of rows that are not there."""
    asked = _get_output_config("transform", scaler)["dense"]
    if asked == "default" or isinstance(table, nw.DataFrame):
        return
    lazy = isinstance(table, pl.LazyFrame | nw.LazyFrame) or any(
        is_kind(table) for is_kind in (is_paths, is_reader, is_dataset, is_duckdb, is_spark)
    )
    if lazy:
        raise TableError(
            f'set_output(transform="{asked}") makes a frame in memory, and the {type(table).__name__} gives '
            'its rows later. Collect it first, or take set_output(transform="default").'
        )
