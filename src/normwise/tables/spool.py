"""Tables written to a temporary file once, to be read again and again."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from normwise.tables.collect import engine_errors
from normwise.tables.scan_source import COUNTED, SPOOLED


@contextlib.contextmanager
def rereadable(frame: nw.LazyFrame[Any], names: Sequence[str]) -> Iterator[nw.LazyFrame[Any]]:
    """Columns of numbers of a frame; from a temporary file, where each reading would parse text anew."""
    native = frame.to_native()
    if not isinstance(native, pl.LazyFrame) or not _has_slow_source(native):
        yield frame
        return
    with tempfile.TemporaryDirectory(prefix="normwise-") as folder:
        file = Path(folder, "columns.parquet")
        with engine_errors():
            numbers = native.select(pl.col(*names).cast(pl.Float64))
            numbers.sink_parquet(file, compression="lz4", engine="streaming")
        yield nw.from_native(pl.scan_parquet(file))


def _has_slow_source(frame: pl.LazyFrame) -> bool:
    sources = re.findall(r"PYTHON(?:\[(.*?)\])? SCAN", frame.explain())
    return not {COUNTED, SPOOLED}.issuperset(sources)
