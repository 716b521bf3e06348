"""row_groups: where the row groups of a Parquet file begin, which Polars does not tell.

A Parquet file ends with its metadata (a struct in Thrift's compact protocol), their length in four bytes, and
the letters ``PAR1``. Of the struct, field 4 is the list of row groups, and of a row group field 3 its rows.
Source: https://parquet.apache.org/docs/file-format/metadata/ and the Thrift compact protocol specification.
"""

from __future__ import annotations

from pathlib import Path

from normwise.core.errors import TableError
from normwise.tables.read import describe_broken

MAGIC = b"PAR1"
ROW_GROUPS, ROWS = 4, 3
_FALSE_OR_TRUE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (
    (1, 2),
    3,
    (4, 5, 6),
    7,
    8,
    (9, 10),
    11,
    12,
)


def row_groups(file: Path) -> list[int]:
    """The rows of each row group of a Parquet file, in the order of the file.

    Raises:
        TableError: If the file does not end as a Parquet file does.
    """
    with file.open("rb") as raw:
        raw.seek(max(0, file.stat().st_size - 8))
        tail = raw.read()
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length + 12 > file.stat().st_size:
            raise TableError(describe_broken(file, "parquet", ValueError("its last bytes are no footer")))
        raw.seek(-8 - length, 2)
        metadata = raw.read(length)
    try:
        return _Compact(metadata).row_groups()
    except IndexError as error:
        raise TableError(describe_broken(file, "parquet", ValueError("its footer is cut off"))) from error


class _Compact:
    """A reader of Thrift's compact protocol that steps over whatever it is not asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def row_groups(self) -> list[int]:
        field = kind = 0
        while True:
            field, kind = self.field(field)
            if kind == 0:
                return []
            if field == ROW_GROUPS:
                return [self.rows() for _ in range(self.size_and_kind()[0])]
            self.skip(kind)

    def rows(self) -> int:
        """The rows of the row group that begins here."""
        field, rows = 0, 0
        while True:
            field, kind = self.field(field)
            if kind == 0:
                return rows
            if field == ROWS:
                encoded = self.varint()
                rows = (encoded >> 1) ^ -(encoded & 1)
            else:
                self.skip(kind)

    def field(self, before: int) -> tuple[int, int]:
        """The next field's number and kind; kind 0 ends a struct."""
        header = self.byte()
        kind, delta = header & 15, header >> 4
        if kind == 0 or delta:
            return before + delta, kind
        encoded = self.varint()
        return (encoded >> 1) ^ -(encoded & 1), kind

    def size_and_kind(self) -> tuple[int, int]:
        header = self.byte()
        size = header >> 4
        return (self.varint() if size == 15 else size), header & 15

    def skip(self, kind: int, in_list: bool = False) -> None:
        if kind in _INTEGERS:
            self.varint()
        elif kind == _BINARY:
            length = self.varint()
            self.at += length
        elif kind == _STRUCT:
            self.skip_struct()
        elif kind in _LISTS:
            size, inner = self.size_and_kind()
            for _ in range(size):
                self.skip(inner, in_list=True)
        elif kind == _MAP:
            self.skip_map()
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BYTE or (kind in _FALSE_OR_TRUE and in_list):
            self.at += 1

    def skip_struct(self) -> None:
        field, kind = self.field(0)
        while kind:
            self.skip(kind)
            field, kind = self.field(field)

    def skip_map(self) -> None:
        size = self.varint()
        kinds = self.byte() if size else 0
        for _ in range(size):
            self.skip(kinds >> 4, in_list=True)
            self.skip(kinds & 15, in_list=True)

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
