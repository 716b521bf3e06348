"""Cuts the symbol tables off the large native libraries of an environment: a sixth of what it weighs.

Of large files that hold the same it keeps one, under all their names.

A library's symbol table (``.symtab``, ``.strtab``) is for debuggers. It lies behind everything that is ever
mapped into memory, and what programs link against is another table (``.dynsym``), which stays. Where a file
is not laid out so, it is left alone. docs/decisions/0002-install-size.md has the figures.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import struct
import sys
from pathlib import Path

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
SEGMENT = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
LITTLE_ENDIAN_64 = b"\x7fELF\x02\x01"
ALLOCATED = 0x2  # SHF_ALLOC: the section is mapped when the library is loaded
NO_BITS = 8  # SHT_NOBITS: the section takes no room in the file
WORTH_WHILE = 2**16
LARGE = 2**20
"""Plotly brings the four megabytes of its extension for JupyterLab twice."""


def loaded_end(data: memoryview) -> int | None:
    """Where the bytes that the loader reads end, or None where the file cannot be cut there.

    It can be cut if it is a 64-bit little-endian ELF file and its table of sections, which a loader does not
    read, lies behind every segment and every allocated section.
    """
    if len(data) < HEADER.size or bytes(data[:6]) != LITTLE_ENDIAN_64:
        return None
    head = HEADER.unpack_from(data)
    segments_at, sections_at, segment_size, segments, section_size, sections = head[5], head[6], *head[9:13]
    if segment_size != SEGMENT.size or section_size != SECTION.size or sections_at == 0:
        return None
    if max(segments_at + segments * segment_size, sections_at + sections * section_size) > len(data):
        return None
    ends = [segments_at + segments * segment_size]
    for number in range(segments):
        _, _, offset, _, _, in_file, _, _ = SEGMENT.unpack_from(data, segments_at + number * segment_size)
        ends.append(offset + in_file)
    for number in range(sections):
        _, kind, flags, _, offset, size, *_ = SECTION.unpack_from(data, sections_at + number * section_size)
        if flags & ALLOCATED and kind != NO_BITS:
            ends.append(offset + size)
    end = max(ends)
    return end if end <= sections_at else None


def slim(path: Path) -> int:
    """Cuts one library and returns the bytes saved: 0 where it is not of the kind, or was cut before.

    The new file is written beside and renamed over the old, whose bytes an installer's cache may share.
    """
    data = memoryview(path.read_bytes())
    end = loaded_end(data)
    if end is None or end == len(data):
        return 0
    head = list(HEADER.unpack_from(data))
    head[6] = head[12] = head[13] = 0  # no table of sections: a loader does without
    beside = path.with_name(path.name + ".slim")
    beside.write_bytes(HEADER.pack(*head) + data[HEADER.size : end])
    shutil.copymode(path, beside)
    os.replace(beside, path)
    return len(data) - end


def link_twins(folder: Path) -> int:
    """Keeps one of large files that hold the same, and returns the bytes saved.

    Both names stay; whoever writes to one of them by renaming, as installers do, leaves the other as it was.
    """
    by_size: dict[int, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= LARGE:
            by_size.setdefault(path.stat().st_size, []).append(path)
    saved = 0
    for size, paths in by_size.items():
        kept: list[Path] = []
        for path in paths:
            twin = next((k for k in kept if filecmp.cmp(k, path, shallow=False)), None)
            if twin is None:
                kept.append(path)
            elif not os.path.samefile(twin, path):
                saved += size * _link(twin, path)
    return saved


def _link(twin: Path, path: Path) -> bool:
    beside = path.with_name(path.name + ".slim")
    try:
        os.link(twin, beside)
    except OSError:  # a file system without links
        return False
    os.replace(beside, path)
    return True


def main(environment: str) -> None:
    """Slims every library of an environment that is worth the while, and keeps one of large twins."""
    for path in sorted(Path(environment).rglob("*.so*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= WORTH_WHILE:
            slim(path)
    link_twins(Path(environment))


if __name__ == "__main__":
    main(sys.argv[1])
