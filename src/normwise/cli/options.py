"""Options that commands share, and what their values must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

Format = Annotated[
    Literal["csv", "tsv", "parquet"] | None,
    typer.Option(help="The table's format, where its file name does not tell."),
]
Encoding = Annotated[str, typer.Option(metavar="NAME", help="The text encoding of a CSV file.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column to predict.")]
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="What to learn; told from the target by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show warnings and errors only.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Write the record to standard output, in place of the table.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KIND",
        help="What a column is: numeric, boolean, categorical, date or excluded. May be repeated.",
    ),
]


def above_zero(value: float | None) -> float | None:
    """The value, if there is one, above 0."""
    if value is not None and not 0 < value < float("inf"):
        raise typer.BadParameter(f"{value} is out of its range; expected a number above 0.")
    return value


def between_zero_and_one(value: float) -> float:
    """The value, above 0 and below 1."""
    if not 0 < value < 1:
        raise typer.BadParameter(f"{value} is out of its range; expected a share above 0 and below 1.")
    return value


HeldOut = Annotated[
    float,
    typer.Option(callback=between_zero_and_one, help="The share of the rows that scores are measured on."),
]


def column_kinds(pairs: Sequence[str]) -> dict[str, str]:
    """Column name to kind, from ``NAME=KIND``; the name may hold further equals signs.

    Example:
        >>> column_kinds(["zip=categorical", "a=b=numeric"])
        {'zip': 'categorical', 'a=b': 'numeric'}
    """
    kinds = {}
    for pair in pairs:
        name, sign, kind = pair.rpartition("=")
        if not sign or not name:
            raise typer.BadParameter(f'--kind "{pair}" is not NAME=KIND, such as zip=categorical.')
        kinds[name] = kind
    return kinds
