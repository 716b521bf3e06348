"""load_model: normwise's layers are known, in a fresh process too; other files get a sentence."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import normwise


def saved(path):
    model = keras.Sequential([keras.Input((2,)), normwise.FeatureScaling([1.0, 2.0], 1.0)])
    model.add(normwise.BatchNormalization())
    model.compile("sgd", "mse")
    model.fit(np.random.default_rng(0).normal(size=(8, 2)), np.zeros((8, 2)), verbose=0)
    model.save(path)
    return model


def test_a_model_comes_back_as_it_was(tmp_path):
    model = saved(tmp_path / "m.keras")
    x = np.ones((3, 2), "float32")
    again = normwise.load_model(str(tmp_path / "m.keras"))
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert isinstance(again.optimizer, keras.optimizers.SGD)


def test_a_fresh_process_knows_the_layers(tmp_path):
    saved(tmp_path / "m.keras")
    code = (
        "import sys, normwise; print(*[type(l).__module__ for l in normwise.load_model(sys.argv[1]).layers])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.keras")]
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["normwise.layers.feature_scaling", "normwise.layers.batch_normalization"]


@pytest.mark.parametrize("name", ["m.h5", "m.HDF5"])
def test_hdf5_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=f'{name}" is an HDF5 file, .*save it as ".keras"'):
        normwise.load_model(tmp_path / name)


def test_a_missing_file(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'there is no model file ".*absent\.keras"; expected a file that'
    ):
        normwise.load_model(tmp_path / "absent.keras")


def test_another_kind_of_file(tmp_path):
    (tmp_path / "m.txt").write_text("")
    with pytest.raises(ValueError, match=r'm\.txt" is not a "\.keras" file'):
        normwise.load_model(tmp_path / "m.txt")


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="arbitrary code execution"):
        normwise.load_model(tmp_path / "m.keras")


def test_compiled_on_a_backend_that_is_not_installed(tmp_path):
    if importlib.util.find_spec("torch"):
        pytest.skip("torch is installed")
    saved(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as old, zipfile.ZipFile(tmp_path / "t.keras", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                # As Keras writes it on torch.
                module = "keras.src.backend.torch.optimizers.torch_sgd"
                config["compile_config"]["optimizer"] |= {"module": module, "class_name": "SGD"}
                content = json.dumps(config).encode()
            new.writestr(name, content)
    with pytest.raises(ValueError, match=r't\.keras" was compiled on torch, which is not installed here'):
        normwise.load_model(tmp_path / "t.keras")
    assert not normwise.load_model(tmp_path / "t.keras", compile=False).compiled
