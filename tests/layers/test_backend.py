"""Keras without its backend: a sentence that says what to set."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("backend", [None, "tensorflow", "torch"])
def test_an_absent_backend_is_named_with_what_to_set(tmp_path, backend):
    absent = backend or "tensorflow"
    # None in sys.modules makes `import` fail as it does where the package is not installed.
    code = f"import sys; sys.modules['{absent}'] = None; import normwise; normwise.FeatureScaling"
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"} | {
        "KERAS_HOME": str(tmp_path)
    }
    if backend:
        environment["KERAS_BACKEND"] = backend
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    last = run.stderr.strip().splitlines()[-1]
    assert run.returncode == 1
    assert last.startswith(
        f"ImportError: Keras could not be imported: its backend here is '{absent}', which is not"
    )
    assert "KERAS_BACKEND=jax" in last
    assert f"Or install {absent}." in last


def test_another_missing_package_is_not_blamed_on_the_backend(tmp_path):
    code = "import sys; sys.modules['h5py'] = None; import normwise; normwise.FeatureScaling"
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "jax"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "its backend here" not in run.stderr
