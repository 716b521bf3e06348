"""SHA-256 of what a table holds, the same in every run."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from normwise.tables.frame import to_frame

_BATCH_ROWS = 1 << 16


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal, read as a stream."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(table: Any) -> str:
    """SHA-256 of a table's names, types and values, in hexadecimal; whatever engine holds it.

    Args:
        table: What `as_frame` takes.

    Example:
        >>> content_hash({"a": [1, 2]}) == content_hash(pl.DataFrame({"a": [1, 2]}))
        True
        >>> content_hash({"a": [1, None]}) == content_hash({"a": [None, 1]})
        False
    """
    frame = to_frame(table)
    digest = hashlib.sha256(json.dumps([[name, str(dtype)] for name, dtype in frame.schema.items()]).encode())
    for start in range(0, frame.height, _BATCH_ROWS):
        rows = frame.slice(start, _BATCH_ROWS).select(_printable(column) for column in frame.iter_columns())
        digest.update(rows.write_csv(include_header=False).encode())
    return digest.hexdigest()


def _printable(column: pl.Series) -> pl.Expr:
    expression = pl.col(column.name)
    if column.dtype == pl.Binary:
        return expression.bin.encode("hex")
    if column.dtype.is_nested():
        return expression.map_elements(repr, return_dtype=pl.String)
    return expression
