"""A column's values as numbers, dates or categories, value by value: the same in any table."""

from __future__ import annotations

import numpy as np
import polars as pl

from normwise.core.errors import ColumnError
from normwise.tables import present_text
from normwise.workflows.numeric_text import parse_numbers

TEXT = (pl.String, pl.Categorical, pl.Enum)
DATE_FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
)
"""How dates stand in text; day and month are never guessed, so ``01/02/2020`` is none."""
ZONED_FORMS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
LARGEST = float(np.finfo(np.float32).max)


def read_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Text columns as a CSV file's are read: without spaces around the values, words such as NA as null."""
    text = [present_text(c.cast(pl.String)) for c in frame.iter_columns() if c.dtype in TEXT]
    return frame.with_columns(text)


def as_number(column: pl.Series) -> pl.Series:
    """A column of any number-like type as Float64; text that is no number becomes null."""
    if column.dtype in TEXT:
        return parse_numbers(column).values
    if column.dtype == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if column.dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    return column.cast(pl.Float64).fill_nan(None)


def check_finite(values: pl.Series) -> None:
    """Raises a ColumnError that names column, count and first row if a value is ±inf, or is so in float32."""
    infinite = values.is_infinite().fill_null(False)
    if infinite.any():
        first = infinite.arg_max()
        assert first is not None
        raise ColumnError(
            f'column "{values.name}" holds {int(infinite.sum())} infinite values (the first, {values[first]},'
            f" in data row {first + 1}). Replace infinity by a number, or leave the value empty."
        )
    large = (values.abs() > LARGEST).fill_null(False)
    if large.any():
        first = large.arg_max()
        assert first is not None
        raise ColumnError(
            f'column "{values.name}" holds {int(large.sum())} values beyond float32, ±{LARGEST:.3g}'
            f" (the first, {values[first]}, in data row {first + 1}). Divide the column by a power of ten."
        )


def as_date(column: pl.Series) -> pl.Series:
    """A date, datetime or text column as Datetime in UTC; text of none of the known forms becomes null.

    Each value is read on its own: what a date means must not depend on the other rows of its table.

    Example:
        >>> as_date(pl.Series(["2026-01-31", "2026-01-31 10:00+02:00", "01/02/2026"])).to_list()[1:]
        [datetime.datetime(2026, 1, 31, 8, 0), None]
    """
    if column.dtype in TEXT:
        # "2026-01-31 10:00" is the same date as "2026-01-31T10:00".
        text = column.cast(pl.String).str.strip_chars().str.replace(" ", "T", literal=True)
        plain = [text.str.to_datetime(form, strict=False, time_unit="us") for form in DATE_FORMS]
        zoned = [
            text.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)
            for form in ZONED_FORMS
        ]
        return pl.select(pl.coalesce(*plain, *zoned).alias(column.name)).to_series()
    if column.dtype == pl.Datetime and column.dtype.time_zone is not None:  # type: ignore[attr-defined]
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def as_category(column: pl.Series) -> pl.Series:
    """A column as the text of its categories: whole numbers without a fraction, so that 3 and 3.0 are one.

    Example:
        >>> as_category(pl.Series([3.0, 2.5, None])).to_list()
        ['3', '2.5', None]
    """
    if column.dtype.is_float():
        values = column.fill_nan(None)
        # Beyond 2⁵³ not every whole number is a float: their text is the float's.
        whole = (values % 1 == 0) & (values.abs() < 2**53)
        as_whole = values.cast(pl.Int64, strict=False).cast(pl.String)
        text = pl.when(whole).then(as_whole).otherwise(values.cast(pl.String))
        return pl.select(text.alias(column.name)).to_series()
    return column.cast(pl.String)
