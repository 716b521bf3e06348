"""check_data: whether the arrays have as many rows as each other, and the columns that the model takes."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from normwise.core.errors import TrainingError, listing, warn
from normwise.training.keras_trainer import input_tensors, output_specs
from normwise.training.leaves import is_array, is_frame, named_leaves, take_rows


def check_data(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    validation_data: Any,
    *,
    validation_split: float,
    batch_size: int | None,
) -> None:
    """Nothing, if arrays and frames fit each other and the model; data of other kinds are not looked at.

    Raises:
        TrainingError: If not.
    """
    if not _check_rows(x, y, sample_weight):
        return
    _check_inputs(model, x, "x")
    _check_split_and_batch(x, validation_split if validation_data is None else 0.0, batch_size)
    if isinstance(validation_data, (tuple, list)):
        val_x, val_y, val_weight = keras.utils.unpack_x_y_sample_weight(validation_data)
        if _check_rows(val_x, val_y, val_weight, "validation "):
            _check_inputs(model, val_x, "validation x")


def _check_rows(x: Any, y: Any, sample_weight: Any, of: str = "") -> bool:
    """Whether all are arrays, which then have equally many rows."""
    leaves = [
        leaf
        for name, structure in (("x", x), ("y", y), ("sample_weight", sample_weight))
        for leaf in named_leaves(of + name, structure)
    ]
    if not leaves or not all(is_array(leaf) and len(leaf.shape) for _, leaf in leaves):
        return False
    first, rows = leaves[0][0], int(leaves[0][1].shape[0])
    for name, leaf in leaves[1:]:
        if leaf.shape[0] != rows:
            raise TrainingError(
                f"{first} has {rows:,} rows and {name} has {leaf.shape[0]:,}: each row of the one needs "
                "its row of the other."
            )
    if rows == 0:
        raise TrainingError(f"{first} has no rows: give at least one.")
    return True


def _check_split_and_batch(x: Any, split: float, batch_size: int | None) -> None:
    rows = int(named_leaves("x", x)[0][1].shape[0])
    # By the same rounding as in Keras.
    trained = math.floor(rows * (1.0 - split))
    if split and trained in (0, rows):
        raise TrainingError(
            f"validation_split={split} of {rows:,} rows leaves {trained:,} to train on and "
            f"{rows - trained:,} to validate on: give more rows, another share, or validation_data."
        )
    warn_of_large_batch(batch_size, trained)


def warn_of_large_batch(batch_size: int | None, rows: int) -> None:
    """A warning, where a batch would be more than there is."""
    if batch_size is not None and batch_size > rows:
        warn(
            f"batch_size={batch_size} is more than the {rows:,} rows there are: every epoch is one step "
            f"of {rows:,} rows."
        )


def _check_inputs(model: Any, x: Any, name: str) -> None:
    leaves = named_leaves(name, x)
    for called, leaf in leaves:
        _check_numbers(called, leaf)
    inputs = input_tensors(model)
    if inputs is None or (
        all(_fits(leaf, t) for (_, leaf), t in zip(leaves, inputs, strict=False))
        and len(leaves) == len(inputs)
    ):
        return
    try:
        output_specs(model, take_rows(x, 0, 1))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise TrainingError(_misfit(leaves, inputs)) from error


def _check_numbers(name: str, leaf: Any) -> None:
    try:
        dtype = np.asarray(take_rows(leaf, 0, 1)).dtype
    except (ValueError, TypeError):
        dtype = np.dtype(object)
    if dtype.kind in "OUSMm":
        columns = [c for c in leaf.columns if _kind(leaf[c]) not in "biufc"] if is_frame(leaf) else []
        where = f"its columns {listing(columns)} hold" if columns else "it holds"
        kinds = ", ".join(sorted({str(leaf[c].dtype) for c in columns})) or str(leaf.dtype)
        raise TrainingError(
            f"{name} cannot be trained on, since {where} values of type {kinds} and not numbers: encode or "
            "leave them out first."
        )


def _kind(values: Any) -> str:
    return str(np.asarray(values[:1]).dtype.kind)


def _fits(leaf: Any, tensor: Any) -> bool:
    return len(leaf.shape) == len(tensor.shape) and all(
        wanted in (None, given) for given, wanted in zip(leaf.shape[1:], tensor.shape[1:], strict=True)
    )


def _misfit(leaves: list[tuple[str, Any]], inputs: list[Any]) -> str:
    if len(leaves) != len(inputs):
        return (
            f"{leaves[0][0].split('[')[0]} holds {len(leaves)} array{'s' * (len(leaves) != 1)}, and the "
            f"model has {len(inputs)} input{'s' * (len(inputs) != 1)}: {listing(t.name for t in inputs)}."
        )
    wrong = [pair for pair in zip(leaves, inputs, strict=True) if not _fits(pair[0][1], pair[1])]
    (name, leaf), tensor = wrong[0]
    return (
        f'{name} has the shape {_shape(leaf.shape)}, and the model\'s input "{tensor.name}" takes '
        f"{_shape(('rows', *tensor.shape[1:]))}."
    )


def _shape(shape: Any) -> str:
    return f"({', '.join('any' if size is None else f'{size}' for size in shape)}{',' * (len(shape) == 1)})"
