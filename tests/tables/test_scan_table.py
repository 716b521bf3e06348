"""scan_table: any table comes in, lazily; what is none, or not one table, is refused with its name."""

from __future__ import annotations

import gc
import math
import tempfile
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.engines import LAZY, native

from normwise.core.errors import ColumnError, TableError
from normwise.tables import as_frame, collect, lazy_statistics, scan_table, write_table

FRAME = pl.DataFrame({"a": [1.5, None, math.nan, -math.inf], "n": [1, 2, 3, 4], "s": ["x", None, "", "z"]})


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, empty at first."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def arrow(kind: str):
    pytest.importorskip("pyarrow.dataset")
    import pyarrow as pa

    table = FRAME.to_arrow()
    return {
        "table": table,
        "batch": table.to_batches()[0],
        "reader": pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3)),
        "dataset": pa.dataset.dataset(table),
    }[kind]


@pytest.mark.parametrize(
    "make",
    [
        FRAME.clone,
        FRAME.lazy,
        lambda: nw.from_native(FRAME),
        lambda: nw.from_native(FRAME.lazy()),
        lambda: FRAME.to_dict(as_series=False) | {"a": FRAME["a"].to_numpy(allow_copy=True)},
        lambda: arrow("table"),
        lambda: arrow("batch"),
        lambda: arrow("reader"),
        lambda: arrow("dataset"),
        lambda: iter([FRAME[:1], FRAME[1:]]),
        lambda: (FRAME[i] for i in range(4)),
        lambda: [FRAME[:3], FRAME[3:]],
    ],
)
def test_every_kind(make):
    scanned = scan_table(make())
    assert isinstance(scanned, nw.LazyFrame)
    found = collect(scanned)
    # A dict's floats come by way of NumPy, which has no null.
    assert_frame_equal(as_frame(found), as_frame(FRAME), check_dtypes=False)
    assert collect(scanned.select("s", "n")).columns == ["s", "n"]
    assert collect(scanned.filter(nw.col("n") > 2).select("n"))["n"].to_list() == [3, 4]
    assert collect(scanned.head(3)).height == 3


@pytest.mark.parametrize("engine", LAZY)
def test_engines_stay_where_they_are(engine, tmp_path):
    table = native(engine, FRAME, tmp_path)
    scanned = scan_table(table)
    assert type(scanned.to_native()) is type(table)
    assert_frame_equal(collect(scanned).sort("n"), FRAME, check_dtypes=False)


def test_pandas_and_arrays():
    assert collect(scan_table(pd.DataFrame({"a": [1.0, np.nan]})))["a"].is_nan().to_list() == [False, True]
    assert collect(scan_table(np.eye(2))).columns == ["x0", "x1"]
    assert collect(scan_table([[1, 2], [3, 4]])).rows() == [(1, 2), (3, 4)]


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.arrow", "t.ipc", "t.csv", "t.csv.gz"])
def test_files(tmp_path, name):
    frame = FRAME.drop("s") if "csv" in name else FRAME
    write_table(frame, tmp_path / name)
    found = collect(scan_table(tmp_path / name))
    assert_frame_equal(found, as_frame(frame) if "csv" in name else frame)
    assert_frame_equal(collect(scan_table(str(tmp_path / name[:2]) + "*")), found)
    other = tmp_path / f"2{name}"
    write_table(frame, other)
    assert collect(scan_table([tmp_path / name, str(other)])).height == 8
    assert collect(scan_table(tmp_path / f"*{Path(name).suffix}")).height == 8


def test_tsv_and_other_extensions(tmp_path):
    (tmp_path / "t.tsv").write_text("a,b\tc\n1\t2\n")
    assert collect(scan_table(tmp_path / "t.tsv")).columns == ["a,b", "c"]
    (tmp_path / "adult.data").write_text("a,b\n1,2\n")
    assert collect(scan_table(tmp_path / "adult.data", format="csv")).rows() == [(1, 2)]


def test_a_file_whose_name_is_a_pattern(tmp_path):
    write_table(FRAME, tmp_path / "t[1].parquet")
    assert collect(scan_table(tmp_path / "t[1].parquet")).height == 4


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
@pytest.mark.parametrize("cut", [0.5, 0.99])
def test_files_cut_off_in_the_middle(tmp_path, name, cut):
    file = tmp_path / name
    write_table({"a": np.random.default_rng(0).random(20_000)}, file)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * cut)])
    with pytest.raises(
        TableError, match=rf"{name} is not a whole (Parquet|Feather) .*fetch or write it again"
    ):
        scan_table(file)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_files_spoilt_in_the_middle_are_an_error_when_they_are_read(tmp_path, name):
    file = tmp_path / name
    pl.DataFrame({"a": [f"{i % 77}" for i in range(50_000)]}).lazy().pipe(
        lambda lazy: lazy.sink_parquet(file) if "parquet" in name else lazy.sink_ipc(file, compression="zstd")
    )
    content = bytearray(file.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    file.write_bytes(content)
    # A Feather file's headers are read at once, a Parquet file's pages are not.
    message = (
        r"(the table cannot be read to its end|t\.feather is not a whole Feather).+ fetch or write it again"
    )
    with pytest.raises(TableError, match=message):
        collect(scan_table(file))


def test_files_that_are_not_one_table(tmp_path):
    write_table({"a": [1], "b": [1.0]}, tmp_path / "1.parquet")
    write_table({"a": [1], "c": [1.0]}, tmp_path / "2.parquet")
    write_table({"a": [1], "b": ["x"]}, tmp_path / "3.parquet")
    with pytest.raises(TableError, match=r'1\.parquet has a column "b", .*2\.parquet has none\. .*"a", "c"'):
        scan_table(tmp_path / "[12].parquet")
    with pytest.raises(TableError, match=r'column "b" is String in .*3\.parquet and Float64 in .*1\.parquet'):
        scan_table(tmp_path / "[13].parquet")
    write_table({"a": [1]}, tmp_path / "4.csv")
    with pytest.raises(TableError, match=r'of several formats: .*1\.parquet", .*4\.csv"\. Expected one'):
        scan_table(tmp_path / "[14].*")


def test_files_that_are_none(tmp_path):
    with pytest.raises(TableError, match=r"no file matches .*part-\*\.parquet\. Expected one or more"):
        scan_table(str(tmp_path / "part-*.parquet"))
    write_table({"a": [1]}, tmp_path / "adult.parquet")
    with pytest.raises(TableError, match=r'adlt\.parquet does not exist\. Did you mean "adult\.parquet"'):
        scan_table(tmp_path / "adlt.parquet")
    with pytest.raises(TableError, match="is a folder"):
        scan_table(tmp_path)
    (tmp_path / "t.xlsx").write_text("x")
    with pytest.raises(TableError, match=r'unknown extension "\.xlsx"'):
        scan_table(tmp_path / "t.xlsx")
    for name in ("t.parquet", "t.feather"):
        write_table(pl.DataFrame({"a": []}, schema={"a": pl.Int64}), tmp_path / name)
        with pytest.raises(TableError, match=rf'{name} has columns \("a"\) and no rows'):
            scan_table(tmp_path / name)


def test_gzipped_parquet(tmp_path):
    import gzip

    write_table(FRAME, tmp_path / "plain.parquet")
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress((tmp_path / "plain.parquet").read_bytes()))
    assert collect(scan_table(tmp_path / "t.parquet.gz")).height == 4


def test_batches_are_spooled_once_and_the_file_goes_with_the_frame(temporary):
    asked = []

    def parts():
        for i in range(5):
            asked.append(i)
            yield {"a": np.arange(1000.0) + i, "b": [str(i)] * 1000}

    scanned = scan_table(parts())
    assert asked == [0, 1, 2, 3, 4]
    derived = scanned.with_columns(c=nw.col("a") * 2).select("c")
    del scanned
    gc.collect()
    assert [path.name for folder in temporary.iterdir() for path in folder.iterdir()] == ["batches.arrow"]
    for _ in range(2):
        assert collect(derived).height == 5000
    del derived
    gc.collect()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [{"a": [1]}, {"a": [2]}, {"a": ["x"]}],
            r'batch 3: column "a" is String, in the batches before it is Int',
        ),
        ([{"a": [1]}, {"b": [2]}], r"batch 2 has the columns \['b'\], the first has \['a'\]"),
        ([{"a": [1]}, {"a": [2], "b": [3]}], r"batch 2 has the columns \['a', 'b'\], the first has \['a'\]"),
        ([], "the iterator gives no batches. Expected at least one; was it read before"),
        ([{"a": [1]}, 7], "a int is not a table"),
    ],
)
def test_batches_that_are_not_one_table(temporary, parts, message):
    with pytest.raises(TableError, match=message):
        scan_table(iter(parts))
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_fault_of_the_iterator_passes_as_it_is(temporary):
    def parts():
        yield {"a": [1]}
        raise ConnectionResetError("the source is gone")

    with pytest.raises(ConnectionResetError, match="the source is gone"):
        scan_table(parts())
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_full_disk_of_temporary_files_is_named(temporary, monkeypatch):
    def full(*_args, **_options):
        raise OSError("IO error: No space left on device (os error 28)")

    monkeypatch.setattr(pl.LazyFrame, "sink_ipc", full)
    with pytest.raises(TableError, match=f"No space left.*kept in {temporary}: make room there.*TMPDIR"):
        scan_table(iter([pl.DataFrame({"a": [1]})]))
    assert not list(temporary.iterdir())


def test_a_column_of_nothing_but_nulls_takes_the_type_of_the_others():
    scanned = scan_table(iter([pl.DataFrame({"a": [1.5]}), pl.DataFrame({"a": [None]})]))
    assert collect(scanned)["a"].to_list() == [1.5, None]


@pytest.mark.parametrize("engine", ["duckdb"])
def test_doubled_names_of_a_relation(engine, tmp_path):
    relation = native(engine, FRAME, tmp_path).select("a, n AS a")
    if list(relation.columns) == ["a", "a"]:
        with pytest.raises(ColumnError, match='names "a" occur more than once'):
            scan_table(relation)


def test_names_that_spark_takes_apart(tmp_path):
    table = native("spark", pl.DataFrame({"sepal.length": [1.0], "b": [1.0]}), tmp_path)
    with pytest.raises(ColumnError, match=r'the Spark frame has the columns "sepal\.length"\. .*\.toDF'):
        scan_table(table)
    assert lazy_statistics(scan_table(table.toDF("sepal_length", "b"))).means == (1.0, 1.0)


def test_dask_is_refused_where_it_is_installed():
    dask = pytest.importorskip("dask.dataframe", reason="needs Dask, which nothing here installs")
    with pytest.raises(TableError, match="a Dask frame is not read here"):
        scan_table(dask.from_pandas(pd.DataFrame({"a": [1]}), npartitions=1))


def test_dask_is_refused_by_what_narwhals_takes_for_it(monkeypatch):
    class Frame:
        pass

    assert not nw.dependencies.is_dask_dataframe(Frame())
    monkeypatch.setattr(nw.dependencies, "is_dask_dataframe", lambda table: isinstance(table, Frame))
    with pytest.raises(TableError, match=r"a Dask frame is not read here.*\.to_parquet\(\"folder\"\)"):
        scan_table(Frame())


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_progress_over_columnar_files(tmp_path, name):
    write_table({"a": np.arange(600_000.0), "b": np.arange(600_000.0)}, tmp_path / name)
    told = []
    scanned = scan_table(tmp_path / name, progress=lambda *done: told.append(done))
    assert not told
    size = (tmp_path / name).stat().st_size
    for _ in range(2):
        del told[:]
        assert collect(scanned.select(nw.col("a").sum())).item() == 600_000 * 599_999 / 2
        assert len(told) > 1
        assert [part for part, _ in told] == sorted(part for part, _ in told)
        assert told[-1] == (size, size)
    assert "PROJECT 1/2" in scanned.select("a").to_native().explain()


def test_what_is_no_table():
    with pytest.raises(TableError, match="a int is not a table"):
        scan_table(7)
