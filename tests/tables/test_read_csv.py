"""read_table on CSV: what comes through, and what is refused with which words."""

import codecs
import csv
import datetime
import gzip
import os
import sys

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from normwise.core.errors import ColumnError, TableError
from normwise.tables import MISSING_WORDS, read_table


@pytest.fixture
def write(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(path, error=TableError, **options):
    with pytest.raises(error) as caught:
        read_table(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_types_are_judged_by_all_rows(write):
    rows = "".join(f"{i},{i},{i},{i}\n" for i in range(200_000))
    frame = read_table(write(f"i,f,word,missing\n{rows}-1,0.5,many,?\n"))
    assert frame.schema == {"i": pl.Int64, "f": pl.Float64, "word": pl.String, "missing": pl.Int64}
    assert frame.height == 200_001
    assert frame.row(-1) == (-1, 0.5, "many", None)
    assert frame["word"][0] == "0"


@pytest.mark.parametrize("word", MISSING_WORDS)
def test_missing_words(write, word):
    frame = read_table(write(f"a,b\n1,x\n {word} , {word} \n"))
    assert frame.rows() == [(1, "x"), (None, None)]
    assert frame.schema == {"a": pl.Int64, "b": pl.String}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "+3"], [1, -2, 3]),
        (["1", "2.5", "1e3", "-inf"], [1.0, 2.5, 1000.0, -np.inf]),
        (["1", "NAN"], [1.0, None]),
        (["99999999999999999999"], [1e20]),
        (["true", "FALSE", "True"], [True, False, True]),
        (["true", "1"], ["true", "1"]),
        (["1", "2 apples"], ["1", "2 apples"]),
        (["2026-01-31", "2026/02/01"], ["2026-01-31", "2026/02/01"]),
        (["2026-01-31", ""], [datetime.date(2026, 1, 31), None]),
        (["31.01.2026"], [datetime.date(2026, 1, 31)]),
        (["01/02/2026"], ["01/02/2026"]),
        (["2026-01-31 10:20"], [datetime.datetime(2026, 1, 31, 10, 20)]),
        (["2026-01-31T10:20:30.5"], [datetime.datetime(2026, 1, 31, 10, 20, 30, 500_000)]),
        (["2026-01-31T10:00:00+01:00"], [datetime.datetime(2026, 1, 31, 9, tzinfo=datetime.UTC)]),
        (["2026-02-30"], ["2026-02-30"]),
        (["", "NA"], [None, None]),
        (["a\x00b"], ["a\x00b"]),
    ],
)
def test_inference(write, cells, expected):
    frame = read_table(write("key,value\n" + "".join(f"k,{cell}\n" for cell in cells)))
    assert frame["value"].to_list() == expected
    assert [type(v) for v in frame["value"]] == [type(v) for v in expected]


def test_names_and_cells_with_anything_in_them(write):
    text = '"a, b","<b>x</b>","two\nlines",收入\n"1,5","say ""hi""","x\ny", 高 \r\n'
    frame = read_table(write(text))
    assert frame.columns == ["a, b", "<b>x</b>", "two\nlines", "收入"]
    assert frame.row(0) == ("1,5", 'say "hi"', "x\ny", "高")


def test_spaces_around_cells_and_before_quotes(write):
    frame = read_table(write('age, city\n39, "Paris, TX"\n 40 ,Rome\n'))
    assert frame.to_dict(as_series=False) == {"age": [39, 40], "city": ["Paris, TX", "Rome"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends(write, delimiter, end):
    lines = ["a,b", "1,x", "2,y"]
    path = write(end.join(line.replace(",", delimiter) for line in lines))
    assert read_table(path).rows() == [(1, "x"), (2, "y")]


def test_the_delimiter_is_not_looked_for_in_quotes(write):
    assert read_table(write('"a,b,c";d\n1,5;2\n')).rows() == [("1,5", 2)]


def test_tsv_is_tabs_whatever_the_header_holds(write):
    assert read_table(write("a,b,c\td\n1\t2\n", "t.tsv")).columns == ["a,b,c", "d"]


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-8"])
def test_byte_order_mark(write, mark):
    assert read_table(write("年,b\n1,2\n".encode(mark))).columns == ["年", "b"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "gb18030", "UTF8"])
def test_encodings(write, encoding):
    text = "größe,b\n1,ü\n" if encoding == "latin-1" else "收入,b\n1,高\n"
    frame = read_table(write(text.encode(encoding)), encoding=encoding)
    assert frame.columns[0] == text.split(",", maxsplit=1)[0]
    assert frame["b"].to_list() == [text[-2]]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv", "T.CSV.GZ"])
def test_gzip_is_known_by_its_first_bytes(write, name):
    assert read_table(write(gzip.compress(b"a,b\n1,2\n"), name)).rows() == [(1, 2)]


def test_plain_text_under_a_gzip_name(write):
    assert read_table(write("a,b\n1,2\n", "t.csv.gz")).rows() == [(1, 2)]


def test_other_extensions_by_format(write):
    assert read_table(write("a,b\n1,2\n", "adult.data"), format="csv").rows() == [(1, 2)]
    assert read_table(write("a,b\t2\n1\t2\n", "x"), format=".TSV.gz").rows() == [(1, 2)]


def test_blank_lines_are_no_rows_but_a_missing_value_in_a_single_column(write):
    assert read_table(write("\n\na,b\n1,2\n\n3,4\n\n")).rows() == [(1, 2), (3, 4)]
    assert read_table(write("a\n1\n\n3\n")).rows() == [(1,), (None,), (3,)]


def test_a_cell_larger_than_pythons_limit(write):
    limit = csv.field_size_limit()
    assert len(read_table(write(f'a,b\n1,"{"x" * (limit + 1)}"\n"2",y\n'))["b"][0]) == limit + 1
    assert csv.field_size_limit() == limit


def test_what_polars_writes_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "f": rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500),
            "i": rng.integers(-(2**62), 2**62, 500),
            "s": [f'v{i}"\n,{i % 7}é' for i in range(500)],
            "b": rng.random(500) < 0.5,
        }
    ).with_columns(d=pl.date(2020, 1, 1) + pl.duration(days=pl.int_range(500)))
    frame = frame.with_columns(pl.when(pl.int_range(500) % 5 > 0).then(pl.all()))
    frame.write_csv(tmp_path / "t.csv")
    assert_frame_equal(read_table(tmp_path / "t.csv"), frame, check_exact=True)


def test_missing_file_and_folder(tmp_path, write):
    write("a\n1\n", "adult.csv")
    assert 'adlt.csv does not exist. Did you mean "adult.csv"?' in refusal(tmp_path / "adlt.csv")
    assert "is no folder" in refusal(tmp_path / "nowhere" / "t.csv")
    assert "is a folder. Expected one table file." in refusal(tmp_path)


def test_unknown_extension_and_format(write):
    message = refusal(write("a\n1\n", "t.xlsx"))
    assert 'unknown extension ".xlsx"' in message
    assert '".csv", ".tsv", ".parquet"' in message
    assert "--format csv" in message
    assert 'format="csv"' in message
    assert "has no extension" in refusal(write("a\n1\n", "table"))
    with pytest.raises(TableError, match=r'"cvs" is not a known format\. Did you mean "csv"'):
        read_table(write("a\n1\n"), format="cvs")


def test_empty_header_only_and_blank(write):
    assert "is empty (0 bytes)" in refusal(write(""))
    assert 'has a header ("a", "b") and no rows below it' in refusal(write("a,b\n\n"))
    assert "nothing but blank lines" in refusal(write("\n \n"))
    assert "nothing but blank lines" in refusal(write(gzip.compress(b"")))


@pytest.mark.parametrize(("row", "found"), [("1", 1), ("1,2,3", 3), ("1,2,", 3)])
def test_ragged_rows(write, row, found):
    message = refusal(write(f'a,b\n1,"x\ny"\n\n{row}\n'))
    assert f"line 5: found {found} fields, expected 2 as in the header" in message
    assert repr(row) in message


def test_a_quote_that_is_never_closed(write):
    message = refusal(write('a,b\n1,2\n3,"x\n5,6\n'))
    assert "the row that begins on line 3 cannot be read: unexpected end of data" in message


def test_text_after_a_closing_quote(write):
    assert "line 2 cannot be read: ',' expected after" in refusal(write('a,b\n1,"x"y\n'))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("rows", [3, 100_000])
def test_not_utf_8_names_the_byte(write, rows, zipped):
    content = b"a,b\n" + b"1,x\n" * rows
    offset, content = len(content) + 3, content + b"1,g\xfcn\n"
    message = refusal(write(gzip.compress(content) if zipped else content))
    assert f"is not utf-8 text: byte 0xfc at offset {offset}, line {rows + 2} cannot be decoded" in message
    assert "--encoding latin-1" in message
    assert 'encoding="latin-1"' in message


def test_utf_16_is_recognized_by_its_mark(write):
    message = refusal(write(codecs.BOM_UTF16_LE + "a\n1\n".encode("utf-16-le")))
    assert "byte 0xff at offset 0, line 1" in message
    assert "--encoding utf-16" in message


def test_utf_16_without_a_mark(write):
    assert "is not utf-16 text" in refusal(
        write("a\n1\nx".encode("utf-16-le")[:-1]), encoding="utf-16-le"
    ).replace("utf-16-le", "utf-16")


@pytest.mark.parametrize("name", ["latin-11", "base64"])
def test_wrong_encoding_names(write, name):
    with pytest.raises(TableError, match=f'"{name}" is not a text encoding'):
        read_table(write("a\n1\n"), encoding=name)


def test_doubled_and_empty_names(write):
    message = refusal(write("a,b, a ,c,c\n1,2,3,4,5\n"), ColumnError)
    assert 'the column names "a", "c" occur more than once' in message
    assert "column 2, 4 of 4 has no name" in refusal(write("a,,b, \n1,2,3,4\n"), ColumnError)
    assert "index=False" in refusal(write(",a\n0,1\n"), ColumnError)


@pytest.mark.parametrize("cut", [5, 40, -4])
def test_truncated_gzip(write, cut):
    content = gzip.compress(b"a,b\n" + np.random.default_rng(0).bytes(200).hex(",").encode())
    assert "is a truncated or corrupt gzip file" in refusal(write(content[:cut]))


def test_corrupt_gzip(write):
    content = bytearray(gzip.compress(b"a,b\n" + b"1,2\n" * 1000))
    content[15] ^= 0xFF
    assert "is a truncated or corrupt gzip file" in refusal(write(bytes(content)))


def test_columns_that_are_to_stay_text(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("code,flag,plain\n1,True,1\n?,false,2\n")
    frame = read_table(file, text_columns=["code", "flag"])
    assert frame["code"].to_list() == ["1", None]
    assert frame["flag"].to_list() == ["True", "false"]
    assert frame["plain"].to_list() == [1, 2]


def test_leading_zeros_are_kept(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("code,zero,date\n007,0,2026-01-31\n12,0.5,2026-02-01\n")
    frame = read_table(file)
    assert frame["code"].to_list() == ["007", "12"]
    assert frame["zero"].to_list() == [0.0, 0.5]
    assert str(frame["date"].dtype) == "Date"


@pytest.mark.parametrize(
    ("first", "second"), [("01.02.2020", "15.03.2020"), ("0099-01-01", "2026-01-31"), ("01.02.2020", "?")]
)
def test_dates_may_begin_with_a_zero(write, first, second):
    frame = read_table(write(f"when,code\n{first},007\n{second},12\n"))
    assert frame.schema == {"when": pl.Date, "code": pl.String}


def test_the_byte_order_mark_of_an_encoding_that_names_its_order(write):
    file = write("a,b\n1,2\n".encode("utf-16"))
    assert read_table(file, encoding=f"utf-16-{sys.byteorder[0]}e").columns == ["a", "b"]


@pytest.mark.parametrize("encoding", ["undefined", "latin1\0"])
def test_encodings_that_python_stumbles_over(write, encoding):
    with pytest.raises(TableError, match="is not a text encoding"):
        read_table(write("a\n1\n"), encoding=encoding)


def test_links_pipes_and_names_that_no_file_has(tmp_path):
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe.csv"
    link.symlink_to(tmp_path / "gone.csv")
    os.mkfifo(pipe)
    assert "gone.csv, which does not exist" in refusal(link)
    assert "is no regular file" in refusal(pipe)
    assert "cannot be read" in refusal(tmp_path / ("x" * 300 + ".csv"))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "a gzip file inside a gzip file"),
        (b"\x7fELF\x02\x01", "a program (ELF)"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"PK\x03\x04a,b\n1,2\n", "a zip file or an Excel workbook (.xlsx)"),
        (gzip.compress(b"PK\x03\x04", mtime=0), "a zip file or an Excel workbook (.xlsx)"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_binary_files_are_named(write, content, kind, encoding):
    message = refusal(write(content), encoding=encoding)
    assert f"is no text file but {kind}. Expected a table as text" in message
    assert "latin-1" not in message


def test_parquet_named_csv(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "t.csv")
    assert "is no text file but a Parquet file" in refusal(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "content", [b"\x00\x01\xff\xfe,b\n", "a,b\n1,é\n".encode("utf-16-le"), b"a\0,b\n1,2\n"]
)
def test_nul_bytes_are_no_text(write, content):
    message = refusal(write(content))
    assert "is no text file: it holds NUL bytes" in message
    assert "utf-16-le" in message
    assert "latin-1" not in message


@pytest.mark.parametrize("encoding", ["punycode", "idna", "utf-7"])
def test_a_codec_that_only_says_it_failed(write, encoding):
    message = refusal(write("a,b\n1,-99999999999+é\n"), encoding=encoding)
    assert f"is not {encoding} text" in message
    # Punycode's decoder raises a bare UnicodeError on ASCII.
    if encoding == "punycode":
        assert "is not punycode text" in refusal(write("a,b-!!!"), encoding=encoding)
