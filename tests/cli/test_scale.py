"""`normwise scale`: files in, one file out; what it says and where; what it leaves behind when it cannot."""

from __future__ import annotations

import gzip
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from tests.cli.conftest import ODD_NAMES, command, refused
from tests.cli.test_interrupt import Terminal

from normwise.cli import scale_result
from normwise.cli.scale_progress import ScaleProgress
from normwise.core.errors import NormwiseError
from normwise.workflows.describe_table import describe_table
from normwise.workflows.scale_options import ScaleOptions

HEAVY = ("keras", "jax", "plotly")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two columns of numbers, one of text, one of codes."""
    (tmp_path / "t.csv").write_text("age,city,zip,income\n20,Basel,01234,1.5\n40,NA,8000,2.5\n60,Bern,,\n")
    return tmp_path / "t.csv"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_scale_save_apply_and_back(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("age,city,zip,income\n16,Basel,01234,1\n32,NA,8000,2\n64,Bern,,\n")
    out, saved, back = tmp_path / "o.csv", tmp_path / "s.json", tmp_path / "b.csv"
    done = command("scale", file, "--out", out, "--method", "max-abs", "--save-scaler", saved)
    assert (done.exit_code, done.stdout) == (0, "")
    *said, scaled, following = done.stderr.splitlines()
    assert said == [
        'not scaled, passed on as they are: "city", "zip"',
        "reading the statistics",
        "writing",
    ]
    assert scaled == f"scaled 2 columns to {out}"
    assert following.endswith(f"scale TABLE --out FILE --scaler {saved}")
    text = out.read_text()
    assert text == "age,city,zip,income\n0.25,Basel,01234,0.5\n0.5,NA,8000,1.0\n1.0,Bern,,\n"
    again = command("scale", file, "--out", tmp_path / "again.csv", "--scaler", saved, "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert (tmp_path / "again.csv").read_text() == text
    assert command("scale", out, "--out", back, "--scaler", saved, "--inverse").exit_code == 0
    assert back.read_text() == "age,city,zip,income\n16.0,Basel,01234,1.0\n32.0,NA,8000,2.0\n64.0,Bern,,\n"


def test_several_tables_and_patterns(tmp_path: Path) -> None:
    for i in range(3):
        pl.DataFrame({"x": [float(i), 10.0]}).write_parquet(tmp_path / f"part-{i}.parquet")
    for i, tables in enumerate(([tmp_path / "part-*.parquet"], sorted(tmp_path.glob("part-*.parquet")))):
        out = tmp_path / f"o{i}.feather"
        done = command("scale", *tables, "--out", out, "--method", "min-max", "--feature-range", "-1", "1")
        assert done.exit_code == 0, done.output
        assert pl.read_ipc(out)["x"].to_list() == pytest.approx([-1.0, 1.0, -0.8, 1.0, -0.6, 1.0])


@pytest.mark.parametrize(
    ("arguments", "column"),
    [
        (["--method", "standard", "--unbiased", "--clip-at", "0.5"], [-0.5, 0.0, 0.5]),
        (["--method", "min-max", "--clip"], [0.0, 0.5, 1.0]),
        (["--method", "robust", "--quantile-range", "0", "100"], [-0.5, 0.0, 0.5]),
        (["--method", "quantile", "--output", "normal"], [-5.19934, 0.0, 5.19934]),
        (["--method", "power", "--power", "log1p", "--infinite", "null"], [-1.315, 0.206, 1.109]),
    ],
)
def test_the_options_of_the_methods(
    file: Path, tmp_path: Path, arguments: list[str], column: list[float]
) -> None:
    out = tmp_path / "o.parquet"
    assert command("scale", file, "--out", out, "--columns", "age", *arguments).exit_code == 0
    frame = pl.read_parquet(out)
    assert frame["age"].to_list() == pytest.approx(column, abs=5e-4)
    assert frame["income"].to_list() == [1.5, 2.5, None]


def test_constants_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("[red]x[/red],y\n5,1\n5,2\n")
    done = command("scale", tmp_path / "t.csv", "--out", tmp_path / "o.csv", "--method", "standard", "-q")
    assert done.stderr == (
        'warning: the column "[red]x[/red]" (always 5.0) is constant: StandardScaler makes it 0. It tells a '
        "model nothing; leave it out.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "{}/o.csv"], 'no method was named. Expected --method and one of "standard", "min-max"'),
        (["--method", "robust"], "no file to write was named. Expected --out FILE"),
        (["--method", "robust", "--json"], "--json is how --describe answers."),
        (
            ["--describe", "--method", "robust"],
            "--describe scales nothing and writes no file; --method is for",
        ),
        (["--describe", "--out", "{}/o.csv"], "--describe scales nothing and writes no file; --out is for"),
        (["--describe", "--output", "normal"], "writes no file; --output is for scaling"),
        (["--out", "{}/o.xlsx", "--method", "robust"], 'o.xlsx has the unknown extension ".xlsx"'),
        (["--out", "{}/t.csv", "--method", "robust"], "t.csv exists and was kept"),
        (["--out", "{}/no/o.csv", "--method", "robust"], "there is no folder"),
        (
            ["--out", "{}/o.csv", "--method", "robust", "--save-scaler", "{}/t.csv"],
            "t.csv exists and was kept",
        ),
        (
            ["--out", "{}/o.csv", "--method", "robust", "--unbiased"],
            "--unbiased belongs to the method standard,",
        ),
        (
            ["--out", "{}/o.csv", "--method", "robust", "--columns", "agee"],
            'no column "agee". Did you mean "age"',
        ),
        (["--out", "{}/o.csv", "--method", "robust", "--columns", "city"], 'these are not: "city" (String)'),
        (
            ["--out", "{}/o.csv", "--method", "min-max", "--feature-range", "1", "0"],
            "is (1.0, 0.0). Expected two",
        ),
        (["--out", "{}/o.csv", "--scaler", "{}/t.csv"], "this is not the JSON of a ScalerRecord"),
        (["--out", "{}/o.csv", "--inverse"], "--inverse needs the scaler that scaled the table"),
    ],
)
def test_what_is_refused(file: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in refused("scale", file, *(part.format(tmp_path) for part in arguments))
    assert files(tmp_path) == ["t.csv"]


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    assert "no file matches" in refused(
        "scale", tmp_path / "*.csv", "--out", tmp_path / "o.csv", "--method", "robust"
    )


@pytest.mark.parametrize("more", ["", "20,1.5\n" * 2_000_000], ids=["short", "long"])
def test_a_million_rows_further_on(tmp_path: Path, more: str) -> None:
    """In a file of any length: of a short one, all rows are looked at before anything is read."""
    (tmp_path / "t.csv").write_text("age,x\n" + "20,1.5\n" * 1_000_000 + "20,n/k\n" + more)
    options = ["--method", "standard", "--save-scaler", tmp_path / "s.json"]
    error = refused("scale", tmp_path / "t.csv", "--out", tmp_path / "o.parquet", *options)
    assert (
        "t.csv, line 1000002: column \"x\" holds 'n/k', which is no number as the cells of the first rows "
        'are. Correct the cell; or, if the column is text, name it: --exclude "x" on the command line'
    ) in error
    assert files(tmp_path) == ["t.csv"]


def test_files_that_are_cut_off(tmp_path: Path) -> None:
    out = ["--out", tmp_path / "o.csv.gz", "--method", "max-abs", "--save-scaler", tmp_path / "s.json"]
    whole = gzip.compress(b"x\n" + b"".join(b"%d\n" % i for i in range(200_000)))
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "t.csv.gz is a truncated or corrupt gzip file" in refused("scale", tmp_path / "t.csv.gz", *out)
    pl.DataFrame({"x": range(100_000)}).write_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:-10])
    assert "t.parquet is not a whole Parquet file" in refused("scale", tmp_path / "t.parquet", *out)
    assert files(tmp_path) == ["t.csv.gz", "t.parquet"]


def test_describe(file: Path, tmp_path: Path) -> None:
    done = command("scale", file, "--describe", "-q")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines() if line]
    assert lines == [
        ["3", "rows"],
        ["column", "count", "null", "NaN", "inf", "mean", "std", "min", "max"],
        ["age", "3", "0", "0", "0", "40", "16.33", "20", "60"],
        ["income", "2", "1", "0", "0", "2", "0.5", "1.5", "2.5"],
        ["no", "numbers:", "city,", "zip"],
    ]
    assert files(tmp_path) == ["t.csv"]


def test_describe_as_json(file: Path) -> None:
    done = command("scale", file, "--describe", "--json", "--exclude", "age")
    assert json.loads(done.stdout) == {
        "rows": 3,
        "columns": [
            {
                "name": "income",
                "count": 2,
                "nulls": 1,
                "nans": 0,
                "infinities": 0,
                "mean": 2.0,
                "std": 0.5,
                "min": 1.5,
                "max": 2.5,
                "constant": False,
            }
        ],
        "others": ["age", "city", "zip"],
    }


def shown(tables: list[str | Path], width: int | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of a description on a terminal of this width, or on none."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=width is not None, no_color=True, markup=False)
    monkeypatch.setattr(scale_result, "results", lambda: console)
    scale_result.show_description(describe_table(tables, ScaleOptions()), as_json=False)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 140, None])
def test_no_number_is_cut_on_any_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int | None
) -> None:
    names = ["a name that is much longer than it ought to be, as they are in questionnaires", *ODD_NAMES]
    values = {name: [-1234.5678 * 10**i, 98765.4321 / 10**i] for i, name in enumerate(names)}
    pl.DataFrame({**values, "same": [7, 7]}).write_parquet(tmp_path / "t.parquet")
    lines = shown([tmp_path / "t.parquet"], width, monkeypatch)
    text = "\n".join(lines)
    plain = text.replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "…" not in text
    assert "\x1b" not in plain
    assert "\ufffd[31mred" in plain
    assert {"constant", "−1,235", "98,765"} <= set(plain.split())
    assert width == 30 or "[red]x[/red]" in plain
    assert sum(word == "count" for word in plain.split()) == 1
    if width is not None:
        assert max(len(line) for line in plain.splitlines()) <= width
    tables = sum("column" in line.split() for line in plain.splitlines())
    assert tables == {30: 5, 40: 4, 60: 3, 80: 2}.get(width or 0, 1)


def test_a_scaling_loads_no_network(file: Path, tmp_path: Path) -> None:
    arguments = ["scale", str(file), "--out", str(tmp_path / "o.csv"), "--method", "standard", "-q"]
    code = (
        "import sys\nfrom normwise.cli.main import app\n"
        f"try:\n    app({arguments})\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        f"assert not [name for name in {HEAVY} if name in sys.modules]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_bar_names_what_is_read_and_counts_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("normwise.cli.scale_progress.messages", lambda: console)
    monkeypatch.setenv("TERM", "xterm")
    with ScaleProgress(quiet=False) as progress:
        assert progress.counts_bytes
        progress.stage("reading the statistics")
        assert progress.bar is not None
        task = progress.bar.tasks[0]
        for done, named in [(10, ""), (10, ""), (50, ""), (100, ""), (10, ", pass 2"), (100, ", pass 2")]:
            progress.progress(done, 100)
            assert (task.description, task.completed) == (f"reading the statistics{named}", done)
        progress.stage("writing")
        progress.progress(5, 100)
        assert (task.description, task.completed, task.total) == ("writing", 5, 100)
    assert "writing" in console.file.getvalue()  # type: ignore[attr-defined]


def test_no_bar_where_there_is_no_terminal() -> None:
    with ScaleProgress(quiet=False) as progress:
        assert not progress.counts_bytes
        progress.stage("writing")
        assert progress.bar is None


def test_standard_output_on_a_full_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    description = describe_table([file], ScaleOptions())
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(NormwiseError, match="standard output cannot be written: No space left on device"):
            scale_result.show_description(description, as_json=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@pytest.fixture
def long_scale(tmp_path: Path) -> Iterator[Terminal]:
    """A scaling that takes its time, on a terminal."""
    rows = "".join(f"{i % 97}.5,{i % 89}\n" for i in range(50_000))
    (tmp_path / "t.csv").write_text("x,y\n" + rows * 60)
    arguments = [
        "--out",
        tmp_path / "o.feather",
        "--method",
        "standard",
        "--save-scaler",
        tmp_path / "s.json",
    ]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "normwise", "scale", tmp_path / "t.csv", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "90", "NO_COLOR": "1"},
    )
    os.close(slave)
    terminal = Terminal(process, master)
    yield terminal
    process.kill()
    process.wait()
    os.close(master)


@pytest.mark.parametrize("stage", ["reading the statistics", "writing"])
def test_ctrl_c_leaves_nothing(long_scale: Terminal, tmp_path: Path, stage: str) -> None:
    long_scale.read_until(stage)
    time.sleep(0.2)
    assert long_scale.process.poll() is None, long_scale.said[-3000:]
    long_scale.process.send_signal(signal.SIGINT)
    assert long_scale.wait() == 130, long_scale.said[-3000:]
    assert "aborted; nothing was written." in long_scale.said
    assert "Traceback" not in long_scale.said
    assert files(tmp_path) == ["t.csv"]


def test_values_without_a_logarithm(file: Path, tmp_path: Path) -> None:
    """Whether they are there to learn from, or come later."""
    saved, later, out = tmp_path / "s.json", tmp_path / "later.csv", tmp_path / "o.csv"
    options = ["--method", "power", "--power", "log1p", "--quiet"]
    command("scale", file, "--out", tmp_path / "first.csv", *options, "--save-scaler", saved)
    later.write_text("age,city,zip,income\n-3,Basel,1,2\n-1,Bern,1,2\n")
    error = refused("scale", later, "--out", out, *options)
    assert "reaches down to -3.0. Expected values above −1: take" in error
    assert 'method="yeo-johnson" (--power yeo-johnson on the command line).' in error
    error = refused("scale", later, "--out", out, "--scaler", saved, "--quiet")
    assert 'column "age" holds -3.0 and at least 1 more such, which has no log(1 + x).' in error
    assert not out.exists()
