"""From a table to the numbers a network reads, by the schema alone: the same to train and to serve."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, did_you_mean, listing
from normwise.core.run_record import ColumnSchema
from normwise.tables import infer_column
from normwise.workflows.column_values import (
    TEXT,
    as_category,
    as_date,
    as_number,
    check_finite,
    read_text,
)
from normwise.workflows.infer_columns import WORDS_KEPT
from normwise.workflows.numeric_text import MOSTLY_NUMBERS, parse_numbers

DATE_PARTS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "days since 1970": lambda d: d.dt.epoch("s").cast(pl.Float64) / 86_400,
    "month": lambda d: d.dt.month().cast(pl.Float64),
    "day of month": lambda d: d.dt.day().cast(pl.Float64),
    "weekday": lambda d: d.dt.weekday().cast(pl.Float64),
    "hour": lambda d: d.dt.hour().cast(pl.Float64),
}
"""What a date becomes: part name to a function of the dates."""


@dataclasses.dataclass(frozen=True)
class EncodedTable:
    """What the network reads of a table.

    Args:
        numeric: (rows, features) float32; NaN where the value is missing.
        one_hot: (rows, one-hot columns) int32 codes; −1 is a category the network never saw.
        embedded: (rows, embedded columns) int32 codes; 0 is a category the network never saw.
        notes: What differs from the training table; one sentence each.
    """

    numeric: NDArray[np.float32]
    one_hot: NDArray[np.int32]
    embedded: NDArray[np.int32]
    notes: tuple[str, ...]

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> EncodedTable:
        """Some of the rows, without the notes."""
        return EncodedTable(self.numeric[chosen], self.one_hot[chosen], self.embedded[chosen], ())

    def inputs(self) -> dict[str, NDArray[Any]]:
        """The network's inputs by name; an input without columns is left out."""
        named: dict[str, NDArray[Any]] = {
            "numeric": self.numeric,
            "one_hot_codes": self.one_hot,
            "embedding_codes": self.embedded,
        }
        return {name: array for name, array in named.items() if array.shape[1]}


def date_parts(column: ColumnSchema) -> tuple[str, ...]:
    """The parts of `DATE_PARTS` that a date column has: one without times has no hour."""
    return tuple(part for part in DATE_PARTS if part != "hour" or column.dtype != "Date")


def feature_names(columns: tuple[ColumnSchema, ...]) -> tuple[str, ...]:
    """Names of the numeric features in the network's order: columns, parts of dates, and "… is missing".

    No two are the same, though a column may be called as the part of another.
    """
    names: list[str] = []
    taken = {column.name for column in columns}
    for column in columns:
        if column.kind in ("numeric", "boolean"):
            names.append(column.name)
        derived = [f"{column.name}: {part}" for part in date_parts(column)] if column.kind == "date" else []
        if column.encoding == "scaled" and column.missing:
            derived.append(f"{column.name} is missing")
        for name in derived:
            free = name
            while free in taken:
                free += "′"
            taken.add(free)
            names.append(free)
    return tuple(names)


def missing_indicators(columns: tuple[ColumnSchema, ...]) -> dict[str, str]:
    """The feature "… is missing" of each column that has one, and the column's name."""
    names, found = iter(feature_names(columns)), {}
    for column in columns:
        if column.encoding == "scaled":
            for _ in date_parts(column) if column.kind == "date" else (column.name,):
                next(names)
            if column.missing:
                found[next(names)] = column.name
    return found


def feature_origins(columns: tuple[ColumnSchema, ...]) -> NDArray[np.float64]:
    """What the host subtracted from each numeric feature, in the order of `feature_names`."""
    origins: list[float] = []
    for column in columns:
        if column.encoding == "scaled":
            origins.append(column.origin)
            origins += [0.0] * (len(date_parts(column)) - 1 if column.kind == "date" else 0)
            origins += [0.0] * bool(column.missing)
    return np.array(origins)


def codes_of(column: ColumnSchema) -> int:
    """Codes of a categorical column: one for rare or unseen, one for missing, one a known category."""
    return 2 + len(column.categories)


def encode_table(frame: pl.DataFrame, columns: tuple[ColumnSchema, ...]) -> EncodedTable:
    """The numbers of a table, by the schema of the training table.

    Columns are found by name, whatever their order; columns that the schema does not know are named in a
    note.

    Raises:
        ColumnError: If a column that the network reads is absent, or its values are of another kind.
    """
    check_columns(frame, columns)
    frame = read_text(frame)
    notes: list[str] = []
    known = {c.name for c in columns}
    if extra := [name for name in frame.columns if name not in known]:
        notes.append(f"ignored columns that were not in the training table: {listing(extra)}")
    numeric = [part for c in columns if c.encoding == "scaled" for part in _numbers(frame[c.name], c, notes)]
    one_hot = [_codes(frame[c.name], c, notes) for c in columns if c.encoding == "one-hot"]
    embedded = [_codes(frame[c.name], c, notes) for c in columns if c.encoding == "embedding"]
    return EncodedTable(
        _stack(numeric, len(frame), np.float32),
        _stack(
            [_forget_untrained(k, c) for k, c in zip(one_hot, _of(columns, "one-hot"), strict=True)],
            len(frame),
            np.int32,
        ),
        _stack(embedded, len(frame), np.int32),
        tuple(notes),
    )


def check_columns(frame: pl.DataFrame, columns: tuple[ColumnSchema, ...]) -> None:
    """Raises a ColumnError that names the columns which the network reads and the table lacks."""
    absent = [c.name for c in columns if c.kind != "excluded" and c.name not in frame.columns]
    if absent:
        raise ColumnError(
            f"the table lacks {len(absent)} of the columns the model was trained on: {listing(absent)}. "
            f"{did_you_mean(absent[0], frame.columns)}"
        )


def _of(columns: tuple[ColumnSchema, ...], encoding: str) -> list[ColumnSchema]:
    return [c for c in columns if c.encoding == encoding]


def _stack(parts: Sequence[NDArray[Any]], rows: int, dtype: type) -> NDArray[Any]:
    return np.stack(parts, axis=1).astype(dtype) if parts else np.zeros((rows, 0), dtype)


def _numbers(values: pl.Series, column: ColumnSchema, notes: list[str]) -> list[NDArray[np.float64]]:
    if column.kind == "date":
        dates = as_date(_check_date(values, column))
        parts = [DATE_PARTS[part](dates) for part in date_parts(column)]
    else:
        number = _check_number(values, column, notes)
        parts = [number - column.origin if column.origin else number]
    missing = parts[0].is_null()
    arrays = [p.to_numpy().astype(np.float64) for p in parts]
    if column.missing:
        arrays.append(missing.to_numpy().astype(np.float64))
    elif missing.any():
        notes.append(
            f'column "{column.name}" misses {int(missing.sum())} values and missed none in training: '
            "the network reads the training mean there"
        )
    return arrays


def _check_number(values: pl.Series, column: ColumnSchema, notes: list[str]) -> pl.Series:
    if values.dtype == pl.String and column.kind == "boolean":
        values = infer_column(values)
    if values.dtype in TEXT:
        _check_words(values, column, notes)
    elif not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null, pl.Duration, pl.Time)):
        raise ColumnError(
            f'column "{column.name}" should hold numbers ({column.dtype}), but holds {values.dtype}'
        )
    number = as_number(values)
    check_finite(number)
    return number


def _check_words(values: pl.Series, column: ColumnSchema, notes: list[str]) -> None:
    """Words that the training table had too are missing values; many new ones are another kind of column."""
    text = values.cast(pl.String).str.strip_chars()
    present = len(text) - text.null_count()
    parsed = parse_numbers(text.set(text.is_in(list(column.words)), None))
    if not parsed.word_rows:
        return
    share = (present - parsed.word_rows) / present
    if share < MOSTLY_NUMBERS and len(column.words) < WORDS_KEPT:
        raise ColumnError(
            f'column "{column.name}" should hold numbers, but {parsed.word_rows} of {present} values do'
            f" not: {listing(parsed.words, 3)}, the first in data row {parsed.first_row + 1}"
        )
    notes.append(f'column "{column.name}": {listing(parsed.words, 5)} is no number and counts as missing')


def _check_date(values: pl.Series, column: ColumnSchema) -> pl.Series:
    if values.dtype in TEXT:
        bad = values.filter(as_date(values).is_null() & values.is_not_null()).unique(maintain_order=True)
        if len(bad):
            raise ColumnError(f'column "{column.name}" should hold dates, but holds {listing(bad, 3)}')
    elif values.dtype not in (pl.Date, pl.Datetime, pl.Null):
        raise ColumnError(
            f'column "{column.name}" should hold dates ({column.dtype}), but holds {values.dtype}'
        )
    return values


def _codes(values: pl.Series, column: ColumnSchema, notes: list[str]) -> NDArray[np.int32]:
    if values.dtype.is_nested() or values.dtype in (pl.Object, pl.Duration):
        raise ColumnError(
            f'column "{column.name}" should hold categories ({column.dtype}), but holds {values.dtype}'
        )
    text = as_category(values)
    known = pl.Series(column.categories, dtype=pl.String)
    codes = text.replace_strict(
        known, pl.int_range(2, 2 + len(known), eager=True), default=0, return_dtype=pl.Int32
    )
    codes = pl.select(pl.when(text.is_null()).then(1).otherwise(codes).cast(pl.Int32)).to_series()
    unseen = text.filter((codes == 0) & ~text.is_in(list(column.rare_categories)))
    if len(unseen):
        notes.append(
            f'column "{column.name}": {len(unseen)} rows hold categories that were not in the training table:'
            f" {listing(unseen.unique(maintain_order=True), 5)}"
        )
    return codes.to_numpy()


def _forget_untrained(codes: NDArray[np.int32], column: ColumnSchema) -> NDArray[np.int32]:
    """Codes that no training row had become −1, one-hot all zeros: their weights were never trained."""
    untrained = [code for code, seen in ((0, column.rare), (1, column.missing)) if not seen]
    return np.where(np.isin(codes, untrained), -1, codes).astype(np.int32)
