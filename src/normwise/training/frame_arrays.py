"""arrays_by_name, as_array: frames in memory as the arrays that Keras slices rows from."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

from normwise.core.errors import TableError, listing
from normwise.tables.frame import to_frame
from normwise.training.named_columns import NamedColumns, require_feature_count, require_numbers


def arrays_by_name(
    model: Any, x: Any, y: Any, sample_weight: Any, features: tuple[str, ...] | None = None
) -> tuple[Any, Any, Any]:
    """x, y and sample_weight as arrays, where the latter two are names of columns of x.

    `features` names the columns that x becomes; by default it is all others.

    Raises:
        TableError: If x is no frame, or one is a name and the other is not.
        ColumnError: If a column is absent, holds no numbers, or misses a value.
    """
    if not _is_frame(x):
        named = listing(name for part in (y, sample_weight) if is_name(part) for name in _listed(part))
        raise TableError(
            f"{named} names a column, and x is a {type(x).__name__}, which has none. Expected a table as x, "
            "or arrays as y and sample_weight."
        )
    require_names(y, sample_weight)
    frame = to_frame(x)
    columns = NamedColumns.of(frame.schema, y, sample_weight, features)
    require_feature_count(columns, model)
    arrays = columns.arrays(frame, lambda row: f"row {row} (counted from 0)")
    return arrays[0], None if y is None else arrays[1], None if sample_weight is None else arrays[-1]


def as_array(leaf: Any) -> Any:
    """Frames and columns of Polars and PyArrow as arrays, row after row; pandas' are Keras' own business.

    Raises:
        ColumnError: If a column holds no numbers.
    """
    if type(leaf).__module__.startswith("pyarrow"):
        leaf = pl.from_arrow(leaf)
    if isinstance(leaf, pl.Series):
        return leaf.to_numpy()
    if isinstance(leaf, pl.DataFrame):
        require_numbers(leaf.schema, leaf.columns)
        return leaf.to_numpy(order="c")
    return leaf


def require_names(y: Any, sample_weight: Any) -> None:
    """Raises TableError unless both are names of columns, or absent."""
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not (isinstance(value, str) or (argument == "y" and is_name(value))):
            raise TableError(
                f"x is a table and {argument} is a {type(value).__name__}. Expected the name of the column "
                f'that holds it: {argument}="…".'
            )


def is_name(y: Any) -> bool:
    """Whether it is the name of a column, or several.

    Example:
        >>> is_name("target"), is_name(["a", "b"]), is_name([0, 1]), is_name([])
        (True, True, False, False)
    """
    several = isinstance(y, list | tuple) and bool(y) and all(isinstance(name, str) for name in y)
    return isinstance(y, str) or several


def _listed(part: Any) -> list[str]:
    return [part] if isinstance(part, str) else list(part)


def _is_frame(x: Any) -> bool:
    return (
        isinstance(x, pl.DataFrame)
        or nw.dependencies.is_pandas_dataframe(x)
        or (hasattr(x, "__arrow_c_stream__") and hasattr(x, "schema"))
    )
