"""row_groups: the rows of each row group, whoever wrote the file."""

import polars as pl
import pytest

from normwise.core.errors import TableError
from normwise.tables.row_groups import row_groups

FRAME = pl.DataFrame(
    {
        "a": range(1000),
        "word": ["x" * (i % 40) for i in range(1000)],
        "flag": [i % 3 == 0 for i in range(1000)],
    }
)


@pytest.mark.parametrize("size", [1, 7, 300, 1000])
def test_of_polars(tmp_path, size):
    FRAME.head(size * 3).write_parquet(tmp_path / "a.parquet", row_group_size=size)
    found = row_groups(tmp_path / "a.parquet")
    assert sum(found) == min(3 * size, 1000)
    assert max(found) <= size


@pytest.mark.parametrize("size", [1, 16, 300, 1000])
def test_of_pyarrow_are_what_pyarrow_says(tmp_path, size):
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "a.parquet"
    table = FRAME.to_arrow().replace_schema_metadata({"note": "some metadata"})
    parquet.write_table(
        table, file, row_group_size=size, write_page_index=True, store_decimal_as_integer=True
    )
    metadata = parquet.ParquetFile(file).metadata
    assert row_groups(file) == [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def test_of_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    file = tmp_path / "a.parquet"
    duckdb.sql(f"COPY (SELECT * FROM range(5000) AS t(a)) TO '{file}' (ROW_GROUP_SIZE 2048)")
    assert row_groups(file) == [2048, 2048, 904]


def test_of_no_rows(tmp_path):
    FRAME.clear().write_parquet(tmp_path / "a.parquet")
    assert sum(row_groups(tmp_path / "a.parquet")) == 0


@pytest.mark.parametrize("cut", [1, 8, 200])
def test_a_file_that_is_cut_off(tmp_path, cut):
    file = tmp_path / "a.parquet"
    FRAME.write_parquet(file)
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(TableError) as raised:
        row_groups(file)
    assert f"{file} is not a whole Parquet file: its last bytes are no footer" in str(raised.value)


def test_a_footer_that_ends_early_is_an_error_or_does_not_matter(tmp_path):
    file = tmp_path / "a.parquet"
    FRAME.write_parquet(file)
    data = file.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    found = []

    def write(kept):
        file.write_bytes(data[: -8 - length + kept] + kept.to_bytes(4, "little") + b"PAR1")

    for kept in range(length):
        write(kept)
        try:
            found.append(row_groups(file))
        except TableError:
            found.append(None)
    # Behind the row groups comes what nobody asks for here.
    write(0)
    with pytest.raises(TableError, match="its footer is cut off"):
        row_groups(file)
    assert found[0] is None
    assert found == sorted(found, key=lambda rows: rows is not None)
    assert all(rows in (None, [1000]) for rows in found)
