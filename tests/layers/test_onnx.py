"""The scaling layers through Keras' own ONNX export, run in ONNX Runtime at other batch sizes too."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.onnx_export import exported
from tests.reference.tolerance import assert_close, tolerance

import normwise

KNOTS = [[999_998.0, 1e6, 1_000_001.5], [0.0, 1.0, 5.0], [-3.0, 9.0]]
LOW = [[0.0, 0.2, 1.0], [0.0, 0.3, 1.0], [0.0, 1.0]]
HIGH = [[0.0, 0.6, 1.0], [0.1, 0.3, 1.0], [0.0, 1.0]]
CENTER = float(np.log1p(1e6))


def column_scaling():
    layers = [
        normwise.QuantileScaling(KNOTS[:1], LOW[:1], HIGH[:1], "normal"),
        normwise.FeatureScaling(1.0, 2.0, clip=(-1.0, 1.0)),
    ]
    return normwise.ColumnScaling([[0], [2]], layers)


LAYERS = {
    "FeatureScaling": lambda: normwise.FeatureScaling([1e6 + 0.123, 2.0, 2.0], [1.7, 1 / 3, 2.0], 0.25),
    "FeatureScaling, clip": lambda: normwise.FeatureScaling(
        [1e6, 2.0, 2.0], 1.7, missing="zero", clip=(-1, 2)
    ),
    "FeatureScaling, one bound": lambda: normwise.FeatureScaling([1e6, 2.0, 2.0], 1.7, clip=(None, 2)),
    "PowerScaling": lambda: normwise.PowerScaling(
        "yeo-johnson", [0.0, 1e-9, 2.0], [CENTER, 1.0, 0.0], [1e6, 1, 1]
    ),
    "PowerScaling, log1p": lambda: normwise.PowerScaling(
        "log1p", center=[CENTER, 1.0, 0.0], scale=[1e6, 1, 1]
    ),
    "QuantileScaling": lambda: normwise.QuantileScaling(KNOTS, LOW, HIGH),
    "QuantileScaling, normal": lambda: normwise.QuantileScaling(KNOTS, LOW, HIGH, "normal", missing="zero"),
    "ColumnScaling": column_scaling,
}


def rows(count):
    """A column at offset 1e6 first; values at knots, beyond all of them, tiny ones and missing ones."""
    x = np.random.default_rng(0).normal([1e6, 2.0, 2.0], [1.0, 3.0, 3.0], (count, 3)).astype("float32")
    x[0] = [1e6, 1.0, -3.0]
    x[1:4] = [[2e6, 9.0, 1e-20], [0.0, -9.0, -1e-20], [np.nan, np.nan, np.nan]]
    x[4:6, 2] = [np.inf, -np.inf]
    return x


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_the_exported_model_computes_what_kerass_does(make, tmp_path):
    x = rows(64)
    model = keras.Sequential([keras.Input((3,)), make()])
    expected = ops.convert_to_numpy(model(x)).astype("float64")
    run = exported(model, tmp_path / "m.onnx")
    for part in (slice(0, 64), slice(0, 1), slice(3, 10)):
        y = run(x[part])
        there = np.isfinite(expected[part])
        np.testing.assert_array_equal(y[~there], expected[part][~there])
        for column in range(3):
            # Column by column: what is large in one must not hide what is wrong in another.
            found, wanted = (v[:, column][there[:, column]] for v in (y, expected[part]))
            assert_close(found, wanted, tolerance("float32", conditioning=4.0))
