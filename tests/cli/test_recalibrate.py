"""`normwise recalibrate`: what it says, and what it leaves."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console
from tests.cli.conftest import command, people, refused, write_csv

import normwise
from normwise.cli.recalibrate_progress import RecalibrateProgress
from normwise.core.recalibration import Recalibration


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and a table: columns a and b, and a target."""
    folder = tmp_path_factory.mktemp("recalibrate")
    frozen = keras.layers.BatchNormalization(name="frozen", trainable=False)
    parts = [keras.Input((2,)), keras.layers.BatchNormalization(name="norm"), frozen, keras.layers.Dense(1)]
    keras.Sequential(parts, name="net").save(folder / "model.keras")
    rows: list[tuple[object, ...]] = [(i, 2 * i * i, "yes") for i in range(40)]
    return folder / "model.keras", write_csv(folder / "t.csv", ("a", "b", "y"), rows)


@pytest.mark.parametrize("options", [(), ("--sequential",)])
def test_a_model_is_written_beside(
    saved: tuple[Path, Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    model, table = saved
    before, out = model.read_bytes(), tmp_path / "out.keras"
    result = command("recalibrate", model, table, "--target", "y", "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "layer",
        "values",
        "calls",
        "mean",
        "moved",
        "largest",
        "std",
        "ratio",
        "range",
    ]
    # From 0 and 1: the mean of 0 … 39 is 19.5, their variance 40·41/12 = 136.7.
    assert lines[1].startswith("norm ")
    assert lines[1].split()[1:3] == ["40", "1"]
    assert f"{19.5 / np.sqrt(40 * 41 / 12):.2f} σ" in lines[1]
    assert lines[2].startswith("skipped frozen: it is frozen (trainable=False)")
    assert lines[-1] == f"written to {out}"
    assert model.read_bytes() == before
    mean = keras.ops.convert_to_numpy(normwise.load_model(out).get_layer("norm").moving_mean.value)
    np.testing.assert_allclose(mean, [19.5, 2 * (39 * 79 / 6)], rtol=1e-6)


def test_json_is_the_record(saved: tuple[Path, Path], tmp_path: Path) -> None:
    model, table = saved
    out = tmp_path / "out.keras"
    result = command("recalibrate", model, table, "--target", "y", "--out", out, "--json")
    record = Recalibration.from_json(result.stdout)
    assert [layer.path for layer in record.layers] == ["norm"]
    assert json.loads(result.stdout)["batches"] == 2


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(saved: tuple[Path, Path], tmp_path: Path) -> None:
    model, table = shutil.copy(saved[0], tmp_path / "model.keras"), saved[1]
    before = model.read_bytes()
    line = refused("recalibrate", model, table, "--target", "y")
    assert f"{model} exists and was kept" in line
    assert model.read_bytes() == before
    assert command("recalibrate", model, table, "--target", "y", "--overwrite", "--quiet").stdout == ""
    assert model.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_run_folder_encodes_raw_rows(run: Path, table: Path, tmp_path: Path, overwrite: bool) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    out = copy if overwrite else tmp_path / "other"
    options = ("--overwrite",) if overwrite else ("--out", out)
    result = command("recalibrate", copy, table, *options, "--sequential")
    assert result.exit_code == 0, result.output
    assert "batch_normalization_1" in result.stdout
    assert {file.name for file in out.iterdir()} == {file.name for file in run.iterdir()}
    changed = {file.name for file in run.iterdir() if file.read_bytes() != (out / file.name).read_bytes()}
    assert changed == {"model.keras"}
    again = command("recalibrate", out, table, "--overwrite", "--sequential", "--json")
    layers = Recalibration.from_json(again.stdout).layers
    assert max(layer.largest_mean_shift for layer in layers) <= 1e-6
    assert command("predict", out, table).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("MODEL", "TABLE", "--out", "OUT"), 'the columns "y" are not numbers, but "String"'),
        (("MODEL", "TABLE", "--target", "z", "--out", "OUT"), 'the table has no column "z"'),
        (("MODEL", "TABLE", "--target", "b", "--out", "OUT"), 'the columns "y" are not numbers'),
        (("MODEL", "nothing.csv", "--out", "OUT"), "nothing.csv"),
        (("nothing.keras", "TABLE", "--out", "OUT"), 'there is no model file "nothing.keras"'),
        (("MODEL", "TABLE", "--out", "model.txt"), "model.txt is no name of a model's file"),
        (("RUN", "TABLE", "--target", "y", "--overwrite"), "is a run folder, which knows its target"),
        (("RUN", "TABLE"), "exists and is kept"),
    ],
)
def test_refusals(
    saved: tuple[Path, Path], run: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    places = {"MODEL": saved[0], "TABLE": saved[1], "RUN": run, "OUT": tmp_path / "out.keras"}
    line = refused("recalibrate", *(places.get(a, a) for a in arguments))
    assert message in line
    assert not list(tmp_path.iterdir())


def test_a_run_folder_and_a_table_without_its_columns(run: Path, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", ("age",), [row[:1] for row in people(20)])
    line = refused("recalibrate", run, table, "--out", tmp_path / "other")
    assert '"city"' in line
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_on_a_terminal_it_says_where_it_is(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, _environ={"TERM": "xterm"})
    monkeypatch.setattr("normwise.cli.recalibrate_progress.messages", lambda: console)
    with RecalibrateProgress(quiet=False) as progress:
        progress.progress(1234, 1, 3)
        if progress.status is not None:
            console.print(progress.status.status)
    assert ("pass 2 of 3, batch 1,234" in stream.getvalue()) == terminal
    assert RecalibrateProgress(quiet=True).status is None
