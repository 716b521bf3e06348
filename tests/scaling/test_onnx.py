"""Fitted scalers as layers through Keras' ONNX export, at once and by way of a .keras file."""

import keras
import numpy as np
import pytest
from tests.layers.onnx_export import exported
from tests.reference.tolerance import assert_close, tolerance
from tests.scaling.every_scaler import ALL

import normwise

# A normal quantile magnifies the rounding of a probability by its slope; a power takes a logarithm and back.
SLACK = {"normal": 30.0, "uniform": 4.0, "yeo-johnson": 10.0, "log1p": 10.0, "columns-of-all": 10.0}
OFFSET = {"log1p": 0.0}
"""A logarithm of values about a million has no digits to keep."""


def data(name, rows=200):
    x = np.random.default_rng(0).gamma(2.0, 2.0, (rows, 3)) + OFFSET.get(name, 1e6)
    x[::9, 0] = np.nan
    return x.astype(np.float32)


def later(name):
    """Rows of training, values beyond them on both sides, and missing ones."""
    x = data(name)
    return np.concatenate(
        [x[:40], x[:20] + 30, x[:20] - np.float32(0.5), np.full((1, 3), np.nan, np.float32)]
    )


def model_of(scaler):
    return keras.Sequential([keras.Input((3,)), scaler.to_layer()])


def saved_and_loaded(scaler, folder):
    model_of(scaler).save(folder / "m.keras")
    return normwise.load_model(folder / "m.keras")


def assert_runs_as(run, scaler, name, x):
    """Column by column: what is large in one must not hide what is wrong in another."""
    found, expected = run(x), scaler.transform(x.astype(np.float64))
    assert found.dtype == np.float32
    assert np.array_equal(np.isnan(found), np.isnan(expected)), "NaN is elsewhere"
    for y, wanted in zip(found.T, expected.T, strict=True):
        there = ~np.isnan(wanted)
        assert_close(y[there], wanted[there], tolerance("float32", conditioning=SLACK.get(name, 1.0)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("way", ["at once", "by .keras"])
def test_the_exported_layer_computes_what_transform_does(name, way, tmp_path):
    scaler = ALL[name]().fit(data(name).astype(np.float64))
    model = model_of(scaler) if way == "at once" else saved_and_loaded(scaler, tmp_path)
    x = later(name)
    model(x)  # Keras exports no model that was never called
    run = exported(model, tmp_path / "m.onnx")
    for part in (x, x[:1], x[-3:]):
        assert_runs_as(run, scaler, name, part)


def test_the_comparison_can_fail(tmp_path):
    x = data("standard")
    scaler, other = (ALL["standard"]().fit(x[rows:].astype(np.float64)) for rows in (0, 100))
    model = model_of(scaler)
    model(x)
    run = exported(model, tmp_path / "m.onnx")
    with pytest.raises(AssertionError, match="relative error"):
        assert_runs_as(run, other, "standard", x)
    with pytest.raises(AssertionError, match="NaN is elsewhere"):
        assert_runs_as(lambda x: np.nan_to_num(run(x)), scaler, "standard", x)
