"""`normwise fold`: what it says, and what it leaves."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import command, refused

import normwise


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    norms = [
        keras.layers.BatchNormalization(name=name, moving_mean_initializer="ones") for name in ("one", "two")
    ]
    inner = [keras.layers.Dense(4, name="dense"), norms[0], keras.layers.ReLU(name="relu"), norms[1]]
    first = keras.layers.LayerNormalization(name="first")
    model = keras.Sequential([keras.Input((3,)), first, *inner], name="net")
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_a_model_is_written_beside(saved: Path, tmp_path: Path) -> None:
    before, out = saved.read_bytes(), tmp_path / "out.keras"
    result = command("fold", saved, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "layer kind became why"
    assert lines[1] == "one BatchNormalization part of dense before it"
    assert lines[2].startswith('two BatchNormalization one scale and shift before it: "relu" (ReLU) does not')
    assert lines[3].startswith("first LayerNormalization kept LayerNormalization takes its statistics from")
    assert float(lines[-2].removeprefix("largest difference on drawn rows: ").split()[0]) < 1e-6
    assert lines[-1] == f"folded 2, kept 1; written to {out}"
    assert saved.read_bytes() == before
    x = np.random.default_rng(0).normal(size=(5, 3))
    old, new = (
        keras.ops.convert_to_numpy(normwise.load_model(file)(x, training=False)) for file in (saved, out)
    )
    np.testing.assert_allclose(new, old, atol=1e-6)


def test_a_run_folder_predicts_the_same(run: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "folded"
    result = command("fold", run, "--out", out)
    assert result.exit_code == 0, result.output
    assert "BatchNormalization" in result.stdout
    assert "largest difference on drawn rows: " in result.stdout
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in run.iterdir())
    old, new = (pl.read_csv(io.StringIO(command("predict", f, table).stdout)) for f in (run, out))
    assert old["prediction"].to_list() == new["prediction"].to_list()
    np.testing.assert_allclose(new[:, 1].to_numpy(), old[:, 1].to_numpy(), atol=1e-5)
    kinds = {type(layer).__name__ for layer in normwise.load_model(out / "model.keras")._flatten_layers()}
    assert "BatchNormalization" not in kinds


def test_quiet_and_overwrite(saved: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.keras"
    assert command("fold", saved, "--out", out, "--quiet").output == ""
    assert "out.keras exists and was kept" in refused("fold", saved, "--out", out)
    again = command("fold", out, "--out", out, "--overwrite")
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1] == f"folded 0, kept 1; written to {out}"


def test_of_free_sizes_no_rows_are_drawn(tmp_path: Path) -> None:
    layers = [keras.layers.Conv1D(4, 3), keras.layers.BatchNormalization(name="norm")]
    keras.Sequential([keras.Input((None, 2)), *layers]).save(tmp_path / "free.keras")
    result = command("fold", tmp_path / "free.keras", "--out", tmp_path / "out.keras")
    assert result.exit_code == 0, result.output
    assert "difference" not in result.stdout
    assert "folded 1, kept 0" in result.stdout


def test_what_is_refused(saved: Path, tmp_path: Path) -> None:
    assert "no.keras cannot be loaded: there is no model file" in refused(
        "fold", tmp_path / "no.keras", "--out", tmp_path / "o.keras"
    )
    message = refused("fold", saved, "--out", tmp_path / "o.onnx")
    assert "o.onnx is no name of a model's file; expected one that ends in .keras" in message
    model = normwise.load_model(saved)
    model.get_layer("one").moving_variance.assign(-np.ones(4))
    model.save(tmp_path / "bad.keras")
    message = refused("fold", tmp_path / "bad.keras", "--out", tmp_path / "o.keras")
    assert 'the layer "one" has 4 of 4 values in moving_variance that cannot be folded' in message
    assert not (tmp_path / "o.keras").exists()


def test_statistics_that_nothing_has_reached_are_named(tmp_path: Path) -> None:
    inner = [keras.layers.Dense(2), keras.layers.BatchNormalization(name="fresh")]
    keras.Sequential([keras.Input((3,)), *inner], name="net").save(tmp_path / "model.keras")
    result = command("fold", tmp_path / "model.keras", "--out", tmp_path / "out.keras")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "warning: no batch has ever reached the moving statistics of 1 of the layers"
    )


def test_a_model_that_was_compiled_on_a_backend_that_is_not_here(saved: Path, tmp_path: Path) -> None:
    model = normwise.load_model(saved)
    model.compile("adam", "mse")
    model.save(tmp_path / "compiled.keras")
    elsewhere = tmp_path / "elsewhere.keras"
    with (
        zipfile.ZipFile(tmp_path / "compiled.keras") as old,
        zipfile.ZipFile(elsewhere, "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                # So Keras writes it on torch, and imports torch when it loads the file.
                config["compile_config"]["optimizer"]["module"] = "keras.src.backend.not_here.adam"
                content = json.dumps(config).encode()
            new.writestr(name, content)
    with pytest.raises(TypeError, match=r"not_here\.adam cannot be imported"):
        normwise.load_model(elsewhere)
    out = tmp_path / "folded.keras"
    assert command("fold", elsewhere, "--out", out).exit_code == 0
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    found, expected = (m.predict(x, verbose=0) for m in (keras.saving.load_model(out), model))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
