"""as_frame: the one boundary between the tables of the world and this library; more engines join here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, TableError, listing
from normwise.tables.column import from_numpy, from_objects, from_pandas
from normwise.tables.names import require_unique


def as_frame(table: Any, names: Sequence[str] | None = None) -> pl.DataFrame:
    """Any table as a Polars frame in which a missing value is null, also where it was NaN.

    Args:
        table: A Polars frame (eager, or lazy, which is collected), Polars or pandas column, pandas frame (its
            index is ignored), NumPy array of one or two dimensions or with named fields, list of rows, dict
            of columns, or anything that hands out Arrow data.
        names: The columns' names, for tables that have none; ``x0, x1, …`` by default, as in scikit-learn.

    Returns:
        The columns in their order. What is a Polars frame already, and without NaN, comes back as it is.

    Raises:
        TableError: If it is no table, is sparse, has more than two dimensions, or ragged rows.
        ColumnError: If two columns have the same name, or a column holds complex numbers or nested objects.

    Example:
        >>> as_frame(np.array([[1.0, np.nan], [2.0, 3.0]])).to_dict(as_series=False)
        {'x0': [1.0, 2.0], 'x1': [None, 3.0]}
        >>> as_frame({"age": [39, None], "city": ["Basel", "Oslo"]}).schema
        Schema([('age', Int64), ('city', String)])
    """
    return to_frame(table, names).with_columns(pl.selectors.float().fill_nan(None))


def to_frame(table: Any, names: Sequence[str] | None = None) -> pl.DataFrame:
    """`as_frame` with NaN left as it is, for those who count it apart from null."""
    frame = _convert(table, names)
    if names is not None and frame.columns != [str(name) for name in names]:
        raise TableError(
            f"{len(names)} names were given ({listing(names)}) for a table with {frame.width} columns "
            f"({listing(frame.columns)}). Names are for tables that have none, one a column."
        )
    return frame


def _convert(table: Any, names: Sequence[str] | None) -> pl.DataFrame:
    for is_kind, convert in _WAYS_IN:
        if is_kind(table):
            return convert(table, names)
    raise TableError(
        f"a {type(table).__name__} is not a table. Expected a Polars or pandas frame, a NumPy array, a list "
        "of rows or a dict of columns; a file is read by normwise.tables.read_table."
    )


def _names(width: int, names: Sequence[str] | None) -> list[str]:
    if names is not None and len(names) == width:
        return require_unique([str(name) for name in names])
    return [f"x{i}" for i in range(width)]


def _from_pandas(table: Any) -> pl.DataFrame:
    names = require_unique([str(name) for name in table.columns])
    return pl.DataFrame([from_pandas(name, table.iloc[:, i]) for i, name in enumerate(names)])


def _from_mapping(table: Mapping[Any, Any]) -> pl.DataFrame:
    names = require_unique([str(name) for name in table])
    columns = [_to_column(name, values) for name, values in zip(names, table.values(), strict=True)]
    lengths = {column.name: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        raise TableError(f"the columns have different lengths: {lengths}. Expected as many values in each.")
    return pl.DataFrame(columns)


def _array(values: Any) -> NDArray[Any]:
    return values if isinstance(values, np.ndarray) else np.asarray(values)


def _to_column(name: str, values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    if nw.dependencies.is_pandas_series(values):
        return from_pandas(name, values)
    if not hasattr(values, "__array__"):
        if isinstance(values, str | bytes) or not isinstance(values, Sequence | range):
            raise ColumnError(
                f'column "{name}" is {values!r:.60}. Expected a list or an array of its values.'
            )
        return from_objects(name, values)
    array = _array(values)
    if array.ndim != 1:
        raise ColumnError(f'column "{name}" has the shape {array.shape}. Expected one dimension.')
    return from_numpy(name, array)


def _from_array(array: NDArray[Any], names: Sequence[str] | None) -> pl.DataFrame:
    if array.dtype.names is not None and array.ndim == 1:
        return pl.DataFrame([from_numpy(field, array[field]) for field in array.dtype.names])
    if array.ndim not in (1, 2):
        raise TableError(
            f"the array has the shape {array.shape}. Expected two dimensions, (rows, columns), or one column."
        )
    matrix = array if array.ndim == 2 else array.reshape(-1, 1)
    labels = _names(matrix.shape[1], names)
    return pl.DataFrame([from_numpy(label, matrix[:, i]) for i, label in enumerate(labels)])


def _from_rows(rows: Sequence[Any], names: Sequence[str] | None) -> pl.DataFrame:
    nested = [row if _is_row(row) else [row] for row in rows]
    widths = {len(row) for row in nested}
    if len(widths) > 1:
        first, other = len(nested[0]), next(i for i, row in enumerate(nested) if len(row) != len(nested[0]))
        raise TableError(
            f"row {other} has {len(nested[other])} values, row 0 has {first}. Expected as many in each row."
        )
    labels = _names(widths.pop() if widths else 0, names)
    columns = zip(*nested, strict=True)
    return pl.DataFrame([from_objects(name, values) for name, values in zip(labels, columns, strict=True)])


def _is_row(row: Any) -> bool:
    return isinstance(row, Sequence | np.ndarray) and not isinstance(row, str | bytes)


def _from_pandas_series(series: Any, names: Sequence[str] | None) -> pl.DataFrame:
    name = _names(1, names)[0] if series.name is None else str(series.name)
    return pl.DataFrame([from_pandas(name, series)])


def _refuse_sparse(table: Any, names: Sequence[str] | None) -> NoReturn:  # noqa: ARG001
    raise TableError(
        f"the table is a sparse {type(table).__name__}. Expected a dense one: convert it with .toarray()."
    )


_Convert = Callable[[Any, Sequence[str] | None], pl.DataFrame]
# The first that recognizes the table converts it: a further engine is a further line.
_WAYS_IN: tuple[tuple[Callable[[Any], bool], _Convert], ...] = (
    (lambda t: isinstance(t, pl.DataFrame), lambda t, _: t),
    (lambda t: isinstance(t, pl.LazyFrame), lambda t, _: t.collect()),
    (lambda t: isinstance(t, pl.Series), lambda t, names: t.to_frame(t.name or _names(1, names)[0])),
    (nw.dependencies.is_pandas_dataframe, lambda t, _: _from_pandas(t)),
    (nw.dependencies.is_pandas_series, _from_pandas_series),
    (lambda t: isinstance(t, Mapping), lambda t, _: _from_mapping(t)),
    (lambda t: hasattr(t, "__arrow_c_stream__"), lambda t, _: pl.DataFrame(t)),
    (lambda t: hasattr(t, "tocsr"), _refuse_sparse),
    (lambda t: hasattr(t, "__array__"), lambda t, names: _from_array(_array(t), names)),
    (_is_row, _from_rows),
)
