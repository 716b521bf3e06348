"""like: what was computed, given back as the kind of table it was computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray


def like(frame: pl.DataFrame, original: Any) -> Any:
    """A Polars frame as the kind of table that `original` is.

    Args:
        frame: What was computed.
        original: Polars frame (eager or lazy), pandas frame, NumPy array, list of rows, dict of columns or
            PyArrow table. For any other kind the Polars frame is given back.

    Returns:
        NumPy: floats of `original`'s precision where it has one, with NaN for null. pandas: with the index of
        `original`, if there are as many rows.

    Example:
        >>> like(pl.DataFrame({"a": [1.0, None]}), np.zeros((2, 1), dtype=np.float32))
        array([[ 1.],
               [nan]], dtype=float32)
    """
    if isinstance(original, pl.LazyFrame):
        return frame.lazy()
    if nw.dependencies.is_pandas_dataframe(original):
        return _to_pandas(frame, original)
    if nw.dependencies.is_pyarrow_table(original):
        return frame.to_arrow()
    if hasattr(original, "__arrow_c_array__"):
        rows = frame.to_arrow()
        columns = [column.combine_chunks() for column in rows.columns]
        return type(original).from_arrays(columns, schema=rows.schema)
    for kind, back in _WAYS_BACK:
        if isinstance(original, kind):
            return back(frame, original)
    return frame


def _to_pandas(frame: pl.DataFrame, original: Any) -> Any:
    index = original.index if len(original) == frame.height else None
    return type(original)({column.name: _values(column) for column in frame.iter_columns()}, index=index)


def _values(column: pl.Series) -> NDArray[Any]:
    if column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean:
        return column.to_numpy()
    return np.array(column.to_list(), dtype=object)


def _to_numpy(frame: pl.DataFrame, original: NDArray[Any]) -> NDArray[Any]:
    values = frame.to_numpy()
    keeps = original.dtype.kind == "f" and values.dtype.kind == "f"
    values = values.astype(original.dtype, copy=False) if keeps else values
    return (
        values[:, 0] if original.ndim == 1 and original.dtype.names is None and frame.width == 1 else values
    )


_WAYS_BACK: tuple[tuple[type, Callable[[pl.DataFrame, Any], Any]], ...] = (
    (np.ndarray, _to_numpy),
    (Mapping, lambda frame, _: frame.to_dict(as_series=False)),
    (list, lambda frame, _: [list(row) for row in frame.iter_rows()]),
)
