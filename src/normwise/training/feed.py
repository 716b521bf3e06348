"""feed: what a training is given, as something that Keras' iterators take: arrays, or a table as a stream."""

from __future__ import annotations

import math
from typing import Any

import keras
import narwhals as nw
import polars as pl

from normwise.core.errors import TableError
from normwise.tables.scan import is_dataset, is_duckdb, is_paths, is_spark
from normwise.training.frame_arrays import arrays_by_name, as_array, is_name, require_names
from normwise.training.keras_trainer import tree
from normwise.training.named_columns import NamedColumns, require_feature_count
from normwise.training.table_blocks import blocks_of
from normwise.training.table_stream import TableStream

KERAS_BATCH_SIZE = 32
Fed = tuple[Any, Any, Any, dict[int, float] | None]
"""x, y, sample_weight and class_weight, for Keras' epoch iterator."""


def feed(
    model: Any,
    data: tuple[Any, Any, Any],
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
    features: tuple[str, ...] | None = None,
) -> Fed:
    """What Keras' epoch iterator takes of the data of a training.

    Args:
        model: The model that they are for.
        data: x, y and sample_weight. Where x is a table, y may be the name of its column of targets, or
            several names, and sample_weight the name of one of weights; a table on disk or behind an engine
            becomes a `TableStream`. Everything else is handed on.
        batch_size: Rows a step; by default Keras' own.
        steps: Keras' `steps_per_epoch`.
        shuffle: Whether a stream is shuffled.
        class_weight: Keras' weights by class.
        features: The names of the columns that are features, where another table says so.

    Raises:
        TableError: If x is a table on disk and y or sample_weight no name of a column.
        ColumnError: If a column is absent, or holds no numbers.
    """
    x, y, sample_weight = data
    if is_streamed(x):
        require_names(y, sample_weight)
        _require_one_weight(y, sample_weight, class_weight)
        blocks = blocks_of(x)
        columns = NamedColumns.of(blocks.schema, y, sample_weight, features)
        require_feature_count(columns, model)
        size = batch_size or (math.ceil(blocks.rows / steps) if steps else KERAS_BATCH_SIZE)
        return TableStream(blocks, columns, size, bool(shuffle), class_weight), None, None, None
    if is_name(y) or isinstance(sample_weight, str):
        return *arrays_by_name(model, x, y, sample_weight, features), class_weight
    x, y, sample_weight = (tree.map_structure(as_array, part) for part in data)
    return x, y, sample_weight, class_weight


def feed_held_out(
    model: Any,
    validation_data: Any,
    data: tuple[Any, Any, Any],
    fed_x: Any,
    batch_size: int | None = None,
    steps: int | None = None,
) -> Any:
    """Keras' `validation_data` as `feed` gives it, with the features of the training, whatever their order.

    Args:
        model: The model that they are for.
        validation_data: What was given; None stays None.
        data: x, y and sample_weight of the training as they were given, and
        fed_x: x as `feed` gave it.
        batch_size: Rows a step.
        steps: Keras' `validation_steps`.
    """
    if validation_data is None:
        return None
    held_out = keras.utils.unpack_x_y_sample_weight(validation_data)
    return feed(model, held_out, batch_size, steps, features=_features(data, fed_x))[:3]


def _features(data: tuple[Any, Any, Any], fed_x: Any) -> tuple[str, ...] | None:
    """The names of the training's features, if they have any."""
    if isinstance(fed_x, TableStream):
        return fed_x.columns.features
    x, y, sample_weight = data
    if not (is_name(y) or isinstance(sample_weight, str)):
        return None
    named = [*([y] if isinstance(y, str) else y or ()), sample_weight]
    return tuple(name for name in getattr(x, "column_names", None) or x.columns if name not in named)


def is_streamed(x: Any) -> bool:
    """Whether it is a table that is read as a stream: files, or a lazy frame of any engine."""
    lazy = isinstance(x, pl.LazyFrame | nw.LazyFrame)
    return lazy or is_paths(x) or is_duckdb(x) or is_spark(x) or is_dataset(x)


def require_no_split(validation_split: float, x: Any) -> None:
    """Raises TableError if rows of a stream are to be held out."""
    if validation_split and is_streamed(x):
        raise TableError(
            f"validation_split={validation_split} holds out the last rows of arrays, and x is read as a "
            'stream. Expected validation_data=(table, "target"): set some of the files, or rows, apart.'
        )


def _require_one_weight(y: Any, sample_weight: Any, class_weight: Any) -> None:
    if class_weight is None:
        return
    if sample_weight is not None:
        raise TableError(
            f'class_weight and sample_weight="{sample_weight}" were both given. Expected one of them: '
            "multiply the two into one column of weights."
        )
    if y is None:
        raise TableError("class_weight was given without y. Expected the name of the column of classes.")
