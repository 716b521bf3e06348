"""The estimators on whichever backend the process has: they fit, and their models come back from a file."""

import os

import keras
import numpy as np
import pytest

import normwise
from normwise.workflows import TabularClassifier, TabularRegressor
from normwise.workflows.predict_table import network_outputs

ROWS = 640  # enough for piecewise linear encodings, and whole batches of the 544 to train on


def table():
    rng = np.random.default_rng(0)
    return {
        "age": rng.lognormal(3, 1, ROWS),
        "income": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(1e6, 1, ROWS)),
        "city": np.array(["Basel", "Oslo", "Paris"])[rng.integers(0, 3, ROWS)],
    }


def target(kind):
    label = table()["age"] > 20
    return np.where(label, "old", "young") if kind is TabularClassifier else np.where(label, 30.0, 20.0)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_fit_predict_save_and_load(kind, tmp_path):
    x, y = table(), target(kind)
    estimator = kind(epochs=2, hidden_units=(4,), random_state=0).fit(x, y)
    predicted = estimator.predict(x)
    assert len(predicted) == ROWS
    assert set(predicted) <= {"old", "young"} if kind is TabularClassifier else np.isfinite(predicted).all()
    estimator.model_.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    encoded = estimator._encode_new(x)
    assert again.get_layer("piecewise_linear_encoding")
    before, after = (network_outputs(model, encoded) for model in (estimator.model_, again))
    assert np.abs(before - after).max() <= 1e-6


def test_the_backend_is_the_one_that_was_named():
    assert keras.backend.backend() == os.environ.get("KERAS_BACKEND", "jax")
