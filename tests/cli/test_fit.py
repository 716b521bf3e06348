"""`normwise fit`: what it says, and what it leaves."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import QUICK, command, people, write_csv
from typer.testing import Result

from normwise.report.metrics import metric_value
from normwise.workflows.run_folder import FILES

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def test_elsewhere_than_on_a_terminal_it_says_plain_lines(trained: tuple[Path, Result]) -> None:
    _, result = trained
    stages = ["reading the table", "training", "comparing with scikit-learn", "diagnosing the network"]
    stages.append("writing the run folder")
    assert result.stderr.splitlines() == stages
    assert not CONTROL.search(result.output)


def test_the_network_stands_beside_the_baselines(trained: tuple[Path, Result]) -> None:
    run, result = trained
    scores = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["scores"]
    assert list(scores) == ["this network", "logistic regression", "gradient boosting"]
    for name, score in scores.items():
        (row,) = [line for line in result.stdout.splitlines() if line.startswith(name)]
        assert metric_value("accuracy", score["accuracy"]) in row.split()
    assert re.search(r"^On 2\d held-out rows the network is right in ", result.stdout, re.MULTILINE)


def test_it_says_how_training_ended_where_the_report_is_and_how_to_go_on(
    trained: tuple[Path, Result],
) -> None:
    run, result = trained
    ending = json.loads((run / "run.json").read_text(encoding="utf-8"))["ending"]
    lines = result.stdout.splitlines()
    assert f"training: {ending}" in lines
    assert f"report: {run / 'report.html'}" in lines
    at = lines.index(f"next:   normwise predict {shlex.quote(str(run))} TABLE --out predictions.csv")
    assert lines[at + 1] == "        TABLE: a file with the same columns"


def test_the_run_folder_is_whole(run: Path) -> None:
    assert {file.name for file in run.iterdir()} == set(FILES)


def test_options_reach_the_run(tmp_path: Path) -> None:
    rows = [(age, city, 3 * int(str(age)) + 0.5) for age, city, _ in people()]
    file = write_csv(tmp_path / "people.txt", ("age", "city", "price"), rows)
    out = tmp_path / "a run"
    options = ("--format", "csv", "--kind", "city=excluded", "--seed", 7, "--held-out", 0.25, "--quiet")
    more = ("--epochs", 1, "--batch-size", 4, "--learning-rate", 0.01, "--task", "regression")
    result = command("fit", file, "--target", "price", "--out", out, *options, *more)
    assert (result.exit_code, result.output) == (0, "")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert (record["seed"], record["held_out_rows"]) == (7, 30)
    expected = {"epochs": "1", "batch_size": "4", "learning_rate": "0.01", "preset": "default"}
    assert expected.items() <= record["settings"].items()
    assert record["schema"]["columns"][1]["reason"] == "excluded as asked"
    assert record["schema"]["task"] == "regression"


@pytest.mark.slow
def test_without_a_table_it_takes_the_built_in_one_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("fit", "--preset", "article", "--class-weight", "balanced", *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("no table was given: using the breast-cancer data of scikit-learn\n")
    assert (tmp_path / "normwise-run" / "report.html").is_file()
