"""feed: what a training is given, as something that Keras' iterators take: arrays, or a table as a stream."""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import polars as pl

from normwise.core.errors import ColumnError, TableError, listing
from normwise.tables.frame import to_frame
from normwise.tables.scan import is_dataset, is_duckdb, is_paths, is_spark
from normwise.training.keras_trainer import tree
from normwise.training.named_columns import NamedColumns, require_feature_count
from normwise.training.shuffle_buffer import Arrays
from normwise.training.table_blocks import blocks_of
from normwise.training.table_stream import TableStream

KERAS_BATCH_SIZE = 32


def feed(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
) -> tuple[Any, Any, Any, dict[int, float] | None]:
    """x, y, sample_weight and class_weight for Keras' epoch iterator.

    Args:
        model: The model that they are for.
        x: A table on disk or behind an engine, which becomes a `TableStream`; a frame; or anything else, which
            is handed on.
        y: Targets as Keras takes them or, where x is a table, the name of its column or several names.
        sample_weight: Weights as Keras takes them or, where x is a table, the name of its column.
        batch_size: Rows a step; by default Keras' own.
        steps: Keras' `steps_per_epoch`.
        shuffle: Whether a stream is shuffled.
        class_weight: Keras' weights by class.

    Raises:
        TableError: If x is a table on disk and y or sample_weight no name of a column.
        ColumnError: If a column is absent, or holds no numbers.
    """
    if is_streamed(x):
        _require_names(y, sample_weight)
        if class_weight is not None and (sample_weight is not None or y is None):
            raise TableError(
                "class_weight needs targets, and goes without sample_weight. Expected one of them: multiply the "
                "weights in the table."
            )
        blocks = blocks_of(x)
        columns = NamedColumns.of(blocks.schema, y, sample_weight)
        require_feature_count(columns, model)
        size = batch_size or (math.ceil(blocks.rows / steps) if steps else KERAS_BATCH_SIZE)
        return TableStream(blocks, columns, size, bool(shuffle), class_weight), None, None, None
    if _is_name(y) or isinstance(sample_weight, str):
        return *_by_name(model, x, y, sample_weight), class_weight
    return *(tree.map_structure(_as_array, part) for part in (x, y, sample_weight)), class_weight


def is_streamed(x: Any) -> bool:
    """Whether it is a table that is read as a stream: files, or a lazy frame of any engine."""
    lazy = isinstance(x, pl.LazyFrame | nw.LazyFrame)
    return lazy or is_paths(x) or is_duckdb(x) or is_spark(x) or is_dataset(x)


def _by_name(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    if not is_frame(x):
        named = listing(name for part in (y, sample_weight) if _is_name(part) for name in _names(part))
        raise TableError(
            f"{named} names a column, and x is a {type(x).__name__}, which has none. Expected a table as x, or "
            "arrays as y and sample_weight."
        )
    _require_names(y, sample_weight)
    frame = to_frame(x)
    columns = NamedColumns.of(frame.schema, y, sample_weight)
    require_feature_count(columns, model)
    arrays: Arrays = columns.arrays(frame, lambda row: f"row {row} (counted from 0)")
    weights = arrays[-1] if sample_weight is not None else None
    return arrays[0], arrays[1] if y is not None else None, weights


def is_frame(x: Any) -> bool:
    """Whether it is a table in memory whose columns have names."""
    return (
        isinstance(x, pl.DataFrame)
        or nw.dependencies.is_pandas_dataframe(x)
        or nw.dependencies.is_pyarrow_table(x)
        or hasattr(x, "__arrow_c_stream__")
        and hasattr(x, "schema")
    )


def _as_array(leaf: Any) -> Any:
    """Frames and columns of Polars and PyArrow as arrays, row after row; pandas' are Keras' own business."""
    if isinstance(leaf, pl.Series) or type(leaf).__module__.startswith("pyarrow"):
        leaf = pl.from_arrow(leaf) if not isinstance(leaf, pl.Series) else leaf
    if isinstance(leaf, pl.Series):
        return leaf.to_numpy()
    if isinstance(leaf, pl.DataFrame):
        wrong = [name for name, kind in leaf.schema.items() if not (kind.is_numeric() or kind == pl.Boolean)]
        if wrong:
            raise ColumnError(
                f"the columns {listing(wrong)} are not numbers, but {listing({str(leaf.schema[n]) for n in wrong})}. "
                "Expected numbers or true and false: encode or drop them."
            )
        return leaf.to_numpy(order="c")
    return leaf


def _require_names(y: Any, sample_weight: Any) -> None:
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not (isinstance(value, str) or (argument == "y" and _is_name(value))):
            raise TableError(
                f"x is a table and {argument} is a {type(value).__name__}. Expected the name of the column that "
                f'holds it: {argument}="…".'
            )


def _is_name(y: Any) -> bool:
    several = isinstance(y, list | tuple) and bool(y) and all(isinstance(name, str) for name in y)
    return isinstance(y, str) or several


def _names(part: Any) -> list[str]:
    return [part] if isinstance(part, str) else list(part)
