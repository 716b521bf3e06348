"""tools/slim.py cuts what no loader reads, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.house.machine import ROOT

_spec = importlib.util.spec_from_file_location("slim", ROOT / "tools" / "slim.py")
assert _spec is not None
assert _spec.loader is not None
slim = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(slim)


def library(loaded: int, tail: int, table_at: int | None = None) -> bytes:
    """An ELF file: header, one segment of `loaded` bytes, `tail` bytes of symbols, a table of one section."""
    head = slim.HEADER.size
    table_at = loaded + tail if table_at is None else table_at
    segment = slim.SEGMENT.pack(1, 5, 0, 0, 0, loaded, loaded, 4096)
    section = slim.SECTION.pack(0, 2, 0, 0, loaded, tail, 0, 0, 8, 24)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    fields = (ident, 3, 62, 1, 0, head, table_at, 0, head, len(segment), 1, len(section), 1, 0)
    body = slim.HEADER.pack(*fields) + segment
    return body.ljust(loaded, b"c") + b"s" * tail + section


def test_cuts_the_tail_and_keeps_every_loaded_byte(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    whole = library(500, 300)
    path.write_bytes(whole)
    path.chmod(0o755)
    assert slim.slim(path) == 300 + slim.SECTION.size
    cut = path.read_bytes()
    assert len(cut) == 500
    assert cut[slim.HEADER.size :] == whole[slim.HEADER.size : 500]
    assert struct.unpack_from("<Q", cut, 0x28) == (0,), "the offset of the table of sections"
    assert os.access(path, os.X_OK)
    assert slim.slim(path) == 0, "a second time there is nothing to cut"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"INPUT(libm.so.6)\n" * 9, id="a linker script"),
        pytest.param(library(500, 300)[:4] + b"\x01" + library(500, 300)[5:], id="32 bits"),
        pytest.param(library(500, 300, table_at=100), id="the table lies inside the segment"),
        pytest.param(library(500, 300)[:600], id="cut off"),
    ],
)
def test_leaves_what_is_not_of_the_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    assert slim.slim(path) == 0
    assert path.read_bytes() == content


def test_a_shared_file_is_not_touched(tmp_path: Path) -> None:
    path, cache = tmp_path / "lib.so", tmp_path / "cache.so"
    cache.write_bytes(library(500, 300))
    path.hardlink_to(cache)
    slim.slim(path)
    assert cache.read_bytes() == library(500, 300)


def test_a_real_library_still_loads(tmp_path: Path) -> None:
    copies = []
    for source in Path(np.__file__).parent.rglob("_multiarray_umath*.so"):
        copy = tmp_path / source.name
        copy.write_bytes(source.read_bytes())
        slim.slim(copy)
        copies.append(copy)
    if not copies:
        pytest.skip("this NumPy has no ELF library")
    read = f"import numpy, ctypes; ctypes.CDLL({str(copies[0])!r}).PyInit__multiarray_umath"
    assert subprocess.run([sys.executable, "-c", read], check=False).returncode == 0


def test_large_twins_are_kept_once_under_both_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slim, "LARGE", 100)
    for name, content in {"a": b"x" * 100, "b": b"x" * 100, "c": b"y" * 100, "d": b"x" * 99}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "e").write_bytes(b"x" * 99)
    assert slim.link_twins(tmp_path) == 100
    assert slim.link_twins(tmp_path) == 0
    assert os.path.samefile(tmp_path / "a", tmp_path / "b")
    assert [path.read_bytes()[:1] for path in sorted(tmp_path.iterdir())] == [b"x", b"x", b"y", b"x", b"x"]
    assert not os.path.samefile(tmp_path / "d", tmp_path / "e")


def test_where_links_cannot_be_made_both_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slim, "LARGE", 1)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert slim.link_twins(tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
