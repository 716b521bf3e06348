"""The target column of a training table: which task it sets, and its values as a network learns them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, TableError, did_you_mean, listing
from normwise.workflows.column_values import TEXT, as_category, as_number, check_finite, read_text
from normwise.workflows.numeric_text import MOSTLY_NUMBERS, parse_numbers

MANY_CLASSES = 20
"""A target of whole numbers with more different values than this is a quantity, not a class."""


@dataclasses.dataclass(frozen=True)
class Target:
    """A target column.

    Args:
        name: The column's name.
        task: ``"classification"`` or ``"regression"``.
        values: Class numbers, or numbers in the target's unit; one a row.
        classes: The classes as text, in the order of their numbers; empty for regression.
        dtype: The column's data type.
    """

    name: str
    task: str
    values: NDArray[np.int64] | NDArray[np.float64]
    classes: tuple[str, ...]
    dtype: str

    def strata(self) -> NDArray[np.int64] | int:
        """What rows are held out by: the class numbers, or the number of rows."""
        return self.values.astype(np.int64) if self.classes else len(self.values)


def take_target(
    frame: pl.DataFrame, name: str, task: str | None, warn: Callable[[str], None]
) -> tuple[pl.DataFrame, Target]:
    """Splits a training table into features and target; rows without a target are left out and counted.

    Args:
        frame: The table.
        name: The target column.
        task: ``"classification"``, ``"regression"``, or None to tell from the column.
        warn: Told of rows that were left out.

    Raises:
        ColumnError: If there is no such column.
        TableError: If it cannot be learnt from; the message says why.

    Example:
        >>> frame = pl.DataFrame({"x": [1, 2, 3, 4, 5], "y": ["a", "b", "b", None, "a"]})
        >>> features, target = take_target(frame, "y", None, print)
        column "y" is the target and is missing in 1 of 5 rows; these rows were left out
        >>> target.task, target.classes, target.values.tolist()
        ('classification', ('a', 'b'), [0, 1, 1, 0])
    """
    if name not in frame.columns:
        raise ColumnError(f'no column "{name}" to predict. {did_you_mean(name, frame.columns)}')
    if frame.width == 1:
        raise TableError(
            f'the table has no column but its target "{name}"; expected at least one to predict it from'
        )
    column = read_text(frame.select(name))[name]
    if column.dtype.is_float():
        column = column.fill_nan(None)
        check_finite(column)
    missing = column.null_count()
    if missing == frame.height:
        raise TableError(f'column "{name}" is the target, but all of its {missing} rows are missing')
    if missing:
        warn(
            f'column "{name}" is the target and is missing in {missing} of {frame.height} rows; these rows'
            " were left out"
        )
    kept = frame.filter(column.is_not_null())
    column = column.drop_nulls()
    return kept.drop(name), _target(column, task or _task(column))


def _task(column: pl.Series) -> str:
    dtype = column.dtype
    if dtype == pl.Boolean:
        return "classification"
    if dtype.is_numeric():
        whole = dtype.is_integer() or bool((column % 1 == 0).all())
        return "classification" if whole and column.n_unique() <= MANY_CLASSES else "regression"
    if dtype in TEXT:
        parsed = parse_numbers(column)
        return (
            "regression"
            if parsed.share >= MOSTLY_NUMBERS and column.n_unique() > MANY_CLASSES
            else "classification"
        )
    raise ColumnError(
        f'column "{column.name}" is the target, but holds {dtype}; expected numbers to regress on or classes'
        " to tell apart"
    )


def _target(column: pl.Series, task: str) -> Target:
    if task == "regression":
        return _quantity(column)
    if task != "classification":
        raise ValueError(f'unknown task "{task}". {did_you_mean(task, ("classification", "regression"))}')
    return _classes(column)


def _quantity(column: pl.Series) -> Target:
    if not (column.dtype in TEXT or column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise ColumnError(
            f'column "{column.name}" is a target of numbers, but holds values of type {column.dtype}'
        )
    if column.dtype in TEXT and (words := parse_numbers(column).words):
        parsed = parse_numbers(column)
        raise TableError(
            f'column "{column.name}" is a target of numbers, but {parsed.word_rows} rows hold something else:'
            f" {listing(words, 5)}, the first in row {parsed.first_row + 1} of those with a target. Correct"
            " or empty them, or give --task classification."
        )
    numbers = as_number(column)
    check_finite(numbers)
    if numbers.n_unique() == 1:
        raise TableError(
            f'column "{column.name}" is the target, but always {numbers[0]}: there is nothing to learn'
        )
    return Target(column.name, "regression", numbers.to_numpy(), (), str(column.dtype))


def _classes(column: pl.Series) -> Target:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object, pl.Duration):
        raise ColumnError(
            f'column "{column.name}" is a target of classes, but holds values of type {column.dtype}'
        )
    distinct = column.unique().sort()
    text = as_category(column)
    names = tuple(as_category(distinct).unique(maintain_order=True).to_list())
    if len(names) < 2:
        raise TableError(
            f'column "{column.name}" is the target, but has a single class, "{names[0]}", in all'
            f" {len(column)} rows; expected at least two"
        )
    if len(names) > max(MANY_CLASSES, len(column) // 4):
        raise TableError(
            f'column "{column.name}" is the target, but has {len(names)} classes in {len(column)} rows: too'
            " few rows a class to learn them. Is it the right column? For a quantity give --task regression."
        )
    numbers = text.replace_strict(list(names), range(len(names)), return_dtype=pl.Int64).to_numpy()
    counts = np.bincount(numbers)
    if (counts == 1).any():
        single = [name for name, count in zip(names, counts, strict=True) if count == 1]
        raise TableError(
            f'column "{column.name}" is the target, and {listing(single)} has a single row (of'
            f" {len(column)}); each class needs at least 2: one row cannot be both learnt from and checked."
            " Remove it, merge it with another class, or gather more."
        )
    return Target(column.name, "classification", numbers, names, str(column.dtype))
