"""`normwise export`: what it says, and what it leaves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.cli.conftest import command, refused

from normwise.core.export_record import ExportRecord
from normwise.deploy.onnx_trace import EXPORTERS

NEEDED = ("onnx", "onnxruntime", EXPORTERS[keras.backend.backend()])
ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]
exports = pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    norm = keras.layers.BatchNormalization(name="norm", moving_mean_initializer="ones")
    parts = [keras.layers.Dense(4, name="dense"), norm, keras.layers.LayerNormalization(name="last")]
    keras.Sequential([keras.Input((3,), name="row"), *parts], name="net").save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


@pytest.fixture
def simple(tmp_path: Path) -> Path:
    norm = keras.layers.BatchNormalization(name="norm", moving_mean_initializer="ones")
    parts = [keras.layers.Dense(4, name="dense"), norm, keras.layers.ReLU(name="out")]
    keras.Sequential([keras.Input((3,), name="row"), *parts], name="net").save(tmp_path / "simple.keras")
    return tmp_path / "simple.keras"


@exports
def test_a_model_is_written_beside(simple: Path, tmp_path: Path) -> None:
    before, out = simple.read_bytes(), tmp_path / "m.onnx"
    result = command("export", simple, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "inputs row: float32 (batch, 3)"
    assert lines[1] == "outputs out: float32 (batch, 4)"
    assert lines[2].startswith("operators 1 Add, ")
    assert "1 MatMul, 1 Relu" in lines[2]
    assert lines[3].startswith(f"exported from Keras on {keras.backend.backend()}, opset ")
    assert lines[4].endswith("of the largest output, ONNX Runtime against Keras on 16 rows")
    assert lines[5:] == ["norm (BatchNormalization): into dense before it", f"written to {out}"]
    assert simple.read_bytes() == before
    assert out.is_file()


@exports
def test_json_is_the_record_and_quiet_says_nothing(simple: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    record = ExportRecord.from_json(command("export", simple, "--out", out, "--json", "--no-fold").stdout)
    assert (record.path, record.folded, record.kept) == (str(out), (), ())
    assert "m.onnx exists and was kept" in refused("export", simple, "--out", out)
    assert command("export", simple, "--out", out, "--overwrite", "--quiet").output == ""


@exports
@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch's exporter knows no layer normalization"
)
def test_what_is_kept_is_said(saved: Path, tmp_path: Path) -> None:
    result = command("export", saved, "--out", tmp_path / "m.onnx")
    assert "\nlast (LayerNormalization): kept, " in result.stdout


@exports
def test_a_run_folder_becomes_two_files(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "onnx"
    result = command("export", run, "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["model.onnx", "schema.json"]
    assert result.stdout.splitlines()[-1] == f"written to {out / 'model.onnx'}"
    assert (out / "schema.json").read_text() == (run / "schema.json").read_text()
    assert f"{out} exists and is kept" in refused("export", run, "--out", out)
    message = refused("export", run, "--out", tmp_path / "m.onnx")
    assert "what is written here is a folder of an export" in message
    assert "The network will be in it as model.onnx" in message


@exports
def test_what_is_refused(simple: Path, tmp_path: Path) -> None:
    message = refused("export", simple, "--out", tmp_path / "m.keras2")
    assert "m.keras2 is no name of an ONNX file; expected one that ends in .onnx" in message
    assert "there is no model file" in refused("export", tmp_path / "no.keras", "--out", tmp_path / "m.onnx")
    model = keras.models.load_model(simple)
    model.get_layer("norm").moving_variance.assign(-np.ones(4))
    model.save(tmp_path / "bad.keras")
    message = refused("export", tmp_path / "bad.keras", "--out", tmp_path / "m.onnx")
    assert 'the layer "norm" has 4 of 4 values in moving_variance that cannot be folded' in message
    assert not (tmp_path / "m.onnx").exists()


def test_packages_that_are_not_installed_are_named(
    simple: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in NEEDED else find(name))
    message = refused("export", simple, "--out", tmp_path / "m.onnx")
    assert f'of which "onnx", "onnxruntime", "{NEEDED[2]}" cannot be imported here' in message
    assert "pip install 'normwise[onnx]'" in message
