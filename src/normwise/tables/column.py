"""One column of NumPy, pandas or plain Python as a Polars column, without PyArrow."""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError


def from_numpy(name: str, values: NDArray[Any]) -> pl.Series:
    """A one-dimensional array as a column of the same type.

    float16 and long double become float64, bytes are read as UTF-8, objects are judged one by one; NaT
    and the masked values of a masked array are null.

    Raises:
        ColumnError: If the values are complex, or objects that no column holds.
    """
    kind = values.dtype.kind
    if kind == "c":
        raise ColumnError(
            f'column "{name}" holds complex numbers ({values.dtype}). Expected real ones: give its real and '
            "imaginary parts as two columns."
        )
    if isinstance(values, np.ma.MaskedArray):
        return with_nulls(from_numpy(name, np.asarray(values.data)), np.ma.getmaskarray(values))
    if kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float64)
    elif kind in "mM" and np.datetime_data(values.dtype)[0] not in ("D", "ms", "us", "ns"):
        values = values.astype(f"{kind}8[us]")
    elif kind in "OSUV" or kind not in "biufmM":
        return from_objects(name, values.tolist())
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return pl.Series(name, np.ascontiguousarray(native))


def from_objects(name: str, values: Sequence[Any]) -> pl.Series:
    """A list of Python objects as a column: of one type if they are of one, of text if they are mixed.

    Raises:
        ColumnError: If a value is no number, text, boolean, date or time.

    Example:
        >>> from_objects("a", [1, None, 2.5]).to_list(), from_objects("b", [1, "x"]).to_list()
        ([1.0, None, 2.5], ['1', 'x'])
    """
    plain = [None if _is_missing(v) else _plain(v, name) for v in values]
    present = [v for v in plain if v is not None]
    for types, but_not, dtype in _TYPES:
        if present and all(isinstance(v, types) and not isinstance(v, but_not) for v in present):
            return _of_dtype(name, plain, dtype)
    return pl.Series(name, [None if v is None else str(v) for v in plain], dtype=pl.String)


# Python's types, those of their subclasses that are something else, and the column that they make.
_TYPES: tuple[tuple[Any, Any, Any], ...] = (
    (bool, (), pl.Boolean),
    (int, bool, pl.Int64),
    ((int, float, decimal.Decimal), bool, pl.Float64),
    (str, (), pl.String),
    (datetime.datetime, (), pl.Datetime("us")),
    (datetime.date, datetime.datetime, pl.Date),
    (datetime.timedelta, (), pl.Duration("us")),
    (datetime.time, (), pl.Time),
)


def _of_dtype(name: str, values: list[Any], dtype: Any) -> pl.Series:
    if dtype == pl.Int64 and any(v is not None and not -(2**63) <= v < 2**63 for v in values):
        dtype = pl.Float64
    if dtype == pl.Float64:
        values = [None if v is None else float(v) for v in values]
    if dtype == pl.Datetime("us") and any(v is not None and v.tzinfo for v in values):
        utc = [None if v is None else v.astimezone(datetime.UTC).replace(tzinfo=None) for v in values]
        return pl.Series(name, utc, dtype=dtype).dt.replace_time_zone("UTC")
    return pl.Series(name, values, dtype=dtype)


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA."""
    if value is None:
        return True
    if isinstance(value, str | bool | int):
        return False
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | decimal.Decimal) and math.isnan(value)


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return _decode(value, name)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Rational) and not isinstance(value, bool):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    if isinstance(value, bool | float | decimal.Decimal | datetime.date | datetime.timedelta | datetime.time):
        return value
    if type(value).__name__ in ("Period", "Interval"):
        return str(value)
    raise ColumnError(
        f'column "{name}" holds a value of type {type(value).__name__}: {value!r:.60}. Expected numbers, '
        "texts, booleans, dates or times."
    )


def _decode(value: bytes, name: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ColumnError(f'column "{name}" holds bytes that are not UTF-8 text: {value!r:.60}.') from error


def with_nulls(column: pl.Series, absent: NDArray[np.bool_]) -> pl.Series:
    """The column with null where `absent` is true."""
    return column.set(pl.Series(absent), None) if absent.any() else column


def from_pandas(name: str, series: Any) -> pl.Series:
    """A pandas column, of whatever dtype, by way of NumPy; where pandas has no value there is null.

    Float columns of NumPy keep their NaN: it is told from null by whoever counts. Categories become Polars
    categories of their texts, so that ``category`` means categorical also where the categories are numbers.
    """
    kind = type(series.dtype).__name__
    if kind == "CategoricalDtype":
        texts = from_objects(name, series.astype(object).tolist())
        return texts.cast(pl.String).cast(pl.Categorical)
    if kind == "DatetimeTZDtype":
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return from_numpy(name, naive).dt.replace_time_zone("UTC")
    if isinstance(series.dtype, np.dtype):
        return from_numpy(name, series.to_numpy())
    numpy_dtype = getattr(series.dtype, "numpy_dtype", None)
    if numpy_dtype is not None and numpy_dtype.kind in "biuf":
        absent = series.isna().to_numpy()
        filled = series.fillna(False if numpy_dtype.kind == "b" else 0).to_numpy(dtype=numpy_dtype)
        return with_nulls(from_numpy(name, filled), absent)
    if kind == "SparseDtype":
        return from_numpy(name, np.asarray(series))
    return from_objects(name, series.astype(object).tolist())
