"""read_table on Parquet."""

import gzip

import polars as pl
import pytest

from normwise.core.errors import TableError
from normwise.tables import read_table


@pytest.fixture
def frame():
    return pl.DataFrame({"a": [1.0, None, float("nan")], "名": ["x", "NA", None], "n": [[1], [2, 3], None]})


def test_missing_is_null_and_text_is_left_alone(frame, tmp_path):
    frame.write_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read["a"].to_list() == [1.0, None, None]
    assert read["名"].to_list() == ["x", "NA", None]
    assert read["n"].to_list() == [[1], [2, 3], None]


@pytest.mark.parametrize("name", ["t.parquet.gz", "t.parquet"])
def test_gzipped_as_a_whole(frame, tmp_path, name):
    frame.write_parquet(tmp_path / "plain")
    (tmp_path / name).write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    assert read_table(tmp_path / name).height == 3


@pytest.mark.parametrize("cut", [3, 4, 50, -1, -8])
def test_truncated(frame, tmp_path, cut):
    path = tmp_path / "t.parquet"
    frame.write_parquet(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        TableError, match=r"t\.parquet is not a whole Parquet file: .+ fetch or write it again"
    ):
        read_table(path)


def test_corrupt_pages(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [str(i) for i in range(10_000)]}).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\x00" * 3900
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"t\.parquet"):
        read_table(path)


def test_truncated_gzip(frame, tmp_path):
    path = tmp_path / "t.parquet.gz"
    frame.write_parquet(tmp_path / "plain")
    path.write_bytes(gzip.compress((tmp_path / "plain").read_bytes())[:-20])
    with pytest.raises(TableError, match="truncated or corrupt gzip"):
        read_table(path)


def test_no_rows(tmp_path):
    pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r'has columns \("a"\) and no rows'):
        read_table(tmp_path / "t.parquet")
