"""Several files that are one table: each has the columns of the first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normwise.core.errors import TableError, did_you_mean


def require_same_names(columns: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raises a TableError that names file and column where a file has other columns than the first."""
    first, expected = next(iter(columns.items()))
    for file, found in columns.items():
        for here, its, there, others in ((first, expected, file, found), (file, found, first, expected)):
            for name in its:
                if name not in others:
                    raise TableError(
                        f'{here} has a column "{name}", {there} has none. {did_you_mean(name, others)} '
                        "Expected the same columns in all files."
                    )


def require_same_types(schemas: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raises a TableError that names file and column where columns or types differ from the first's."""
    require_same_names(schemas)
    first, expected = next(iter(schemas.items()))
    for file, schema in schemas.items():
        for name, kind in schema.items():
            if kind != expected[name]:
                raise TableError(
                    f'column "{name}" is {kind} in {file} and {expected[name]} in {first}. Expected one type '
                    "in all files: write one of them again."
                )
