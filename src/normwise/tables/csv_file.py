"""CSV files, read by one parser that also checks them: rows are whole and nothing is filled in or dropped.

Polars' own reader fills short rows with nulls, renames doubled columns and guesses types from the first rows.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import dataclasses
import gzip
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import polars as pl

from normwise.core.errors import ColumnError, TableError, did_you_mean, listing
from normwise.tables.binary_kind import binary_kind
from normwise.tables.csv_rows import records, text_columns_of, whole_rows
from normwise.tables.csv_split import split_plain
from normwise.tables.csv_text import TextLines
from normwise.tables.infer import infer_column, present_text
from normwise.tables.names import require_unique

DELIMITERS = (",", ";", "\t", "|")
HEADER_LINES = 100
"""A header whose quoted names hold line breaks is looked for in this many lines, to find the delimiter."""
GZIP_MAGIC = b"\x1f\x8b"
_NULS = (
    "no text file: it holds NUL bytes. Expected a table as text. If it is UTF-16 text without its mark, name "
    'the encoding: --encoding utf-16-le on the command line, encoding="utf-16-le" in Python.'
)


@dataclasses.dataclass(frozen=True)
class CsvBatch:
    """Some rows of a CSV file, as columns of text.

    Args:
        cells: One column of text a name, as they stand in the file.
        line: Tells the line on which the row of an index begins.
        delimiter: What separates the cells in the file.
    """

    cells: pl.DataFrame
    line: Callable[[int], int]
    delimiter: str


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
    frame = pl.concat([batch.cells for batch in csv_batches(path, delimiter, encoding)])
    return frame.select(
        present_text(column) if column.name in text_columns else infer_column(column)
        for column in frame.iter_columns()
    )


def csv_batches(
    path: Path,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    progress: Callable[[int], None] | None = None,
) -> Generator[CsvBatch, None, None]:
    """The rows of a CSV file as a stream of columns of text; at least one row, or an error.

    Args:
        path: An existing file.
        delimiter: As for `read_csv`.
        encoding: As for `read_csv`.
        progress: Called with the bytes of the file that were read so far.

    Raises:
        TableError: As `read_csv`, when the stream comes to the place.
        ColumnError: As `read_csv`.
    """
    _require_encoding(encoding)
    _require_text(path)
    try:
        with _open_lines(path, encoding, progress) as lines:
            yield from _batches(lines, delimiter, path)
    except UnicodeError as error:
        raise TableError(_describe_undecodable(path, encoding, error)) from error


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unzipped if it is gzipped; its first bytes tell, whatever its name says."""
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else path.open("rb")


@contextlib.contextmanager
def _open_lines(path: Path, encoding: str, progress: Callable[[int], None] | None) -> Iterator[TextLines]:
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with path.open("rb") as raw, contextlib.ExitStack() as stack:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        file = stack.enter_context(gzip.GzipFile(fileobj=raw)) if zipped else raw

        def read(size: int) -> bytes:
            chunk = file.read(size)
            if progress is not None:
                progress(raw.tell())
            return chunk

        yield TextLines(read, codecs.getincrementaldecoder(name)())


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


def _batches(lines: TextLines, delimiter: str | None, path: Path) -> Generator[CsvBatch, None, None]:
    first = _first_record(lines)
    if not first:
        raise TableError(f"{path} holds nothing but blank lines. Expected a header line and rows below it.")
    # Encodings that name their byte order, such as utf-16-le, leave the mark in the text.
    first[0] = first[0].removeprefix("\ufeff")
    lines.put_back("".join(first))
    separator = delimiter or _sniff(first)
    number = lines.number + 1
    with _cells_of_any_size():
        _, header = next(records(lines.line(), number, lines, separator, path))
    names = _require_names([name.strip() for name in header], path)
    empty = True
    while True:
        start = lines.number + 1
        if not (block := lines.block()):
            break
        batch = _batch(block, start, lines, separator, names, path)
        if batch.cells.height:
            empty = False
            yield batch
    if empty:
        raise TableError(
            f"{path} has a header ({listing(names)}) and no rows below it. Expected at least one row."
        )


def _batch(
    block: str, start: int, lines: TextLines, delimiter: str, names: list[str], path: Path
) -> CsvBatch:
    cells = split_plain(block, delimiter, names)
    if cells is not None:
        return CsvBatch(cells, lambda row: start + _line_of_row(block, row, len(names)), delimiter)
    with _cells_of_any_size():
        rows = list(whole_rows(records(block, start, lines, delimiter, path), len(names), path))
    found = [line for line, _ in rows]
    return CsvBatch(text_columns_of(rows, names), lambda row: found[row], delimiter)


def _line_of_row(block: str, row: int, width: int) -> int:
    """On which line of a block without quotes a row stands; of several columns, blank lines are no rows."""
    text = block.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return row if width == 1 else [i for i, line in enumerate(text) if line][row]


def _first_record(lines: TextLines) -> list[str]:
    """The lines of the first record that is not blank."""
    while line := lines.line():
        if line.strip():
            found, quotes = [line], line.count('"')
            while quotes % 2 and len(found) < HEADER_LINES and (more := lines.line()):
                found.append(more)
                quotes += more.count('"')
            return found
    return []


def _sniff(header: Sequence[str]) -> str:
    outside = "".join("".join(header).split('"')[::2])
    return max(DELIMITERS, key=outside.count)


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
