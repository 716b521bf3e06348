"""`normwise predict`: predictions to a file or standard output, all else to standard error."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.cli.conftest import command, people, write_csv

from normwise.cli.predict import _write_csv
from normwise.core.errors import NormwiseError
from normwise.graph.walk import every_layer
from normwise.workflows import predict_table
from normwise.workflows.encode_table import EncodedTable

COLUMNS = ["prediction", "probability of no", "probability of yes"]


def test_csv_to_standard_output(run: Path, table: Path) -> None:
    result = command("predict", run, table)
    assert result.exit_code == 0, result.output
    predictions = pl.read_csv(io.StringIO(result.stdout))
    assert predictions.columns == COLUMNS
    assert predictions.height == 120
    assert predictions.select(pl.sum_horizontal(COLUMNS[1:])).to_series().to_list() == pytest.approx(
        [1.0] * 120
    )
    assert result.stderr == "predicted 120 rows to standard output\n"


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.csv.gz"])
def test_a_file_by_its_name(run: Path, table: Path, name: str) -> None:
    out = table.with_name(name)
    result = command("predict", run, table, "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"predicted 120 rows to {out}\n"
    read = pl.read_parquet(out) if name.endswith("parquet") else pl.read_csv(out)
    assert (read.columns, read.height) == (COLUMNS, 120)


def test_drift_and_unseen_categories_are_named_apart_from_the_predictions(run: Path, tmp_path: Path) -> None:
    rows = [(int(str(age)) + 500, "Genève") for age, _, _ in people(50)]
    result = command("predict", run, write_csv(tmp_path / "new.csv", ("age", "city"), rows))
    assert result.exit_code == 0
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert any('"age" drifted' in line for line in warnings)
    assert any('"city"' in line and "Genève" in line for line in warnings)
    assert "warning" not in result.stdout


def test_the_folder_alone_suffices(run: Path, table: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("schema.json", "model.keras"):
        (moved / name).write_bytes((run / name).read_bytes())
    assert command("predict", moved, table).stdout == command("predict", run, table).stdout


def test_folded_it_predicts_the_same(run: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pl.read_csv(io.StringIO(command("predict", run, table).stdout))
    kinds: list[list[str]] = []
    outputs = predict_table.network_outputs

    def seen(model: keras.Model, encoded: EncodedTable) -> NDArray[np.float32]:
        kinds.append([type(layer).__name__ for layer in every_layer(model)])
        return outputs(model, encoded)

    monkeypatch.setattr(predict_table, "network_outputs", seen)
    result = command("predict", run, table, "--folded")
    assert result.exit_code == 0, result.output
    folded = pl.read_csv(io.StringIO(result.stdout))
    assert folded["prediction"].equals(plain["prediction"])
    # Rounding of float32 in two layers, behind a softmax.
    np.testing.assert_allclose(folded[COLUMNS[1:]], plain[COLUMNS[1:]], atol=1e-5)
    command("predict", run, table)
    assert ["BatchNormalization" in names for names in kinds] == [False, True]


def test_standard_output_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115
    monkeypatch.setattr("sys.stdout", full)
    with pytest.raises(NormwiseError, match="standard output cannot be written: No space left on device"):
        _write_csv(pl.DataFrame({"prediction": [1.0]}))
    with contextlib.suppress(OSError):
        full.close()
