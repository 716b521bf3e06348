"""CSV files, read by one parser that also checks them: rows are whole and nothing is filled in or dropped.

Polars' own reader fills short rows with nulls, renames doubled columns and guesses types from the first rows.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import polars as pl

from normwise.core.errors import ColumnError, TableError, did_you_mean, listing
from normwise.tables.binary_kind import binary_kind
from normwise.tables.infer import infer_column, present_text
from normwise.tables.names import require_unique

DELIMITERS = (",", ";", "\t", "|")
BATCH_CELLS = 1_000_000
"""Rows are handed to Polars in batches of about this many cells, so that Python's texts never pile up."""
HEADER_LINES = 100
"""A header whose quoted names hold line breaks is looked for in this many lines, to find the delimiter."""
GZIP_MAGIC = b"\x1f\x8b"
_NULS = (
    "no text file: it holds NUL bytes. Expected a table as text. If it is UTF-16 text without its mark, name "
    'the encoding: --encoding utf-16-le on the command line, encoding="utf-16-le" in Python.'
)


def read_csv(
    path: Path, delimiter: str | None = None, encoding: str = "utf-8", text_columns: Collection[str] = ()
) -> pl.DataFrame:
    """The rows of a CSV file, gzipped or not, as typed columns; `read_table` is the way in.

    Args:
        path: An existing file.
        delimiter: What separates the fields; by default, that of `DELIMITERS` which the header holds most of.
        encoding: The name of the text's encoding; a byte order mark is skipped.
        text_columns: Columns whose cells stay text.

    Raises:
        TableError: If the file is not text in that encoding, has no header or no rows, or a ragged row.
        ColumnError: If a column has no name, or two have the same.
    """
    _require_encoding(encoding)
    _require_text(path)
    try:
        with _open_text(path, encoding) as text, _cells_of_any_size():
            frame = _read_rows(text, delimiter, path)
    except UnicodeError as error:
        raise TableError(_describe_undecodable(path, encoding, error)) from error
    return frame.select(
        present_text(column) if column.name in text_columns else infer_column(column)
        for column in frame.iter_columns()
    )


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unzipped if it is gzipped; its first bytes tell, whatever its name says."""
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else path.open("rb")


@contextlib.contextmanager
def _open_text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with open_bytes(path) as file, io.TextIOWrapper(file, encoding=name, newline="") as text:
        yield text


@contextlib.contextmanager
def _cells_of_any_size() -> Iterator[None]:
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _require_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    # A name with a NUL is a ValueError, the codec "undefined" a UnicodeError.
    except (LookupError, ValueError) as error:
        known = {name.replace("_", "-") for name in _text_encodings()}
        raise TableError(f'"{encoding}" is not a text encoding. {did_you_mean(encoding, known)}') from error


def _require_text(path: Path) -> None:
    with open_bytes(path) as file:
        kind = binary_kind(file.read(16))
    if kind:
        raise TableError(
            f"{path} is no text file but {kind}. Expected a table as text: unpack or export it as CSV, or "
            "name the file by what it is."
        )


def _text_encodings() -> list[str]:
    return ["utf_8", "utf_16", "latin_1", "cp1252", "gb18030", "gbk", "big5", "shift_jis", "euc_kr", "koi8_r"]


def _read_rows(text: io.TextIOWrapper, delimiter: str | None, path: Path) -> pl.DataFrame:
    first, skipped = _first_record(text)
    # Encodings that name their byte order, such as utf-16-le, leave the mark in the text.
    first[:1] = [line.removeprefix("\ufeff") for line in first[:1]]
    if not first:
        raise TableError(f"{path} holds nothing but blank lines. Expected a header line and rows below it.")
    separator = delimiter or _sniff(first)
    lines = itertools.chain(first, text)
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    records = _records(reader, path, skipped)
    _, header = next(records)
    names = _require_names([name.strip() for name in header], path)
    rows = _whole_rows(records, names, path)
    size = max(1, BATCH_CELLS // len(names))
    frames = [_batch(batch, names) for batch in iter(lambda: list(itertools.islice(rows, size)), [])]
    if not frames:
        raise TableError(
            f"{path} has a header ({listing(names)}) and no rows below it. Expected at least one row."
        )
    return pl.concat(frames)


def _first_record(text: io.TextIOWrapper) -> tuple[list[str], int]:
    """The lines of the first record that is not blank, and how many blank lines stand before it."""
    skipped = 0
    for line in text:
        if line.strip():
            lines, quotes = [line], line.count('"')
            while quotes % 2 and len(lines) < HEADER_LINES and (more := text.readline()):
                lines.append(more)
                quotes += more.count('"')
            return lines, skipped
        skipped += 1
    return [], skipped


def _sniff(header: Sequence[str]) -> str:
    outside = "".join("".join(header).split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _records(reader: Iterator[list[str]], path: Path, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the line that it begins on."""
    line = 1 + skipped
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(
                f"{path}, the row that begins on line {line} cannot be read: {error}. Expected quoted "
                'cells to be closed by a " and a " inside them to be doubled ("").'
            ) from error
        yield line, record
        line = 1 + skipped + reader.line_num  # type: ignore[attr-defined]


def _whole_rows(
    records: Iterator[tuple[int, list[str]]], names: list[str], path: Path
) -> Iterator[list[str]]:
    for line, record in records:
        if len(record) == len(names):
            yield record
        elif not record:
            # A blank line is a missing value where there is one column, and no row where there are more.
            if len(names) == 1:
                yield [""]
        else:
            raise TableError(
                f"{path}, line {line}: found {len(record)} fields, expected {len(names)} as in the header. "
                f"The row begins {','.join(record)[:60]!r}. Complete it, or quote the cells that hold the "
                "delimiter."
            )


def _batch(rows: list[list[str]], names: list[str]) -> pl.DataFrame:
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, cells, dtype=pl.String) for name, cells in columns])


def _require_names(names: list[str], path: Path) -> list[str]:
    unnamed = [str(i + 1) for i, name in enumerate(names) if not name]
    if unnamed:
        index = " If it is pandas' index, write the file with index=False." if unnamed == ["1"] else ""
        raise ColumnError(
            f"{path}: column {', '.join(unnamed)} of {len(names)} has no name in the header. Name it.{index}"
        )
    if any("\0" in name for name in names):
        raise TableError(f"{path} is {_NULS}")
    return require_unique(names, f"{path}: ")


def _describe_undecodable(path: Path, encoding: str, error: UnicodeError) -> str:
    """What byte is wrong, where: found by a second reading, since a stream's error knows its chunk only."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line = 0, 1
    with open_bytes(path) as file:
        while chunk := file.read(1 << 16):
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as fault:
                at = offset + len(chunk) - len(fault.object) + fault.start
                line += fault.object[: fault.start].count(b"\n")
                byte = fault.object[fault.start]
                # Text that begins with the mark of UTF-16 has NUL bytes too.
                if b"\0" in chunk and not (byte in (0xFE, 0xFF) and at == 0) and not _wide(encoding):
                    return f"{path} is {_NULS}"
                better = "utf-16" if byte in (0xFE, 0xFF) and at == 0 else "latin-1"
                return (
                    f"{path} is not {encoding} text: byte 0x{byte:02x} at offset {at}, line {line} cannot be "
                    f"decoded. {_offer(encoding, better)}"
                )
            # Some codecs, such as punycode, say no more than that it failed.
            except UnicodeError:
                break
            offset += len(chunk)
    return f"{path} is not {encoding} text: {error}. {_offer(encoding, 'utf-8')}"


def _wide(encoding: str) -> bool:
    """Whether text in this encoding holds NUL bytes."""
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def _offer(encoding: str, better: str) -> str:
    other = better if codecs.lookup(encoding) != codecs.lookup(better) else "utf-8"
    return (
        f"If the file is in another encoding, name it: --encoding {other} on the command line, "
        f'encoding="{other}" in Python.'
    )
