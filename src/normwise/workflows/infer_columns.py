"""What each column of a table is, and what will be done to it: inferred, explained, overridable."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import polars as pl

from normwise.core.errors import ColumnError, NormwiseWarning, TableError, did_you_mean, listing
from normwise.core.run_record import ColumnSchema
from normwise.tables import LEADING_ZERO, infer_column
from normwise.workflows.column_values import (
    TEXT,
    as_category,
    as_date,
    as_number,
    check_finite,
    read_text,
)
from normwise.workflows.numeric_text import MOSTLY_NUMBERS, parse_numbers

KINDS = ("numeric", "boolean", "categorical", "date", "excluded")
ONE_HOT_AT_MOST = 64
"""Up to so many known categories are one-hot; beyond, the network learns an embedding."""
IDENTIFIER_SHARE = 0.5
"""A text column with more different values than this share of its rows names the rows."""
IDENTIFIER_AT_LEAST = 50
"""… unless it has no more than so many different values."""
ROWS_PER_CATEGORY = 10.0
"""A text column with fewer rows a category than this, on average, and more than ONE_HOT_AT_MOST of them, is
excluded too: most of its categories would be learnt from a handful of rows."""
WORDS_KEPT = 20
"""So many different texts of a number column that are no numbers are kept, to know them again."""
FLOAT32_DIGITS = 1e4
"""Where |mean| is more standard deviations than this, float32 loses digits: the host subtracts an origin."""


def infer_columns(frame: pl.DataFrame, kinds: Mapping[str, str] | None = None) -> tuple[ColumnSchema, ...]:
    """The schema of each column of a training table, in the table's order.

    Args:
        frame: The training rows, without the target.
        kinds: Column name to kind, for the columns whose kind is not to be inferred.

    Returns:
        One schema a column. What was excluded, or read otherwise than it stands, is also named in a warning.

    Raises:
        ColumnError: If `kinds` names an absent column or an unknown kind, or a column holds ±inf or
            values of no known kind.
        TableError: If no column is left.

    Example:
        >>> frame = pl.DataFrame({"age": [31, 42, 25], "sex": ["m", "f", "f"]})
        >>> [(c.name, c.kind, c.encoding) for c in infer_columns(frame)]
        [('age', 'numeric', 'scaled'), ('sex', 'categorical', 'one-hot')]
    """
    wanted = dict(kinds or {})
    for name, kind in wanted.items():
        if name not in frame.columns:
            raise ColumnError(f'no column "{name}" to set a kind for. {did_you_mean(name, frame.columns)}')
        if kind not in KINDS:
            raise ColumnError(f'column "{name}": unknown kind "{kind}". {did_you_mean(kind, KINDS)}')
    schemas = tuple(_infer(column, wanted.get(column.name)) for column in read_text(frame).iter_columns())
    excluded = [c for c in schemas if c.kind == "excluded" and wanted.get(c.name) != "excluded"]
    if schemas and all(c.kind == "excluded" for c in schemas):
        reasons = "; ".join(f'"{c.name}": {c.reason}' for c in schemas[:8])
        raise TableError(
            f"no column is left to learn from ({reasons}). Set a column's kind to keep it, "
            'such as column_kinds={"…": "categorical"} or --kind NAME=categorical.'
        )
    for column in excluded:
        _warn(f'column "{column.name}" was excluded: {column.reason}')
    for column in schemas:
        if column.words:
            _warn(f'column "{column.name}": {column.reason}')
    return schemas


def _warn(message: str) -> None:
    warnings.warn(message, NormwiseWarning, stacklevel=2)


def _infer(column: pl.Series, wanted: str | None) -> ColumnSchema:
    if wanted == "excluded":
        return _excluded(column, "excluded as asked")
    if column.null_count() == len(column):
        return _excluded(column, f"all of its {len(column)} rows are missing")
    if column.dtype == pl.String and wanted != "categorical":
        column = infer_column(column)
    kind = _check_asked(column, wanted) if wanted else _natural_kind(column)
    if kind == "categorical":
        return _categorical(column, asked=wanted is not None)
    if kind == "boolean":
        return _boolean(column)
    if kind == "date":
        return _date(column)
    return _numeric(column, asked=wanted is not None)


def _check_asked(column: pl.Series, kind: str) -> str:
    """The kind that was asked for, if values of the column's type can be of it."""
    dtype = column.dtype
    number = dtype.is_numeric() or dtype == pl.Boolean or dtype in TEXT
    fits = {
        "numeric": number or dtype in (pl.Duration, pl.Time),
        "boolean": number,
        "date": dtype in (pl.Date, pl.Datetime) or dtype in TEXT,
        "categorical": not (dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration)),
    }
    if not fits[kind]:
        raise ColumnError(
            f'column "{column.name}" was said to be {kind}, but holds values of type {dtype}. '
            "Leave its kind to be inferred, turn it into another type, or leave it out."
        )
    return kind


def _natural_kind(column: pl.Series) -> str:
    dtype = column.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric() or dtype in (pl.Duration, pl.Time):
        return "numeric"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    if dtype == pl.String:
        codes = bool(column.str.contains(LEADING_ZERO).any())
        return "numeric" if not codes and parse_numbers(column).share >= MOSTLY_NUMBERS else "categorical"
    raise ColumnError(
        f'column "{column.name}" holds values of type {dtype}, which is none of number, boolean, text or'
        " date. Turn it into one of these, or leave it out."
    )


def _excluded(column: pl.Series, reason: str) -> ColumnSchema:
    return ColumnSchema(column.name, "excluded", reason, "none", str(column.dtype), column.null_count())


def _numeric(column: pl.Series, asked: bool) -> ColumnSchema:
    name, dtype = column.name, str(column.dtype)
    words: tuple[str, ...] = ()
    reason = "numbers"
    if column.dtype in TEXT:
        parsed = parse_numbers(column)
        if asked and parsed.share == 0 and parsed.word_rows:
            raise ColumnError(
                f'column "{name}" was said to be numeric, but no value is a number: {listing(parsed.words)}'
            )
        reason, words = "text that holds numbers", parsed.words[:WORDS_KEPT]
        if parsed.word_rows:
            reason = (
                f"a number column with {parsed.word_rows} values that are no numbers"
                f" ({listing(parsed.words, 5)}); they count as missing"
            )
    values = as_number(column)
    check_finite(values)
    low, high = values.min(), values.max()
    if low is None:
        return _excluded(column, f"all of its {len(column)} rows are missing")
    missing = values.null_count()
    if low == high and missing == 0:
        return _excluded(column, f"constant: always {column[0]}")
    origin = _origin(values)
    if not words:
        reason = f"{reason} from {float(low):.9g} to {float(high):.9g}"  # type: ignore[arg-type]
    return ColumnSchema(name, "numeric", reason, "scaled", dtype, missing, words=words, origin=origin)


def _origin(values: pl.Series) -> float:
    mean, std = float(values.mean()), float(values.std(ddof=0) or 0.0)  # type: ignore[arg-type]
    if abs(mean) <= FLOAT32_DIGITS * std:
        return 0.0
    # A round number reads better, where the spread is not lost beside what rounding leaves.
    return float(round(mean)) if abs(mean) > 1 and abs(mean - round(mean)) <= FLOAT32_DIGITS * std else mean


def _boolean(column: pl.Series) -> ColumnSchema:
    values = as_number(column)
    check_finite(values)
    words = parse_numbers(column).words if column.dtype in TEXT else ()
    if words or values.drop_nulls().n_unique() > 2:
        found = words or values.drop_nulls().unique(maintain_order=True)
        raise ColumnError(
            f'column "{column.name}" was said to be boolean, but holds {listing(found, 3)}.'
            ' Expected true and false, or two numbers such as 0 and 1; for two words take "categorical".'
        )
    if values.n_unique() == 1 and values.null_count() == 0:
        return _excluded(column, f"constant: always {column[0]}")
    return ColumnSchema(
        column.name, "boolean", "true or false", "scaled", str(column.dtype), values.null_count()
    )


def _date(column: pl.Series) -> ColumnSchema:
    dates = as_date(column)
    if dates.null_count() > column.null_count():
        bad = column.filter(dates.is_null() & column.is_not_null()).unique(maintain_order=True)
        raise ColumnError(f'column "{column.name}" was said to be a date, but {listing(bad, 3)} is none')
    if dates.n_unique() == 1 and dates.null_count() == 0:
        return _excluded(column, f"constant: always {column[0]}")
    reason = "dates, split into numbers on the host"
    return ColumnSchema(column.name, "date", reason, "scaled", str(column.dtype), dates.null_count())


def _categorical(column: pl.Series, asked: bool) -> ColumnSchema:
    # A name of its own: a column may be called "count", as value_counts calls its counts.
    text = as_category(column).alias("text")
    rows = len(text) - text.null_count()
    counted = text.drop_nulls().value_counts(sort=False).sort(["count", "text"], descending=[True, False])
    distinct = len(counted)
    if distinct == 1 and text.null_count() == 0:
        return _excluded(column, f'constant: always "{text[0]}"')
    if not asked and (reason := _identifier_reason(distinct, rows)):
        return _excluded(column, reason + _number_hint(text))
    known = counted.filter(pl.col("count") >= _fewest_rows(rows))["text"].to_list()
    if not known:
        known = counted["text"].head(ONE_HOT_AT_MOST).to_list()
    rare = tuple(sorted(set(counted["text"]) - set(known)))
    encoding = "one-hot" if len(known) <= ONE_HOT_AT_MOST else "embedding"
    return ColumnSchema(
        column.name,
        "categorical",
        f"{distinct} categories" + (f", of which {len(rare)} are too rare to be known apart" if rare else ""),
        encoding,
        str(column.dtype),
        text.null_count(),
        tuple(known),
        len(rare),
        rare,
    )


def _identifier_reason(distinct: int, rows: int) -> str:
    names_each_row = distinct == rows and rows > 20
    if names_each_row or (distinct > IDENTIFIER_AT_LEAST and distinct > IDENTIFIER_SHARE * rows):
        return (
            f"an identifier: {distinct} different values in {rows} rows. To keep it, set its kind to"
            " categorical"
        )
    if distinct > ONE_HOT_AT_MOST and rows < ROWS_PER_CATEGORY * distinct:
        return (
            f"{distinct} categories in {rows} rows are too few rows a category to learn from. "
            "To keep it, set its kind to categorical"
        )
    return ""


def _number_hint(text: pl.Series) -> str:
    """What to do where an identifier looks like numbers as people write them: 1,5 or 12% or $3.50."""
    bare = text.drop_nulls().str.replace_all(r"[,%$€£¥\s]", "")
    if bare.cast(pl.Float64, strict=False).is_not_null().mean() < MOSTLY_NUMBERS:  # type: ignore[operator]
        return ""
    return (
        f'. Its values look like numbers, such as "{text.drop_nulls()[0]}": write them as 1234.5 to keep it'
    )


def _fewest_rows(rows: int) -> int:
    """A category seen in fewer rows is rare: 10, or 1% of a small table, but at least 2."""
    return max(2, min(10, rows // 100))
