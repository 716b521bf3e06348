"""From texts to types: what the cells of a CSV file are, judged by all of them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""A CSV cell that holds one of these, and nothing else but spaces, has no value."""

_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
_DATETIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")


LEADING_ZERO = r"^[+-]?0[0-9]"
"""007 is a code, not the number 7: a column with such a cell keeps its zeros, as text."""


def present_text(cells: pl.Series) -> pl.Series:
    """The cells without the spaces around them; `MISSING_WORDS` become null."""
    text = cells.str.strip_chars()
    return text.set(text.is_in(MISSING_WORDS), None)


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
    text = present_text(cells)
    absent = text.null_count()
    if absent == len(text):
        return text
    # A date may begin with a zero too: 01.02.2020.
    codes = bool(text.str.contains(LEADING_ZERO).any())
    for dtype in () if codes else (pl.Int64, pl.UInt64, pl.Float64):
        numbers = text.cast(dtype, strict=False)
        if numbers.null_count() == absent:
            return numbers.fill_nan(None) if dtype == pl.Float64 else numbers
    for attempt in (_booleans, _dates, _datetimes):
        for values in attempt(text):
            if values.null_count() == absent:
                return values
    return text


def _booleans(text: pl.Series) -> Iterator[pl.Series]:
    lower = text.str.to_lowercase()
    yield (lower == "true").set(~lower.is_in(("true", "false")), None)


def _dates(text: pl.Series) -> Iterator[pl.Series]:
    return (text.str.to_date(form, strict=False) for form in _DATES)


def _datetimes(text: pl.Series) -> Iterator[pl.Series]:
    one_form = text.str.replace(" ", "T", literal=True)
    return (one_form.str.to_datetime(form, strict=False) for form in _DATETIMES)
