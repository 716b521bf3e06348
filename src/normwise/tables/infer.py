"""From texts to types: what the cells of a CSV file are, judged by all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import polars as pl

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""A CSV cell that holds one of these, and nothing else but spaces, has no value."""

LEADING_ZERO = r"^[+-]?0[0-9]"
"""007 is a code, not the number 7: a column with such a cell keeps its zeros, as text."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the cells of a column are.

    Args:
        name: What to call one of them in a message.
        convert: From texts without spaces and missing words to values; null where one does not fit.
    """

    name: str
    convert: Callable[[pl.Series], pl.Series] = dataclasses.field(repr=False)

    @property
    def dtype(self) -> pl.DataType:
        """The type of the values."""
        return self.convert(pl.Series([], dtype=pl.String)).dtype


def _number(dtype: type[pl.DataType], text: pl.Series) -> pl.Series:
    numbers = text.cast(dtype, strict=False)
    if numbers.null_count() > text.null_count():
        return numbers
    codes = text.str.contains(LEADING_ZERO)
    return numbers.set(codes, None) if codes.any() else numbers


def _boolean(text: pl.Series) -> pl.Series:
    lower = text.str.to_lowercase()
    return (lower == "true").set(~lower.is_in(("true", "false")), None)


def _date(form: str, text: pl.Series) -> pl.Series:
    return text.str.to_date(form, strict=False)


def _datetime(form: str, text: pl.Series) -> pl.Series:
    return text.str.replace(" ", "T", literal=True).str.to_datetime(form, strict=False, time_unit="us")


INTEGER = Kind("integer", partial(_number, pl.Int64))
LARGE_INTEGER = Kind("integer", partial(_number, pl.UInt64))
NUMBER = Kind("number", partial(_number, pl.Float64))
TEXT = Kind("text", lambda text: text)
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
_DATETIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
KINDS = (
    INTEGER,
    LARGE_INTEGER,
    NUMBER,
    Kind("boolean", _boolean),
    *(Kind("date", partial(_date, form)) for form in _DATES),
    *(Kind("datetime", partial(_datetime, form)) for form in _DATETIMES),
)
"""The kinds of cells other than text, in the order in which they are tried."""
_FIRST_ROWS = 1000


def present_text(cells: pl.Series) -> pl.Series:
    """The cells without the spaces around them; `MISSING_WORDS` become null."""
    text = cells.str.strip_chars()
    return text.set(text.is_in(MISSING_WORDS), None)


def kind_of(text: pl.Series) -> Kind | None:
    """The first of `KINDS` that *every* value is of, else `TEXT`; None where there is no value.

    Args:
        text: What `present_text` gives.
    """
    absent = text.null_count()
    if absent == len(text):
        return None
    if len(text) <= _FIRST_ROWS:
        return next((kind for kind in KINDS if kind.convert(text).null_count() == absent), TEXT)
    # What the first rows are not, all of them are not.
    first = kind_of(text.head(_FIRST_ROWS))
    possible = KINDS if first is None else () if first is TEXT else KINDS[KINDS.index(first) :]
    return next((kind for kind in possible if kind.convert(text).null_count() == absent), TEXT)


def plain_numbers(cells: pl.Series, kind: Kind) -> pl.Series | None:
    """The values of cells that are all numbers as they stand; None if one has to be looked at more closely.

    Most columns of numbers have neither spaces nor missing words: then this is all there is to do.
    """
    if kind not in (INTEGER, LARGE_INTEGER, NUMBER):
        return None
    values = kind.convert(cells)
    return without_nan(values) if values.null_count() == cells.null_count() < len(cells) else None


def without_nan(values: pl.Series) -> pl.Series:
    """The values with null for NaN, which is a missing number, in whatever letters it was written."""
    return values.fill_nan(None) if values.dtype == pl.Float64 else values


def infer_column(cells: pl.Series) -> pl.Series:
    """A column of texts as integers, floats, booleans, dates or datetimes, where *every* value is one.

    A column with a single other word stays text, and so does one of codes with leading zeros. Day and month
    are never guessed: ``01/02/2020`` is text.

    Args:
        cells: Texts. Spaces around them are stripped; `MISSING_WORDS` become null.

    Example:
        >>> infer_column(pl.Series([" 1", "?", "2"])).to_list()
        [1, None, 2]
        >>> infer_column(pl.Series(["1", "2", "many"])).to_list()
        ['1', '2', 'many']
        >>> infer_column(pl.Series(["007", "12"])).to_list()
        ['007', '12']
        >>> infer_column(pl.Series(["True", "false"])).dtype, infer_column(pl.Series(["2026-01-31"])).dtype
        (Boolean, Date)
    """
    kind = kind_of(present_text(cells.head(_FIRST_ROWS))) or TEXT
    if (values := plain_numbers(cells, kind)) is not None:
        return values
    text = present_text(cells)
    return without_nan((kind_of(text) or TEXT).convert(text))
