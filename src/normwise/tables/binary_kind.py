"""Files that are no text, known by their first bytes."""

from __future__ import annotations

KINDS = {
    b"\x1f\x8b": "a gzip file inside a gzip file",
    b"\x7fELF": "a program (ELF)",
    b"\x89PNG": "a PNG image",
    b"PK\x03\x04": "a zip file or an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Office file (.xls)",
    b"PAR1\x15": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xfd7zXZ": "an xz file",
}
"""First bytes, after gzip was undone once, to what begins so; none of these begins a table of text."""


def binary_kind(start: bytes) -> str | None:
    """What kind of binary file begins with these bytes, None where they may be text.

    Example:
        >>> binary_kind(bytes([0x89]) + b"PNG and more")
        'a PNG image'
        >>> binary_kind(b"age,city") is None
        True
    """
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), None)
