"""What a scaler is given: an array or a frame of numbers, with the columns that it knows."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from normwise.core.errors import ColumnError, TableError, did_you_mean
from normwise.tables.frame import to_frame
from normwise.tables.statistics import require_numbers

Numbers = NDArray[Any] | pl.DataFrame


def numbers_of(scaler: Any, table: Any, fitting: bool) -> Numbers:
    """The table as a Polars frame if it is a frame, else as an array of float32 or float64, checked.

    Args:
        scaler: The estimator, whose `n_features_in_` and `feature_names_in_` are set or compared.
        table: What the caller gave.
        fitting: Whether the columns are learned, not compared.

    Raises:
        TableError: If there are no rows or no columns.
        ColumnError: If the columns are not those of `fit`, or hold no numbers.
    """
    given = table.collect() if isinstance(table, pl.LazyFrame) else table
    if isinstance(given, np.ma.MaskedArray):
        given = _with_nan(given)
    try:
        if not nw.dependencies.is_into_dataframe(given):
            _require_no_times(given)
            dtypes = [np.float64, np.float32]
            return np.asarray(
                validate_data(scaler, given, reset=fitting, dtype=dtypes, ensure_all_finite=False)
            )
        frame = to_frame(given)
        _require_some(frame)
        validate_data(scaler, given, reset=fitting, skip_check_array=True)
    except TableError:
        raise
    except ValueError as error:
        if fitting or not _is_about_columns(str(error)):
            raise
        raise ColumnError(f"{str(error).rstrip()}\n{_hint(scaler, given)}") from error
    require_numbers(frame)
    return frame


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


def _require_some(frame: pl.DataFrame) -> None:
    if not frame.height or not frame.width:
        raise TableError(
            f"Found array with {frame.height} row(s) and {frame.width} column(s), while a minimum of 1 of "
            "each is required: give a table with rows."
        )


def _is_about_columns(message: str) -> bool:
    # scikit-learn's own checks expect its wording, so that is kept and completed.
    return message.startswith("The feature names should match") or "features, but" in message


def _hint(scaler: Any, table: Any) -> str:
    known = [str(name) for name in getattr(scaler, "feature_names_in_", ())]
    if not known or not nw.dependencies.is_into_dataframe(table):
        return "Give the columns that fit was given, in that order."
    found = [str(name) for name in table.columns]
    if sorted(found) == sorted(known):
        return f"Select them in this order: {known}."
    strange = [name for name in found if name not in known]
    absent = [name for name in known if name not in found]
    hints = [f'"{name}" is not known. {did_you_mean(name, absent)}' for name in strange[:3] if absent]
    return " ".join(hints) or f"Give these columns, in this order: {known}."


def infinities(numbers: Numbers) -> NDArray[np.int64]:
    """Per column, how many values are +inf or −inf."""
    if isinstance(numbers, pl.DataFrame):
        counts = [int(c.is_infinite().sum()) if c.dtype.is_float() else 0 for c in numbers.iter_columns()]
        return np.array(counts, dtype=np.int64)
    return np.asarray(np.isinf(numbers).sum(axis=0, dtype=np.int64))
