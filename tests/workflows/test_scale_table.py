"""Files of scaled columns: equal to the scaler in memory, the rest as it was, all of it or nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import warnings
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.reference.scaling import normalized, standardized
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import ColumnError, NormwiseError, TableError
from normwise.scaling import ColumnScaler, MinMaxScaler, StandardScaler, load_scaler
from normwise.tables import csv_text, read_table
from normwise.workflows.describe_table import describe_table
from normwise.workflows.scale_options import ScaleOptions
from normwise.workflows.scale_table import ScaleListener, scale_table
from normwise.workflows.scaler_methods import METHODS

ROWS = 500
SCALED = ["age", "income"]


class Heard(ScaleListener):
    """Keeps what it hears."""

    def __init__(self, counts_bytes=False):
        self.counts_bytes = counts_bytes
        self.said, self.warned, self.bytes = [], [], []

    def stage(self, what):
        self.said.append(what)

    def note(self, message):
        self.said.append(message)

    def warning(self, message):
        self.warned.append(message)

    def progress(self, done, total):
        self.bytes.append((self.said[-1], done, total))


@pytest.fixture
def people():
    """Numbers, texts, dates, booleans, missing values."""
    chance = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "city": ["Basel", "Bern"] * (ROWS // 2),
            "age": chance.integers(18, 80, ROWS),
            "member": [True, False] * (ROWS // 2),
            "income": [
                None if absent else float(x)
                for absent, x in zip(chance.random(ROWS) < 0.1, chance.lognormal(10, 1, ROWS), strict=True)
            ],
            "joined": [date(2026, 1, 1 + i % 28) for i in range(ROWS)],
        }
    )


@pytest.fixture
def file(people, tmp_path):
    people.write_parquet(tmp_path / "people.parquet")
    return tmp_path / "people.parquet"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["o.parquet", "o.csv", "o.csv.gz", "o.feather"])
def test_equals_the_scaler_in_memory(people, file, tmp_path, method, name):
    opened = scale_table([file], tmp_path / name, ScaleOptions(method))
    assert (list(opened.scaled), opened.passed) == (SCALED, ("city", "member", "joined"))
    expected = METHODS[method]().fit_transform(people.select(SCALED))
    assert_frame_equal(
        read_table(tmp_path / name),
        people.with_columns(expected),
        rel_tol=tolerance("float64", ROWS),
        abs_tol=tolerance("float64", ROWS),
    )


def test_equals_the_definition(people, file, tmp_path):
    for method, reference in (("standard", standardized), ("min-max", normalized)):
        scale_table([file], tmp_path / f"{method}.parquet", ScaleOptions(method))
        for name in SCALED:
            x = people[name].cast(pl.Float64).to_numpy()
            known = ~np.isnan(x)
            found = read_table(tmp_path / f"{method}.parquet")[name].to_numpy()
            assert_close(found[known], reference(x, x)[known], tolerance("float64", ROWS, 10))
            assert np.isnan(found[~known]).all()


@pytest.mark.parametrize("method", ["standard", "min-max", "max-abs", "robust", "power"])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_there_and_back_again(people, tmp_path, method, ending):
    file, scaled, back = (tmp_path / f"{name}.{ending}" for name in ("people", "scaled", "back"))
    people.write_parquet(file) if ending == "parquet" else people.write_csv(file)
    scaler = tmp_path / "scaler.json"
    scale_table([file], scaled, ScaleOptions(method, save_scaler=scaler))
    assert_frame_equal(
        METHODS[method].load(scaler).transform(people.select(SCALED)),
        read_table(scaled).select(SCALED),
        rel_tol=tolerance("float64", ROWS),
        abs_tol=tolerance("float64", ROWS),
    )
    scale_table([scaled], back, ScaleOptions(scaler=scaler, inverse=True))
    expected = people.with_columns(pl.col("age").cast(pl.Float64))
    assert_frame_equal(read_table(back), expected, rel_tol=tolerance("float64", ROWS, 100))


def test_a_saved_scaler_finds_its_columns_by_name(people, file, tmp_path):
    scaler = tmp_path / "scaler.json"
    scale_table([file], tmp_path / "a.parquet", ScaleOptions("standard", save_scaler=scaler))
    wider = people.select(pl.lit("x").alias("new"), "income", "age")
    wider.write_parquet(tmp_path / "wider.parquet")
    scale_table([tmp_path / "wider.parquet"], tmp_path / "b.parquet", ScaleOptions(scaler=scaler))
    found = read_table(tmp_path / "b.parquet")
    assert found.columns == ["new", "income", "age"]
    assert_frame_equal(found.select(SCALED), read_table(tmp_path / "a.parquet").select(SCALED))
    people.drop("age").write_parquet(tmp_path / "narrow.parquet")
    with pytest.raises(ColumnError, match='there is no column "age", which is scaled'):
        scale_table([tmp_path / "narrow.parquet"], tmp_path / "c.parquet", ScaleOptions(scaler=scaler))


def test_excluded_columns_beside_a_saved_scaler(tmp_path):
    (tmp_path / "t.csv").write_text("x,note\n1,7\n2,8\n")
    table, out = tmp_path / "t.csv", tmp_path / "o.parquet"
    scaler = tmp_path / "s.json"
    scale_table([table], out, ScaleOptions("max-abs", exclude=["note"], save_scaler=scaler))
    scale_table([table], out, ScaleOptions(scaler=scaler, overwrite=True))
    assert read_table(out).rows() == [(0.5, 7), (1.0, 8)]
    scale_table([table], out, ScaleOptions(scaler=scaler, exclude=["note"], overwrite=True))
    assert read_table(out).rows() == [(0.5, "7"), (1.0, "8")]
    with pytest.raises(ColumnError, match='--exclude names "x", which the saved scaler scales'):
        scale_table([table], out, ScaleOptions(scaler=scaler, exclude=["x"], overwrite=True))
    with pytest.raises(ColumnError, match=r'no column "notes"\. Did you mean "note"'):
        scale_table([table], out, ScaleOptions(scaler=scaler, exclude=["notes"], overwrite=True))


def test_a_scaler_of_columns_made_in_python(people, file, tmp_path):
    scaler = ColumnScaler({"age": MinMaxScaler(), "income": StandardScaler()}).fit(people)
    scaler.save(tmp_path / "scaler.json")
    scale_table([file], tmp_path / "o.parquet", ScaleOptions(scaler=tmp_path / "scaler.json"))
    assert_frame_equal(read_table(tmp_path / "o.parquet"), scaler.transform(people))


def test_a_scaler_of_an_array_is_refused(file, tmp_path):
    MinMaxScaler().fit(np.eye(2)).save(tmp_path / "scaler.json")
    with pytest.raises(ColumnError, match="this MinMaxScaler was fitted on an array, whose columns have no"):
        scale_table([file], tmp_path / "o.parquet", ScaleOptions(scaler=tmp_path / "scaler.json"))


def test_several_files_are_one_table(people, file, tmp_path):
    for i in range(3):
        people.slice(i * 200, 200).write_parquet(tmp_path / f"part-{i}.parquet")
    scale_table([tmp_path / "part-*.parquet"], tmp_path / "parts.parquet", ScaleOptions("robust"))
    scale_table([file], tmp_path / "whole.parquet", ScaleOptions("robust"))
    assert_frame_equal(
        read_table(tmp_path / "parts.parquet"), read_table(tmp_path / "whole.parquet"), abs_tol=1e-14
    )


def test_cells_that_are_not_scaled_stay_as_they_are_written(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(
        gzip.compress(
            b'zip,x,country,day,flag,note\n01234,1,NA,31.01.2026,True," a, b "\n8000,3,,1.2.26,False,\n'
        )
    )
    scale_table([tmp_path / "t.csv.gz"], tmp_path / "o.csv", ScaleOptions("standard"))
    assert (tmp_path / "o.csv").read_text() == (
        'zip,x,country,day,flag,note\n01234,-1.0,NA,31.01.2026,True,"a, b"\n8000,1.0,,1.2.26,False,\n'
    )


def test_excluded_columns_of_csv_are_not_even_judged(tmp_path):
    (tmp_path / "a.csv").write_text("x,id\n1,7\n3,8\n")
    (tmp_path / "b.csv").write_text("x,id\n2,n7\n")
    both = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(TableError, match='If it is text, name it: --exclude "id" on the command line'):
        scale_table(both, tmp_path / "o.parquet", ScaleOptions("max-abs"))
    scale_table(both, tmp_path / "o.parquet", ScaleOptions("max-abs", exclude=["id"]))
    assert read_table(tmp_path / "o.parquet").rows() == [(1 / 3, "7"), (1.0, "8"), (2 / 3, "n7")]


def test_integers_that_are_fractions_further_on_are_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 1 << 12)
    rows = "1\n" * 20_000 + "2.5\n" + "1\n" * 20_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(f"x\n{rows}".encode()))
    scale_table([tmp_path / "t.csv.gz"], tmp_path / "o.parquet", ScaleOptions("max-abs"))
    assert read_table(tmp_path / "o.parquet")["x"].max() == 1.0


def test_columns_that_are_empty_at_first_are_scaled_where_they_are_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text("x,late\n" + "1.5,\n2.5,\n" * 2000 + "1,3\n")
    table, out = tmp_path / "t.csv", tmp_path / "o.csv"
    assert scale_table([table], out, ScaleOptions("max-abs")).scaled == ("x", "late")
    (tmp_path / "t.csv").write_text("x,late,none\n" + "1.5,,\n2.5,,\n" * 2000 + "1,some,\n")
    opened = scale_table([table], out, ScaleOptions("max-abs", overwrite=True))
    assert opened.scaled == ("x",)
    with pytest.raises(TableError, match=r"""line 4002: column "late" holds 'some', which is no number"""):
        scale_table([table], out, ScaleOptions("max-abs", columns=["late"], overwrite=True))
    heard = Heard()
    scale_table([table], out, ScaleOptions("max-abs", columns=["none"], overwrite=True), heard)
    assert heard.warned[0].startswith('the column "none" (no value at all) is constant')


def test_words_among_the_first_numbers_make_a_column_text(tmp_path):
    (tmp_path / "t.csv").write_text("x,ticket\n1.5,17599\n2.5,PC 17599\n")
    heard = Heard()
    opened = scale_table([tmp_path / "t.csv"], tmp_path / "o.csv", ScaleOptions("max-abs"), heard)
    assert (opened.scaled, opened.passed, heard.warned) == (("x",), ("ticket",), [])
    with (tmp_path / "t.csv").open("a") as file:
        file.write("3.5,349909\n")
    for scale in (scale_table, lambda tables, _out, options, hear: describe_table(tables, options, hear)):
        heard = Heard()
        scale([tmp_path / "t.csv"], tmp_path / "p.csv", ScaleOptions("max-abs"), heard)
        assert heard.warned == [
            'column "ticket" is text and not scaled: of its first cells most are numbers, but '
            "'PC 17599' is "
            'none. Leave such cells empty to scale it, or name it: --exclude "ticket".'
        ]
    heard = Heard()
    options = ScaleOptions("max-abs", exclude=["ticket"], overwrite=True)
    scale_table([tmp_path / "t.csv"], tmp_path / "p.csv", options, heard)
    assert heard.warned == []


def test_columns_and_exclude(file, tmp_path):
    def scaled(columns=(), exclude=()):
        options = ScaleOptions("standard", columns=columns, exclude=exclude, overwrite=True)
        return scale_table([file], tmp_path / "o.parquet", options).scaled

    assert scaled(["income,age"]) == ("age", "income")
    assert scaled(["income", "age"]) == ("age", "income")
    assert scaled(["income"]) == ("income",)
    assert scaled(exclude=["income"]) == ("age",)
    assert scaled(["member"]) == ("member",)
    assert read_table(tmp_path / "o.parquet")["member"].to_list()[:2] == [1.0, -1.0]
    with pytest.raises(ColumnError, match=r'no column "ages"\. Did you mean "age"\?'):
        scaled(["ages"])
    with pytest.raises(ColumnError, match='--columns and --exclude both name "age"'):
        scaled(["age"], ["age"])
    with pytest.raises(TableError, match=r'no column of numbers is left to scale.*"city \(String\)", "age'):
        scaled(exclude=["age,income"])
    with pytest.raises(ColumnError, match=r'these are not: "city" \(String\)'):
        scaled(["city"])


def test_names_with_commas(tmp_path):
    pl.DataFrame({"a,b": [1, 3], "a": [5, 6]}).write_parquet(tmp_path / "t.parquet")
    options = ScaleOptions("standard", columns=["a,b"])
    scale_table([tmp_path / "t.parquet"], tmp_path / "o.parquet", options)
    assert read_table(tmp_path / "o.parquet").rows() == [(-1.0, 5), (1.0, 6)]


def test_constants_are_warned_of_and_nothing_else(people, tmp_path):
    people.with_columns(pl.lit(5).alias("same")).write_parquet(tmp_path / "t.parquet")
    heard = Heard()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scale_table([tmp_path / "t.parquet"], tmp_path / "o.parquet", ScaleOptions("standard"), heard)
    assert heard.warned == [
        'the column "same" (always 5.0) is constant: StandardScaler makes it 0. It tells a model nothing; '
        "leave it out."
    ]
    assert heard.said == [
        'not scaled, passed on as they are: "city", "member", "joined"',
        "reading the statistics",
        "writing",
    ]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_progress_counts_the_bytes_of_each_pass(people, tmp_path, ending):
    file = tmp_path / f"t.{ending}"
    people.write_parquet(file) if ending == "parquet" else people.write_csv(file)
    heard = Heard(counts_bytes=True)
    scale_table([file, file], tmp_path / "o.parquet", ScaleOptions("standard"), heard)
    size = 2 * file.stat().st_size
    for stage in ("reading the statistics", "writing"):
        done = [bytes_ for what, bytes_, total in heard.bytes if what == stage and total == size]
        assert done[-1] == size, (stage, heard.bytes)
    assert all(0 < done <= total == size for _, done, total in heard.bytes)
    silent = Heard()
    scale_table([file, file], tmp_path / "p.parquet", ScaleOptions("standard"), silent)
    assert silent.bytes == []
    assert_frame_equal(read_table(tmp_path / "o.parquet"), read_table(tmp_path / "p.parquet"), abs_tol=1e-14)


def saving(folder, method="standard", **more):
    return ScaleOptions(method, save_scaler=folder / "s.json", **more)


@pytest.mark.parametrize("out", ["o.parquet", "o.csv", "o.csv.gz", "o.feather"])
def test_a_column_that_turns_to_text_further_on_leaves_nothing(tmp_path, monkeypatch, out):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 1 << 14)
    (tmp_path / "t.csv").write_text("x,y\n" + "1.5,2\n" * 30_000 + "many,2\n")
    expected = r"t\.csv, line 30002: column \"x\" holds 'many', which is no number as the cells of the first"
    with pytest.raises(TableError, match=expected):
        scale_table([tmp_path / "t.csv"], tmp_path / out, saving(tmp_path))
    assert files(tmp_path) == ["t.csv"]
    StandardScaler().fit(pl.DataFrame({"x": [1.0, 2.0]})).save(tmp_path / "known.json")
    with pytest.raises(TableError, match=expected):
        scale_table([tmp_path / "t.csv"], tmp_path / out, ScaleOptions(scaler=tmp_path / "known.json"))
    assert files(tmp_path) == ["known.json", "t.csv"]


def test_files_that_are_cut_off_leave_nothing(people, tmp_path):
    big = pl.concat([people] * 40)
    big.write_parquet(tmp_path / "t.parquet", row_group_size=1000)
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"t\.parquet is not a whole Parquet file"):
        scale_table([tmp_path / "t.parquet"], tmp_path / "o.parquet", saving(tmp_path))
    middle = len(whole) // 2
    (tmp_path / "t.parquet").write_bytes(whole[: middle - 5000] + b"\0" * 10_000 + whole[middle + 5000 :])
    StandardScaler().fit(people.select(SCALED)).save(tmp_path / "known.json")
    for options in (saving(tmp_path), ScaleOptions(scaler=tmp_path / "known.json")):
        for counts_bytes in (False, True):
            with pytest.raises(TableError, match=r"cannot be read to its end|cut off or corrupt"):
                scale_table([tmp_path / "t.parquet"], tmp_path / "o.csv", options, Heard(counts_bytes))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(big.write_csv().encode() * 20)[:-5000])
    with pytest.raises(TableError, match=r"t\.csv\.gz is a truncated or corrupt gzip file"):
        scale_table([tmp_path / "t.csv.gz"], tmp_path / "o.parquet", saving(tmp_path))
    assert files(tmp_path) == ["known.json", "t.csv.gz", "t.parquet"]


def test_infinities(tmp_path):
    values = {"x": [1.0, np.inf, 3.0], "y": [1.0, 2.0, 4.0]}
    pl.DataFrame(values).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(ColumnError, match=r'infinite values in "x" \(1\)'):
        scale_table([tmp_path / "t.parquet"], tmp_path / "o.parquet", saving(tmp_path))
    MinMaxScaler().fit(pl.DataFrame({"x": [1.0, 3.0]})).save(tmp_path / "known.json")
    with pytest.raises(ColumnError, match=r'infinite values in "x" \(at least 1\)'):
        scale_table(
            [tmp_path / "t.parquet"], tmp_path / "o.parquet", ScaleOptions(scaler=tmp_path / "known.json")
        )
    assert files(tmp_path) == ["known.json", "t.parquet"]
    scale_table([tmp_path / "t.parquet"], tmp_path / "o.csv", saving(tmp_path, settings={"infinite": "null"}))
    assert (tmp_path / "o.csv").read_text().splitlines()[2].startswith(",")
    assert load_scaler(tmp_path / "s.json").infinite == "null"


@pytest.mark.parametrize("name", ["o.parquet", "s.json"])
def test_files_are_checked_before_any_work(file, tmp_path, monkeypatch, name):
    def never(*_, **__):
        raise AssertionError("work was done")

    monkeypatch.setattr("normwise.workflows.scale_table.open_tables", never)
    (tmp_path / name).write_text("older")
    with pytest.raises(TableError, match=rf"{name} exists and was kept"):
        scale_table([file], tmp_path / "o.parquet", saving(tmp_path))
    assert (tmp_path / name).read_text() == "older"
    (tmp_path / name).unlink()
    nowhere = {"o.parquet": (tmp_path / "no" / "o.parquet", saving(tmp_path))}.get(
        name, (tmp_path / "o.parquet", saving(tmp_path / "no"))
    )
    with pytest.raises(TableError, match=r"cannot be written: there is no folder .*/no\. Make it first"):
        scale_table([file], *nowhere)
    refuses = {"o.parquet": ("/proc/o.parquet", saving(tmp_path))}.get(
        name, (tmp_path / "o.parquet", ScaleOptions("standard", save_scaler="/proc/s.json"))
    )
    with pytest.raises(TableError, match=rf"/proc/{name} cannot be written: "):
        scale_table([file], type(file)(refuses[0]), refuses[1])
    with pytest.raises(TableError, match=r"o\.csv\. Expected two files"):
        scale_table([file], tmp_path / "o.csv", ScaleOptions("standard", save_scaler=tmp_path / "o.csv"))
    assert files(tmp_path) == ["people.parquet"]


def test_nested_columns_are_refused_before_any_work(tmp_path):
    pl.DataFrame({"x": [1.0, 2.0], "list": [[1], [2]]}).write_parquet(tmp_path / "t.parquet")
    heard = Heard()
    with pytest.raises(ColumnError, match='CSV cannot hold the nested columns "list"'):
        scale_table([tmp_path / "t.parquet"], tmp_path / "o.csv", ScaleOptions("standard"), heard)
    assert heard.said == []
    scale_table([tmp_path / "t.parquet"], tmp_path / "o.parquet", ScaleOptions("standard"))
    assert pl.read_parquet(tmp_path / "o.parquet").rows() == [(-1.0, [1]), (1.0, [2])]


@pytest.mark.parametrize("which", ["out", "scaler"])
def test_a_file_to_write_that_a_pattern_reads(people, tmp_path, which):
    for name in ("a.csv", "b.csv"):
        people.write_csv(tmp_path / name)
    before = (tmp_path / "b.csv").read_text()
    saved = tmp_path / "b.csv" if which == "scaler" else None
    out = tmp_path / ("o.parquet" if which == "scaler" else "b.csv")
    options = ScaleOptions("standard", save_scaler=saved, overwrite=True)
    with pytest.raises(TableError, match=r"b\.csv is among the tables that are read, and would be replaced"):
        scale_table([tmp_path / ("b.csv" if which == "scaler" else "*.csv")], out, options)
    assert (files(tmp_path), (tmp_path / "b.csv").read_text()) == (["a.csv", "b.csv"], before)


def test_durations_and_bytes_are_no_csv(tmp_path):
    table = tmp_path / "t.parquet"
    pl.DataFrame({"x": [1.0], "for": [timedelta(hours=1)], "raw": [b"\0"]}).write_parquet(table)
    with pytest.raises(ColumnError, match=r'CSV cannot hold the columns "for \(Duration.*\)", "raw \(Binary'):
        scale_table([table], tmp_path / "o.csv", ScaleOptions("standard"))


def test_a_table_scaled_onto_itself(people, file):
    scale_table([file], file, ScaleOptions("standard", overwrite=True))
    assert_frame_equal(
        read_table(file).select(SCALED),
        StandardScaler().fit_transform(people.select(SCALED)),
        abs_tol=tolerance("float64", ROWS),
    )
    assert files(file.parent) == ["people.parquet"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ScaleOptions(), 'no method was named. Expected --method and one of "standard", "min-max"'),
        (ScaleOptions("standart"), '"standart" is no method of scaling. Did you mean "standard"?'),
        (ScaleOptions("standard", inverse=True), "--inverse needs the scaler that scaled the table"),
        (
            ScaleOptions("standard", {"feature-range": (0, 1)}),
            'belongs to the method min-max, not to standard, whose options are "--clip-at", "--unbiased"',
        ),
        (
            ScaleOptions("robust", {"clip": True}),
            "--clip belongs to the method min-max and max-abs, not to rob",
        ),
        (
            ScaleOptions("min-max", {"feature-range": (2, 1)}),
            r"feature_range is (2, 1). Expected two finite num",
        ),
        (
            ScaleOptions("robust", {"quantile-range": (75, 25)}),
            r"quantile_range is (75, 25). Expected two perc",
        ),
        (
            ScaleOptions("standard", scaler="s.json"),
            "--scaler s.json is a scaler with its method and its columns",
        ),
        (ScaleOptions(scaler="s.json", columns=["a"]), "--columns is for one that is learned"),
        (ScaleOptions(scaler="s.json", settings={"power": "log1p"}), "--power is for one that is learned"),
        (ScaleOptions(scaler="none.json"), "none.json cannot be read as a saved scaler: No such file"),
    ],
)
def test_options_that_contradict_one_another(file, tmp_path, options, message):
    with pytest.raises(NormwiseError) as caught:
        scale_table([file], tmp_path / "o.parquet", options)
    assert message in str(caught.value)
    assert files(tmp_path) == ["people.parquet"]


@pytest.mark.parametrize(
    ("method", "settings", "argument", "value"),
    [
        ("min-max", {"feature-range": (-1.0, 1.0), "clip": True}, "clip", True),
        ("min-max", {"feature-range": (-1.0, 1.0)}, "feature_range", (-1.0, 1.0)),
        ("robust", {"quantile-range": (10.0, 90.0), "clip-at": 3.0}, "clip", 3.0),
        ("quantile", {"output": "normal"}, "output", "normal"),
        ("power", {"power": "log1p"}, "method", "log1p"),
        ("standard", {"unbiased": True}, "unbiased", True),
        ("max-abs", {"clip": True}, "clip", True),
    ],
)
def test_options_reach_the_scaler(people, file, tmp_path, method, settings, argument, value):
    scale_table([file], tmp_path / "o.parquet", saving(tmp_path, method, settings=settings))
    scaler = load_scaler(tmp_path / "s.json")
    assert getattr(scaler, argument) == value
    assert_frame_equal(
        read_table(tmp_path / "o.parquet").select(SCALED), scaler.transform(people.select(SCALED))
    )


def test_describe(people, tmp_path):
    odd = people.with_columns(
        pl.lit(0.1).alias("same"), pl.Series("none", [None] * ROWS, pl.Float64), pl.lit(np.nan).alias("nan")
    ).with_columns(pl.when(pl.col("age") > 70).then(np.inf).otherwise(1.0).alias("inf"))
    odd.write_parquet(tmp_path / "t.parquet")
    found = describe_table([tmp_path / "t.parquet"], ScaleOptions())
    columns = {column.name: column for column in found.columns}
    assert (found.rows, found.others) == (ROWS, ("city", "member", "joined"))
    income = people["income"].drop_nulls()
    assert (columns["income"].count, columns["income"].nulls) == (len(income), ROWS - len(income))
    assert_close(columns["income"].mean, income.mean(), tolerance("float64", ROWS))
    assert_close(columns["income"].std, income.std(ddof=0), tolerance("float64", ROWS))
    same = columns["same"]
    assert (same.mean, same.std, same.min, same.max, same.constant) == (0.1, 0.0, 0.1, 0.1, True)
    assert columns["none"].__dict__ == {
        "name": "none",
        "count": 0,
        "nulls": ROWS,
        "nans": 0,
        "infinities": 0,
        "mean": None,
        "std": None,
        "min": None,
        "max": None,
        "constant": True,
    }
    assert (columns["nan"].nans, columns["nan"].nulls) == (ROWS, 0)
    infinite = int((people["age"] > 70).sum())
    assert (columns["inf"].infinities, columns["inf"].count) == (infinite, ROWS - infinite)
    decoded = json.loads(found.to_json())
    assert decoded["columns"][1]["name"] == "income"
    assert decoded["columns"][1]["mean"] == columns["income"].mean


def test_describe_a_table_without_numbers(tmp_path):
    (tmp_path / "t.csv").write_text("city\nBasel\nBern\n")
    found = describe_table([tmp_path / "t.csv"], ScaleOptions())
    assert (found.rows, found.columns, found.others) == (2, (), ("city",))


PEAK = """
import re, sys, threading, time, warnings
from pathlib import Path
from normwise.workflows.scale_table import ScaleOptions, scale_table

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

peak = [0.0]
def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.005)

threading.Thread(target=watch, daemon=True).start()
scale_table([sys.argv[1]], Path(sys.argv[2]), ScaleOptions(sys.argv[3]))
print(peak[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("method", ["standard", "robust"])
def test_memory_is_bounded(tmp_path, method):
    chance = np.random.default_rng(0)
    rows, columns = 3_000_000, 12
    frame = pl.DataFrame({f"x{i}": chance.normal(size=rows) for i in range(columns)})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=100_000)
    del frame
    done = subprocess.run(
        [sys.executable, "-c", PEAK, tmp_path / "t.parquet", tmp_path / "o.parquet", method],
        capture_output=True,
        text=True,
        check=True,
    )
    # In memory the table and its copy that is scaled would take 550 MiB, on top of packages and engine.
    assert float(done.stdout) < 600, done.stdout
    assert pl.scan_parquet(tmp_path / "o.parquet").select(pl.len()).collect().item() == rows
