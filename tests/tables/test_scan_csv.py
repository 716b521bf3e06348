"""scan_table on CSV: a stream by the same rules as read_table, with errors that name the place."""

from __future__ import annotations

import datetime
import gzip
import sys
import weakref

import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from normwise.core.errors import ColumnError, TableError
from normwise.tables import collect, csv_text, lazy_statistics, read_table, scan_table, sink_table


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of some hundred rows, so that a small file has many."""
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 1 << 12)


def rows(count: int, extra: str = "") -> str:
    return "a,b,c\n" + "".join(f"{i},{i / 8},w{i}\n" for i in range(count)) + extra


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("quoted", [False, True])
def test_what_is_scanned_is_what_is_read(tmp_path, name, quoted):
    text = rows(3000, '7,8.5,"x, ""y"""\n' if quoted else "").replace("\n", "\r\n")
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    scanned = scan_table(tmp_path / name)
    assert scanned.collect_schema().names() == ["a", "b", "c"]
    assert_frame_equal(collect(scanned), read_table(tmp_path / name))
    assert_frame_equal(collect(scanned.select("c", "a")), read_table(tmp_path / name).select("c", "a"))
    assert collect(scanned.head(5)).height == 5
    assert collect(scanned.filter(nw.col("a") >= 2990))["a"].min() == 2990


def test_every_kind_of_cell(tmp_path):
    (tmp_path / "t.csv").write_text(
        "i,big,f,t,d,m,n,code,words\n"
        " 1,9223372036854775808,NAN,true,2026-01-31,2026-01-31 10:20,?,007,x\n"
        "?,2,1e3,False,NA,,NA,12,NA\n"
    )
    frame = collect(scan_table(tmp_path / "t.csv"))
    assert frame.rows()[1] == (None, 2, 1000.0, False, None, None, None, "12", None)
    assert frame.rows()[0] == (
        *(1, 9223372036854775808, None, True, datetime.date(2026, 1, 31)),
        *(datetime.datetime(2026, 1, 31, 10, 20), None, "007", "x"),
    )
    assert_frame_equal(frame, read_table(tmp_path / "t.csv"))
    kept = collect(scan_table(tmp_path / "t.csv", text_columns=["i"]))
    assert kept["i"].to_list() == ["1", None]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x7,1.5,w\n", r"""line {line}: column "a" holds 'x7', which is no integer"""),
        (
            "7,many,w\n",
            r"""line {line}: column "b" holds 'many', which is no number as the cells of the first""",
        ),
        ("7,007,w\n", r"""line {line}: column "b" holds '007', which is no number"""),
        ('7,"m,n",w\n', r"""line {line}: column "b" holds 'm,n'.*text_columns=\["b"\]"""),
        ("7,1\n", "line {line}: found 2 fields, expected 3 as in the header"),
        ('7,1,"w\n', "the row that begins on line {line} cannot be read: unexpected end of data"),
    ],
)
def test_what_does_not_fit_a_million_rows_further_on(tmp_path, monkeypatch, row, message):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 1 << 16)
    file = tmp_path / "t.csv"
    file.write_text(rows(50_000, "\n\n" + row))
    scanned = scan_table(file)
    expected = r"t\.csv, " + message.format(line=50_004)
    with pytest.raises(TableError, match=expected):
        lazy_statistics(scanned, ["a", "b"] if "found" not in message else ["a"])
    with pytest.raises(TableError, match=expected):
        sink_table(scanned, tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.usefixtures("small_blocks")
def test_bytes_that_are_no_text_further_on(tmp_path):
    (tmp_path / "t.csv").write_bytes(rows(5000).encode() + b"1,2,g\xfcn\n")
    with pytest.raises(TableError, match=r"t\.csv is not utf-8 text: byte 0xfc at offset \d+, line 5002"):
        collect(scan_table(tmp_path / "t.csv"))


def test_gzip_that_is_cut_off_further_on(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows(2_000_000).encode(), 1)[:-100])
    scanned = scan_table(tmp_path / "t.csv.gz")
    with pytest.raises(TableError, match=r"t\.csv\.gz is a truncated or corrupt gzip file"):
        collect(scanned.select(nw.col("a").sum()))


def test_a_file_that_is_gone_when_it_is_read(tmp_path):
    (tmp_path / "t.csv").write_text(rows(10))
    scanned = scan_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").unlink()
    with pytest.raises(TableError, match=r"t\.csv cannot be read: No such file"):
        collect(scanned)


@pytest.mark.usefixtures("small_blocks")
def test_integers_that_are_fractions_in_the_middle(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n" + "1;2\n" * 20_000 + "1.5;2\n" * 20_000 + "1;2\n" * 20_000)
    frame = collect(scan_table(tmp_path / "t.csv"))
    assert frame.schema == {"a": pl.Float64, "b": pl.Int64}
    assert frame["a"].sum() == 70_000


def test_several_files(tmp_path):
    (tmp_path / "p1.csv").write_text("a,b,c\n1,x,?\n")
    (tmp_path / "p2.csv").write_text("b,a,c\ny,2.5,7\n")
    frame = collect(scan_table(str(tmp_path / "p*.csv")))
    assert frame.rows() == [(1.0, "x", None), (2.5, "y", 7)]


def test_several_files_that_are_not_one_table(tmp_path):
    (tmp_path / "p1.csv").write_text("age,b\n1,2\n")
    (tmp_path / "p2.csv").write_text("ages,b\n1,2\n")
    (tmp_path / "p3.csv").write_text("age,b\n1,x\n")
    with pytest.raises(
        TableError, match=r'p1\.csv has a column "age", .*p2\.csv has none\. Did you mean "ages"'
    ):
        scan_table(tmp_path / "p[12].csv")
    with pytest.raises(TableError, match=r'column "b" holds texts in .*p3\.csv and integers in .*p1\.csv'):
        scan_table([tmp_path / "p1.csv", tmp_path / "p3.csv"])
    both = scan_table([tmp_path / "p1.csv", tmp_path / "p3.csv"], text_columns=["b"])
    assert collect(both)["b"].to_list() == ["2", "x"]


def test_what_read_table_refuses_at_the_beginning(tmp_path):
    (tmp_path / "t.csv").write_text("a,a\n1,2\n")
    with pytest.raises(ColumnError, match='names "a" occur more than once'):
        scan_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(TableError, match="no rows below it"):
        scan_table(tmp_path / "t.csv")


@pytest.mark.usefixtures("small_blocks")
def test_progress_counts_the_bytes_of_all_files(tmp_path):
    for name in ("p1.csv", "p2.csv.gz"):
        content = rows(2000).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    done = []
    scanned = scan_table(
        [tmp_path / "p1.csv", tmp_path / "p2.csv.gz"], progress=lambda *told: done.append(told)
    )
    assert not done
    collect(scanned)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert [part for part, _ in done] == sorted(part for part, _ in done)
    assert {whole for _, whole in done} == {size}
    assert done[-1][0] == size
    assert len(done) > 10


@pytest.mark.usefixtures("small_blocks")
def test_no_more_than_a_few_blocks_are_alive(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text(rows(20_000))
    module = sys.modules["normwise.tables.scan_csv"]
    seen, most = [], 0
    fit = module._fit

    def watched(batch, *rest):
        nonlocal most
        if not seen or seen[-1]() is not batch:
            seen.append(weakref.ref(batch))
        most = max(most, sum(ref() is not None for ref in seen))
        assert batch.cells.height < 1000
        return fit(batch, *rest)

    monkeypatch.setattr(module, "_fit", watched)
    assert collect(scan_table(tmp_path / "t.csv").select(nw.col("a").count())).item() == 20_000
    assert len(seen) > 50
    assert most <= 2


def test_what_the_caller_knows_of_the_columns(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n1,NA, 007 \n2,?,\n")
    frame = collect(scan_table(tmp_path / "t.csv", number_columns=["a", "b"], verbatim_columns=["c"]))
    assert frame.schema == {"a": pl.Float64, "b": pl.Float64, "c": pl.String}
    assert frame.rows() == [(1.0, None, "007"), (2.0, None, None)]
    words = collect(scan_table(tmp_path / "t.csv", verbatim_columns=["b"]))
    assert words["b"].to_list() == ["NA", "?"]
    (tmp_path / "t.csv").write_text("a\nx\n")
    with pytest.raises(TableError, match=r"""line 2: column "a" holds 'x', which is no number"""):
        collect(scan_table(tmp_path / "t.csv", number_columns=["a"]))
