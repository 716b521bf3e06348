"""`normwise why`: what it says, and what it leaves."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest
from rich.console import Console
from tests.cli.conftest import ODD_NAMES, command, people, refused, write_csv
from typer.testing import Result

from normwise.cli.why_progress import WhyProgress
from normwise.core.why_record import WhyRecord
from normwise.workflows.why_options import WhyOptions

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
BRIEF = ("--quick", "--epochs", "2")
RATES = (0.01, 0.1)


@pytest.fixture(scope="module", autouse=True)
def _few_rates() -> Iterator[None]:
    """What is trained is for tests/workflows: here two rates do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("normwise.workflows.why_options.QUICK_LEARNING_RATES", RATES)
        yield


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of a table with odd names, its report and record, and what the command said."""
    folder = tmp_path_factory.mktemp("why")
    # 64 training rows: a last batch of fewer rows would be a program more for each variant.
    rows = [(*row[:2], *(i % 7 for _ in ODD_NAMES), row[2]) for i, row in enumerate(people(100))]
    file = write_csv(folder / "people.csv", ("age", "city", *ODD_NAMES, "bought"), rows)
    result = command("why", file, "--target", "bought", "--out", folder / "why.html", *BRIEF)
    assert result.exit_code == 0, result.output
    return folder, result


def record(folder: Path) -> WhyRecord:
    return WhyRecord.from_json((folder / "why.json").read_text(encoding="utf-8"))


def test_elsewhere_than_on_a_terminal_it_says_plain_lines(explained: tuple[Path, Result]) -> None:
    _, result = explained
    lines = result.stderr.splitlines()
    assert lines[:2] == ["reading the table", "measuring the features"]
    assert lines[2] == "1 of 4, raw inputs: 2 learning rates"
    assert lines[-1] == "writing the report"
    assert sum(line.endswith(": 3 seeds") for line in lines) == 4
    assert not CONTROL.search(result.output)


def test_the_four_variants_stand_side_by_side(explained: tuple[Path, Result]) -> None:
    folder, result = explained
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["inputs", "rate", "decades", "steps", "accuracy", "range", "seconds"]
    names = ["raw ", "scaled ", "raw, batch norm. ", "scaled, batch norm. "]
    assert all(line.startswith(name) for name, line in zip(names, lines[1:5], strict=True))
    assert max(map(len, lines[:5])) < 80
    found = record(folder)
    rate = found.variants[3].learning_rate
    assert f" {rate:.2g} " in lines[4].replace("norm. ", "norm.  ")


def test_the_verdict_stands_in_words(explained: tuple[Path, Result]) -> None:
    folder, result = explained
    said = [line for line in result.stdout.splitlines() if line[:2] in ("+ ", "− ", "· ", "→ ")]
    verdict = record(folder).verdict
    signs = {"helps": "+", "hurts": "−", "advice": "→"}
    assert [line[0] for line in said] == [signs.get(s.effect, "·") for s in verdict]
    assert said[-1].startswith("→ This holds for this table, a network of 2 hidden layers and 3 seeds")
    assert "shift" not in result.stdout


def test_it_leaves_a_report_and_its_record_and_says_where(explained: tuple[Path, Result]) -> None:
    folder, result = explained
    assert sorted(path.name for path in folder.iterdir()) == ["people.csv", "why.html", "why.json"]
    lines = result.stdout.splitlines()
    assert lines[-2:] == [f"report: {folder / 'why.html'}", f"record: {folder / 'why.json'}"]
    page = (folder / "why.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<script>alert(1)</script>" not in page
    found = record(folder)
    assert (found.source, found.target, found.epochs) == ("people.csv", "bought", 2)
    assert found.command == f"normwise why {folder / 'people.csv'} --target bought --epochs 2 --quick"


def test_options_reach_the_comparison_and_json_goes_to_standard_output(
    explained: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = record(explained[0]), []

    def compared(*arguments: object) -> WhyRecord:
        asked.append((arguments[0], arguments[1], arguments[3]))
        return found

    monkeypatch.setattr("normwise.workflows.why_table.why_table", compared)
    out = tmp_path / "a page.html"
    files = "own.keras", "t.csv"
    options = (
        "--task",
        "regression",
        "--seed",
        7,
        "--held-out",
        0.25,
        "--kind",
        "city=excluded",
        "--seeds",
        3,
    )
    result = command("why", *files, "--target", "price", "--out", out, "--json", "-q", *options, *BRIEF)
    assert (result.exit_code, result.stderr) == (0, "")
    kinds = {"city": "excluded"}
    wanted = WhyOptions("price", "regression", None, "utf-8", 0.25, 7, kinds, 3, 2, quick=True)
    assert asked == [(Path("t.csv"), wanted, Path("own.keras"))]
    assert WhyRecord.from_json(result.stdout) == found
    assert result.stdout == (tmp_path / "a page.json").read_text(encoding="utf-8") + "\n"
    assert json.loads(result.stdout)["record"] == "WhyRecord"
    command("why", "t.csv", "--target", "price", "--out", out, "--overwrite", "-q")
    assert asked[1] == (Path("t.csv"), WhyOptions("price"), None)
    again = refused("why", *files, "--target", "price", "--out", out, *BRIEF)
    assert "a page.html exists and was kept" in again


def model_file(folder: Path, units: int) -> Path:
    """A model of one input without batch normalization."""
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(units)]
    keras.Sequential([keras.Input((1,)), *layers]).save(folder / "own.keras")
    return folder / "own.keras"


def test_a_model_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "t.csv", ("age", "city", "bought"), people(20))
    model = model_file(tmp_path, units=3)
    to = "--out", tmp_path / "o.html"
    assert 'own.keras has 3 outputs, and column "bought" has 2 classes ("no", "yes")' in refused(
        "why", model, file, "--target", "bought", *to
    )
    assert 'own.keras takes 1 inputs, and t.csv gives 2 ("city = Basel", "city = Bern")' in refused(
        "why", model, file, "--target", "bought", "--kind", "age=excluded", *to
    )
    assert "absent.keras" in refused("why", tmp_path / "absent.keras", file, "--target", "bought", *to)
    assert "is an HDF5 file" in refused("why", tmp_path / "old.h5", file, "--target", "bought", *to)
    two = command("why", model, model, *to)
    assert two.exit_code == 2
    assert "2 models and 0 tables" in two.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/t.csv"], "which column of t.csv is to be predicted? Give --target COLUMN"),
        (["{}/t.csv", "--target", "bougth"], 'no column "bougth" to predict. Did you mean "bought"?'),
        (["{}/t.csv", "--target", "bought", "--out", "{}/o.pdf"], 'o.pdf has the extension ".pdf"'),
        (["{}/t.csv", "--target", "bought", "--out", "{}/no/o.html"], "there is no folder"),
        (["{}/absent.csv", "--target", "bought"], "absent.csv"),
        (["{}/t.csv", "--target", "bought", "--out", "{}/kept.html"], "kept.json exists and was kept"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "t.csv", ("age", "city", "bought"), people())
    (tmp_path / "kept.json").write_text("{}")
    assert message in refused("why", *(part.format(tmp_path) for part in arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "t.csv"]


def test_fewer_than_three_seeds_have_no_spread() -> None:
    done = command("why", "--seeds", "2")
    assert done.exit_code == 2
    assert "greater than or equal to 3" in done.stderr


def test_the_bar_names_what_is_done_and_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("normwise.cli.why_progress.messages", lambda: console)
    monkeypatch.setenv("TERM", "xterm")
    with WhyProgress(quiet=False, built_in=True) as progress:
        progress.stage("1 of 4, raw inputs: 16 learning rates")
        assert progress.bar is not None
        task = progress.bar.tasks[0]
        progress.progress(3, 144)
        progress.stage("1 of 4, raw inputs: 5 seeds")
        assert (task.description, task.completed, task.total) == ("1 of 4, raw inputs: 5 seeds", 3, 144)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.startswith("no table was given: using the breast-cancer data of scikit-learn\n")
    with WhyProgress(quiet=True, built_in=True) as progress:
        progress.stage("reading the table")
        progress.progress(1, 2)
        assert progress.bar is None


@pytest.mark.slow
def test_without_a_table_it_takes_the_built_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that scaling helps there, which is the article's claim."""
    monkeypatch.chdir(tmp_path)
    result = command("why")
    assert result.exit_code == 0, result.output
    keys = {s.key for s in record(tmp_path).verdict}
    assert {"scaling_steps_reaches", "scaling_metric_helps", "advice_scale"} <= keys
