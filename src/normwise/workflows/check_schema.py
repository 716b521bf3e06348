"""Whether a schema that was read can be predicted with, and whether a model is the one of that schema."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from normwise.core.errors import RecordError, RunFolderError, listing
from normwise.core.run_record import ColumnSchema, TableSchema
from normwise.workflows.encode_table import feature_names

if TYPE_CHECKING:
    import keras

TASKS = ("classification", "regression")
ENCODINGS = {
    "numeric": ("scaled",),
    "boolean": ("scaled",),
    "date": ("scaled",),
    "categorical": ("one-hot", "embedding"),
    "excluded": ("none",),
}
"""By kind of column, what it may be encoded as."""


def check_schema(schema: TableSchema) -> None:
    """Refuses a schema that contradicts itself, as a damaged or hand-edited ``schema.json`` does.

    Raises:
        RecordError: With the value that cannot be, and what was expected.

    Example:
        >>> from normwise.core.column_statistics import ColumnStatistics
        >>> nothing = ColumnStatistics.empty([])
        >>> check_schema(TableSchema((), "wage", "regresion", (), "Float64", nothing))
        Traceback (most recent call last):
        normwise.core.errors.RecordError: the task is "regresion"; expected "classification", "regression"
    """
    if schema.task not in TASKS:
        raise RecordError(f'the task is "{schema.task}"; expected {listing(TASKS)}')
    for column in schema.columns:
        _check_column(column)
    _check_names(schema)
    _check_target(schema)
    if schema.task == "classification":
        _check_labels(schema)
    expected = feature_names(schema.columns)
    if schema.statistics.names != expected:
        raise RecordError(
            f"the statistics are of the features ({listing(schema.statistics.names)}); expected those of the "
            f"columns, in their order: {listing(expected)}"
        )


def check_model(schema: TableSchema, model: keras.Model) -> None:
    """Refuses a model whose inputs or outputs are not those that the schema implies.

    Raises:
        RunFolderError: With the widths of both.
    """
    expected = _widths(schema)
    # A model that was never built has neither inputs nor an output shape.
    inputs = sorted(getattr(model, "inputs", None) or (), key=lambda tensor: str(tensor.name))
    found = {str(tensor.name): tensor.shape[-1] for tensor in inputs}
    if found != expected:
        raise RunFolderError(
            f"model.keras is of another run than schema.json: it reads the inputs {found}, and the schema "
            f"gives {expected}. Fetch the run folder again, or train anew."
        )
    outputs = max(1, len(schema.classes))
    if model.output_shape[-1] != outputs:
        raise RunFolderError(
            f"model.keras is of another run than schema.json: it has {model.output_shape[-1]} outputs, and "
            f"the schema implies {outputs}. Fetch the run folder again, or train anew."
        )


def _widths(schema: TableSchema) -> dict[str, int]:
    """Columns of each input of the network, as `EncodedTable.inputs` names them, sorted by name."""
    encodings = [column.encoding for column in schema.columns]
    widths = {
        "embedding_codes": encodings.count("embedding"),
        "numeric": len(feature_names(schema.columns)),
        "one_hot_codes": encodings.count("one-hot"),
    }
    return {name: width for name, width in widths.items() if width}


def _check_column(column: ColumnSchema) -> None:
    where = f'column "{column.name}"'
    if column.kind not in ENCODINGS:
        raise RecordError(f'{where} is of kind "{column.kind}"; expected one of {listing(ENCODINGS)}')
    if column.encoding not in (fitting := ENCODINGS[column.kind]):
        raise RecordError(
            f'{where} is {column.kind} with the encoding "{column.encoding}"; expected {listing(fitting)}'
        )
    if doubled := _doubled(column.categories):
        raise RecordError(f"{where} has categories that occur more than once: {listing(doubled)}")
    if not math.isfinite(column.origin):
        raise RecordError(f"{where} has the origin {column.origin}; expected a finite number")
    for field in ("missing", "rare"):
        if (count := getattr(column, field)) < 0:
            raise RecordError(f"{where} has {field}={count}; expected a count, 0 or more")


def _check_names(schema: TableSchema) -> None:
    names = [column.name for column in schema.columns]
    if doubled := _doubled(names):
        raise RecordError(f"the columns {listing(doubled)} occur more than once; expected different names")
    if schema.target in names:
        raise RecordError(
            f'the target "{schema.target}" is among the columns; expected it to be none of them'
        )


def _check_target(schema: TableSchema) -> None:
    if not math.isfinite(schema.target_mean):
        raise RecordError(f"target_mean is {schema.target_mean}; expected a finite number")
    if not (math.isfinite(schema.target_std) and schema.target_std > 0):
        raise RecordError(f"target_std is {schema.target_std}; expected a finite number above 0")
    if schema.task == "regression" and schema.classes:
        raise RecordError(f"a regression has the classes {listing(schema.classes)}; expected none")


def _check_labels(schema: TableSchema) -> None:
    if len(schema.classes) < 2:
        given = listing(schema.classes) or "none"
        raise RecordError(f"a classification has too few classes ({given}); expected at least 2")
    if doubled := _doubled(schema.classes):
        raise RecordError(f"the classes {listing(doubled)} occur more than once; expected different labels")
    dtype = schema.target_dtype
    if strange := [label for label in schema.classes if not _fits(label, dtype)]:
        raise RecordError(f"the classes {listing(strange)} are none of the target's type {dtype}")


def _fits(label: str, dtype: str) -> bool:
    """Whether predictions of the type can hold the label; other types than these are given as text."""
    if dtype == "Boolean":
        return label in ("true", "false")
    number = getattr(pl, dtype, None) if dtype.startswith(("Int", "UInt", "Float")) else None
    if number is None:
        return True
    return pl.Series([label]).cast(number, strict=False).null_count() == 0


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
