"""collect: what Polars is told about reading ahead, and that the process is left as it was."""

import os

import narwhals as nw
import polars as pl
import pytest

from normwise.tables.batches import batches
from normwise.tables.collect import PREFETCH, collect, few_row_groups_ahead


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.delenv(PREFETCH, raising=False)


@pytest.mark.usefixtures("unset")
def test_few_row_groups_are_read_ahead_and_the_setting_is_gone_after():
    with few_row_groups_ahead():
        assert int(os.environ[PREFETCH]) == max(2, pl.thread_pool_size())
    assert PREFETCH not in os.environ


@pytest.mark.usefixtures("unset")
def test_an_error_inside_leaves_no_setting_behind():
    with pytest.raises(KeyError), few_row_groups_ahead():
        raise KeyError
    assert PREFETCH not in os.environ


def test_a_setting_of_the_users_own_stays(monkeypatch):
    monkeypatch.setenv(PREFETCH, "17")
    with few_row_groups_ahead():
        assert os.environ[PREFETCH] == "17"
    assert os.environ[PREFETCH] == "17"


@pytest.mark.usefixtures("unset")
def test_reading_leaves_the_process_as_it_was(tmp_path):
    pl.DataFrame({"a": range(10)}).write_parquet(tmp_path / "a.parquet", row_group_size=2)
    frame = pl.scan_parquet(tmp_path / "a.parquet")
    assert collect(nw.from_native(frame))["a"].to_list() == list(range(10))
    parts = batches(frame)
    first = next(parts)
    assert PREFETCH not in os.environ
    assert pl.concat([first, *parts])["a"].to_list() == list(range(10))


def test_batches_of_nothing():
    assert list(batches(pl.LazyFrame({"a": []}))) == []
