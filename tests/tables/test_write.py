"""write_table, atomic_path and the hashes: whole files or none."""

import gzip
import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from normwise.core.errors import ColumnError, RunFolderError, TableError
from normwise.tables import atomic_path, check_writable, content_hash, file_hash, read_table, write_table
from normwise.tables.atomic import check_creatable

FRAME = pl.DataFrame({"a,名": [1.5, None, 3.0], "s": ['say "hi"', "x\ny", None]})


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "my.data.v1.CSV.GZ"])
def test_round_trip(tmp_path, name):
    write_table(FRAME, tmp_path / name)
    assert_frame_equal(read_table(tmp_path / name), FRAME)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.lower().endswith("gz")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_equal_tables_make_equal_files(tmp_path, name):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_table(FRAME, tmp_path / folder / name)
    assert file_hash(tmp_path / "a" / name) == file_hash(tmp_path / "b" / name)


def test_other_kinds_of_table(tmp_path):
    write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "p.csv")
    write_table(np.array([[1.5, np.nan]]), tmp_path / "n.csv")
    assert (tmp_path / "p.csv").read_text() == "a\n1\n2\n"
    assert (tmp_path / "n.csv").read_text() == "x0,x1\n1.5,NaN\n"


def test_an_existing_file_is_kept_unless_asked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(TableError, match=r"t\.csv exists and was kept.*--overwrite.*overwrite=True"):
        write_table(FRAME, path)
    assert path.read_text() == "mine"
    write_table({"a": [1]}, path, overwrite=True)
    assert path.read_text() == "a\n1\n"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_table({"a": [1]}, tmp_path / "link.csv", overwrite=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(TableError, match=r"there is no folder .*nowhere\. Make it first"):
        write_table(FRAME, tmp_path / "nowhere" / "t.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableError, match=r"folder\.csv is a folder"):
        write_table(FRAME, tmp_path / "folder.csv")
    with pytest.raises(TableError, match=r'unknown extension ".txt".*".csv.gz", ".csv", ".parquet"'):
        write_table(FRAME, tmp_path / "t.txt")
    with pytest.raises(ColumnError, match=r't\.csv: CSV cannot hold the nested columns "n"'):
        write_table(pl.DataFrame({"n": [[1]]}), tmp_path / "t.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.csv"]


@pytest.mark.parametrize("fault", [ValueError("x"), KeyboardInterrupt(), RunFolderError("y")])
def test_a_fault_inside_passes_and_leaves_nothing(tmp_path, fault):
    def write():
        with atomic_path(tmp_path / "t.txt") as temporary:
            temporary.write_text("half")
            raise fault

    with pytest.raises(type(fault)):
        write()
    assert not list(tmp_path.iterdir())


def test_what_the_system_refuses_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(
        TableError, match=r"t\.csv cannot be written: Read-only file system\. Nothing was left"
    ):
        write_table(FRAME, tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "t.txt"

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("ours")
            path.write_text("theirs")

    with pytest.raises(TableError, match="exists and was kept"):
        write()
    assert path.read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_disk_that_fills_up(tmp_path, name):
    program = f"""
        import resource, signal
        import numpy as np
        from normwise.core.errors import TableError
        from normwise.tables import write_table
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        try:
            table = np.random.default_rng(0).random((20_000, 5))
            write_table(table, {str(tmp_path / name)!r}, overwrite=True)
        except TableError as error:
            print("refused:", error)
        """
    (tmp_path / name).write_text("before")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert "refused:" in done.stdout
    assert f"{name} cannot be written: " in done.stdout
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "before")]


def test_content_hash_is_stable_and_sees_every_change():
    known = "2ca9703a3b14570475f94b427daf317f8896e67e1c41e7f4b6c6b928d144cdb3"
    assert content_hash(FRAME) == content_hash(FRAME.lazy()) == content_hash(FRAME.clone()) == known
    changes = [
        FRAME.rename({"s": "t"}),
        FRAME.with_columns(pl.col("a,名").cast(pl.Float32)),
        FRAME.with_columns(pl.col("s").fill_null("")),
        FRAME.reverse(),
        FRAME.head(2),
        FRAME.select("s", "a,名"),
    ]
    hashes = {content_hash(frame) for frame in changes}
    assert len(hashes) == len(changes)
    assert known not in hashes


def test_content_hash_of_odd_types_and_many_rows():
    nested = pl.DataFrame({"n": [[1], [2]], "b": [b"\xff", b"x"]})
    assert content_hash(nested) != content_hash(nested.reverse())
    x = np.arange(200_000.0)
    assert content_hash(x) != content_hash(np.where(x == 199_999, -1, x))


def test_file_hash(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert file_hash(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_gzip_holds_what_the_plain_file_holds(tmp_path):
    write_table(FRAME, tmp_path / "t.csv")
    write_table(FRAME, tmp_path / "t.csv.gz")
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()) == (tmp_path / "t.csv").read_bytes()


@pytest.mark.parametrize("check", [check_writable, check_creatable])
def test_a_place_that_refuses_files_is_known_before_the_work(tmp_path, check):
    with pytest.raises(TableError, match=r"^/proc/t\.csv cannot be written: [^.]*\.$"):
        check("/proc/t.csv")
    check(tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())
    (tmp_path / "t.csv").write_text("older")
    with pytest.raises(TableError, match=r"t\.csv exists and was kept"):
        check(tmp_path / "t.csv")
    check(tmp_path / "t.csv", overwrite=True)
    assert (tmp_path / "t.csv").read_text() == "older"
