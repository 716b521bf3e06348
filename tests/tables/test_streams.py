"""batches, sink_table and transform_table: any table as a stream, into a file, and back as it came."""

from __future__ import annotations

import math

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.engines import LAZY, lazily, native

from normwise.core.errors import ColumnError, TableError
from normwise.tables import batches, collect, read_table, scan_table, sink_table, transform_table

FRAME = pl.DataFrame({"a": [1.5, None, math.nan, 4.0] * 500, "s": ["x", None, "", "z"] * 500})


def double(frame):
    return frame.with_columns(nw.col("a") * 2, b=nw.col("a") + 1)


DOUBLED = FRAME.with_columns(pl.col("a") * 2, b=pl.col("a") + 1)


@pytest.mark.parametrize("engine", LAZY)
def test_batches_of_engines(engine, tmp_path):
    parts = list(batches(native(engine, FRAME, tmp_path)))
    assert_frame_equal(pl.concat(parts), FRAME)


def test_batches_are_bounded_and_come_one_by_one(tmp_path):
    from normwise.tables.batches import BATCH_ROWS

    frame = pl.DataFrame({"a": np.arange(4.0 * BATCH_ROWS)})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=BATCH_ROWS)
    sizes = [part.height for part in batches(tmp_path / "t.parquet")]
    assert sum(sizes) == 4 * BATCH_ROWS
    assert max(sizes) <= 2 * BATCH_ROWS

    asked = []
    source = batches(asked.append(i) or {"a": [i]} for i in range(3))
    assert not asked
    assert next(source)["a"].to_list() == [0]
    assert asked == [0]


def test_batches_say_what_is_wrong():
    source = batches(iter([{"a": [1]}, {"a": ["x"]}]))
    next(source)
    with pytest.raises(TableError, match=r'batch 2: column "a" is String, in the batches before it is Int64'):
        next(source)


def test_batches_of_a_csv_that_turns_to_text(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 5_000_000 + "1,x\n")
    source = batches(tmp_path / "t.csv")
    with pytest.raises(
        TableError, match=r"t\.csv, line 5000002: column \"b\" holds 'x', which is no integer"
    ):
        sum(part.height for part in source)


@pytest.mark.parametrize("engine", LAZY)
@pytest.mark.parametrize("name", ["o.parquet", "o.feather", "o.csv", "o.csv.gz"])
def test_sink_from_every_engine(engine, name, tmp_path):
    frame = lazily(engine, FRAME, tmp_path)
    (tmp_path / "out").mkdir()
    sink_table(double(frame), tmp_path / "out" / name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    expected = DOUBLED.with_columns(pl.selectors.float().fill_nan(None))
    if "csv" in name:
        # A CSV file has one sign for a missing text and an empty one.
        expected = expected.with_columns(pl.col("s").replace("", None))
    assert_frame_equal(read_table(tmp_path / "out" / name), expected)
    assert (tmp_path / "out" / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith("gz")


def test_sink_takes_any_table(tmp_path):
    sink_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "t.csv")
    sink_table(iter([{"a": [1]}, {"a": [2]}]), tmp_path / "u.csv")
    assert (tmp_path / "t.csv").read_text() == (tmp_path / "u.csv").read_text() == "a\n1\n2\n"


def test_sink_keeps_what_is_there(tmp_path):
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(TableError, match=r"t\.csv exists and was kept"):
        sink_table({"a": [1]}, tmp_path / "t.csv")
    with pytest.raises(TableError, match=r'unknown extension "\.txt".*"\.feather"'):
        sink_table({"a": [1]}, tmp_path / "t.txt")
    with pytest.raises(ColumnError, match=r'u\.csv: CSV cannot hold the nested columns "n"'):
        sink_table(pl.DataFrame({"n": [[1]]}), tmp_path / "u.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "mine")]
    sink_table({"a": [1]}, tmp_path / "t.csv", overwrite=True)
    assert (tmp_path / "t.csv").read_text() == "a\n1\n"


def test_sink_over_the_file_that_is_read(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    sink_table(double(scan_table(tmp_path / "t.parquet")), tmp_path / "t.parquet", overwrite=True)
    assert_frame_equal(pl.read_parquet(tmp_path / "t.parquet"), DOUBLED)


def test_a_source_that_breaks_leaves_no_file(tmp_path):
    file = tmp_path / "t.parquet"
    pl.DataFrame({"a": [f"{i % 77}" for i in range(50_000)]}).write_parquet(file)
    content = bytearray(file.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    file.write_bytes(content)
    with pytest.raises(
        TableError, match=r"o\.parquet cannot be written: .*that was read is cut off or corrupt"
    ):
        sink_table(scan_table(file), tmp_path / "o.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("engine", LAZY)
def test_transform_stays_lazy_in_its_engine(engine, tmp_path):
    table = native(engine, FRAME, tmp_path)
    out = transform_table(table, double)
    assert type(out) is type(table)
    assert_frame_equal(collect(nw.from_native(out)), DOUBLED)


def test_transform_gives_back_the_kind(tmp_path):
    assert_frame_equal(transform_table(FRAME, double), DOUBLED)
    assert_frame_equal(transform_table(nw.from_native(FRAME), double).to_native(), DOUBLED)
    assert isinstance(transform_table(nw.from_native(FRAME.lazy()), double), nw.LazyFrame)
    pandas = transform_table(pd.DataFrame({"a": [1.0, 2.0]}, index=["p", "q"]), double)
    assert pandas.index.tolist() == ["p", "q"]
    assert pandas["b"].tolist() == [2.0, 3.0]
    FRAME.write_parquet(tmp_path / "t.parquet")
    out = transform_table(tmp_path / "t.parquet", double)
    assert isinstance(out, pl.LazyFrame)
    assert_frame_equal(out.collect(), DOUBLED)


def test_transform_of_arrow():
    pa = pytest.importorskip("pyarrow")
    import pyarrow.dataset as ds

    table = FRAME.to_arrow()
    assert_frame_equal(pl.from_arrow(transform_table(table, double)), DOUBLED)
    batch = transform_table(table.to_batches()[0], double)
    assert isinstance(batch, pa.RecordBatch)
    assert_frame_equal(pl.from_arrow(batch), DOUBLED)
    assert transform_table(table.to_batches()[0].slice(0, 0), double).num_rows == 0
    for source in (ds.dataset(table), table.to_reader(max_chunksize=300)):
        reader = transform_table(source, double)
        assert isinstance(reader, pa.RecordBatchReader)
        assert_frame_equal(pl.from_arrow(reader.read_all()), DOUBLED)


def test_transform_of_an_iterator_is_one_and_each_batch_keeps_its_kind():
    asked = []
    parts = [pd.DataFrame({"a": [1.0]}), {"a": [2.0, 3.0]}, pl.DataFrame({"a": [4.0]})]
    out = transform_table((asked.append(i) or part for i, part in enumerate(parts)), double)
    assert not asked
    assert next(out)["b"].tolist() == [2.0]
    assert asked == [0]
    assert next(out) == {"a": [4.0, 6.0], "b": [3.0, 4.0]}
    assert_frame_equal(next(out), pl.DataFrame({"a": [8.0], "b": [5.0]}))
    assert next(out, None) is None
