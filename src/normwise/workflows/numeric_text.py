"""Numbers that stand in a table as text, perhaps with a few words among them."""

from __future__ import annotations

import dataclasses

import polars as pl

MOSTLY_NUMBERS = 0.9
"""A text column is a number column if at least this share of its values are numbers."""


@dataclasses.dataclass(frozen=True)
class ParsedNumbers:
    """A text column read as numbers.

    Args:
        values: Float64; null where the text is no number.
        share: The numbers' share of the values that are not null; 0 where there is none.
        words: The different texts that are no numbers, the most frequent first.
        word_rows: How many rows hold such a text.
        first_row: The first such row, counted from 0; −1 if there is none.
    """

    values: pl.Series
    share: float
    words: tuple[str, ...]
    word_rows: int
    first_row: int


def parse_numbers(column: pl.Series) -> ParsedNumbers:
    """Reads a text column as numbers; ``nan`` is a missing value, not a word.

    Example:
        >>> parsed = parse_numbers(pl.Series("age", ["31", " 42.5", "unknown", None]))
        >>> parsed.values.to_list(), parsed.words, parsed.first_row
        ([31.0, 42.5, None, None], ('unknown',), 2)
    """
    # A name of its own: a column may be called "count", as value_counts calls its counts.
    text = column.cast(pl.String).str.strip_chars().alias("text")
    values = text.cast(pl.Float64, strict=False)
    not_a_number = values.is_nan().fill_null(False)
    text, values = text.set(not_a_number, None), values.set(not_a_number, None)
    present = text.is_not_null()
    is_word = present & values.is_null()
    word_rows = int(is_word.sum())
    total = int(present.sum())
    counted = text.filter(is_word).value_counts(sort=True)
    first = is_word.arg_max() if word_rows else None
    return ParsedNumbers(
        values.rename(column.name),
        (total - word_rows) / total if total else 0.0,
        tuple(counted["text"].to_list()),
        word_rows,
        -1 if first is None else int(first),
    )
