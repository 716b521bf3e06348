"""A look into the middle of a CSV file: what are integers at its beginning may be fractions further on."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from normwise.tables.csv_split import split_plain
from normwise.tables.infer import NUMBER, Kind, present_text

PLACES = 16
PLACE_BYTES = 1 << 16


def probe(
    file: Path, delimiter: str, encoding: str, names: list[str], integers: Mapping[str, Kind]
) -> set[str]:
    """Those columns of integers in which a number with a fraction occurs at some place of the file.

    It reads a little, and only what is plain: a zipped file, another encoding than UTF-8, and lines with
    quotes are passed over. What it overlooks is an error when the file is read, never a wrong number.

    Args:
        file: An existing CSV file.
        delimiter: What separates the cells.
        encoding: The text's encoding.
        names: All columns.
        integers: The columns that the first rows show to be integers, and of which kind.
    """
    if codecs.lookup(encoding).name != "utf-8":
        return set()
    return {
        name
        for lines in _places(file)
        if (cells := split_plain(lines, delimiter, names)) is not None
        for name, kind in integers.items()
        if _has_fraction(present_text(cells[name]), kind)
    }


def _has_fraction(text: pl.Series, kind: Kind) -> bool:
    absent = text.null_count()
    return NUMBER.convert(text).null_count() == absent < kind.convert(text).null_count()


def _places(file: Path) -> Iterator[str]:
    size = file.stat().st_size
    with file.open("rb") as raw:
        for place in range(1, PLACES + 1):
            raw.seek(max(0, size * place // PLACES - PLACE_BYTES))
            # The first and the last line are likely cut.
            _, _, rest = raw.read(PLACE_BYTES).partition(b"\n")
            lines = rest[: rest.rfind(b"\n") + 1]
            try:
                yield lines.decode("utf-8")
            except UnicodeDecodeError:
                continue
