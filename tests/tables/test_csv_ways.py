"""The two ways through CSV: they agree, and blocks may be cut anywhere."""

from __future__ import annotations

import codecs
import csv
import io

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normwise.core.errors import TableError
from normwise.tables import csv_text, present_text
from normwise.tables.csv_file import csv_batches, read_csv
from normwise.tables.csv_rows import records, text_columns_of, whole_rows
from normwise.tables.csv_split import split_plain
from normwise.tables.csv_text import TextLines

WORDS = st.sampled_from(["NA", "null", " ? ", "nan"])
CELLS = WORDS | st.text(alphabet=list("0a7 .-?N\t\x0b\x0c\x1c\x85\u2028\ufeffé高#'\\"), max_size=4)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
MESSY = st.text(alphabet=list('0a, "\n\r;é'), max_size=60)


def by_rows(block: str, delimiter: str, names: list[str]) -> pl.DataFrame:
    """What the row by row parser makes of a block."""
    lines = TextLines(io.BytesIO(b"").read, codecs.getincrementaldecoder("utf-8")())
    rows = whole_rows(records(block, 1, lines, delimiter, "t.csv"), len(names), "t.csv")
    return text_columns_of(list(rows), names)


def present(frame: pl.DataFrame) -> list[tuple]:
    return frame.select(present_text(column) for column in frame.iter_columns()).rows()


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8),
    ENDS,
    st.sampled_from(",;\t|"),
    st.booleans(),
)
@example([["\ufeffa", "b"]], "\n", ",", True)
@example([["", ""]], "\n", ",", False)
@example([[" ", "\t"]], "\r", ",", True)
@example([["#a", "0"]], "\n", ",", True)
def test_both_ways_give_the_same_cells(rows, end, delimiter, ended):
    rows = [list(row) for row in rows if delimiter not in "".join(row)]
    block = end.join(delimiter.join(row) for row in rows) + (end if ended else "")
    fast = split_plain(block, delimiter, ["a", "b"])
    slow = by_rows(block, delimiter, ["a", "b"])
    if fast is not None:
        assert present(fast) == present(slow)
        assert fast.schema == slow.schema
    else:
        assert "\ufeff" in block


@given(st.lists(CELLS, max_size=8), ENDS)
def test_both_ways_give_the_same_single_column(cells, end):
    block = end.join(cells) + end
    assert present(split_plain(block, ",", ["a"])) == present(by_rows(block, ",", ["a"]))


@given(MESSY)
def test_the_fast_way_takes_nothing_that_the_other_refuses(block):
    fast = split_plain(block, ",", ["a", "b"]) if block else None
    if fast is not None:
        assert present(fast) == present(by_rows(block, ",", ["a", "b"]))


def expected_of(text: str) -> list[tuple] | None:
    """Python's parser over the whole text at once; None where it or the rules of whole rows refuse it."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    rows = [row for row in rows if row]
    if not rows or any(len(row) != 2 for row in rows):
        return None
    return present(pl.DataFrame([list(column) for column in zip(*rows, strict=True)], schema=["a", "b"]))


@given(MESSY, st.integers(1, 9))
@example('1,"x\ny"\r\n\r\n2,z\r\n', 1)
@example("1,2\r\n3,4\r", 1)
def test_blocks_may_be_cut_anywhere(tmp_path_factory, text, size):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(("a,b\n" + text).encode())
    expected = expected_of(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "BLOCK_BYTES", size)
        if expected is None:
            with pytest.raises(TableError):
                read_csv(path)
        else:
            found = pl.concat([batch.cells for batch in csv_batches(path)])
            assert present(found) == expected


@given(st.lists(st.sampled_from(["1,2", "", '3,"4"', '"5\n5",6', '"\r7",8']), min_size=1, max_size=12), ENDS)
def test_each_row_knows_its_line(tmp_path_factory, lines, end):
    text = end.join(["a,b", *lines, "9,9"]) + end
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.encode())
    rows, number = [], 2
    for line in [*lines, "9,9"]:
        rows += [number] if line else []
        number += 1 + line.count("\n") + line.count("\r")
    for size in (1, 7, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_text, "BLOCK_BYTES", size)
            found = [batch.line(i) for batch in csv_batches(path) for i in range(batch.cells.height)]
        assert found == rows


def test_a_line_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 4)
    (tmp_path / "t.csv").write_text("a,b\n" + "x" * 100_000 + ",1\n")
    assert read_csv(tmp_path / "t.csv").row(0) == ("x" * 100_000, 1)


def test_irregular_blocks_are_left_to_the_other_way():
    for block in ['1,"2"\n', "1\n", "1,2,3\n", "1,2\n3\n", "\0,1\n", "1,2\n3,4,\n", " \n"]:
        assert split_plain(block, ",", ["a", "b"]) is None
    assert split_plain("1,2\n", ",", ["a"]) is None
    assert split_plain("\n\n", ",", ["a", "b"]).height == 0
