"""ColumnScaling: each layer gets its columns, everything stays in its place, and comes back from a file."""

import keras
import numpy as np
import pytest
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise

QUANTILES = ([[0.0, 4.0]], [[0.0, 1.0]], [[0.0, 1.0]])


def several(**kwargs):
    layers = [
        normwise.FeatureScaling([1.0, -2.0], [2.0, 0.5], clip=(None, 9.0)),
        normwise.QuantileScaling(*QUANTILES),
        normwise.PowerScaling("yeo-johnson", [0.0]),
    ]
    return normwise.ColumnScaling([[4, 0], [2], [1]], layers, **kwargs)


def by_hand(x):
    x = np.asarray(x, np.float64)
    y = x.copy()
    y[..., 4] = np.minimum((x[..., 4] - 1) * 2, 9)
    y[..., 0] = np.minimum((x[..., 0] + 2) * 0.5, 9)
    y[..., 2] = np.clip(x[..., 2] / 4, 0, 1)
    w = np.abs(x[..., 1])
    y[..., 1] = np.where(x[..., 1] >= 0, np.log1p(w), -((1 + w) ** 2 - 1) / 2)
    return y


@pytest.mark.parametrize("shape", [(6,), (8, 6), (2, 5, 6), (0, 6)])
def test_every_column_keeps_its_place(shape):
    x = normal(shape)
    assert_close(numpy(several()(x)), by_hand(x), 4 * tolerance("float32"))


def test_gradients_reach_their_columns():
    x = normal((4, 6), mean=2.0, std=0.1)
    by_x, _ = gradients(several(), x, np.ones_like(x))
    expected = np.tile([0.5, 0.0, 0.25, 1.0, 2.0, 1.0], (4, 1))
    expected[:, 1] = 1 / (1 + x[:, 1].astype("float64"))
    assert_close(by_x, expected, tolerance("float32"))


@pytest.mark.parametrize("jit", [False, True])
def test_a_large_offset_keeps_its_digits_in_compiled_models(jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ compiler")
    x = normal((1000, 3), mean=1e6, std=1.0)
    layers = [
        normwise.FeatureScaling(1e6 + 0.123, 1.7),
        normwise.PowerScaling("log1p", center=np.log1p(1e6), scale=1e6),
    ]
    model = keras.Sequential([keras.Input((3,)), normwise.ColumnScaling([[2], [0]], layers)])
    model.compile(jit_compile=jit)
    y = model.predict(x, verbose=0)
    wide = x.astype("float64")
    np.testing.assert_array_equal(y[:, 1], x[:, 1])
    assert_close(y[:, 2], (wide[:, 2] - 1e6 - 0.123) * 1.7, tolerance("float32"))
    center = float(np.log1p(1e6))
    shifted = (np.log1p((wide[:, 0] - 1e6) / (1 + 1e6)) + (np.log1p(1e6) - center)) * 1e6
    assert_close(y[:, 0], shifted, tolerance("float32"))


def test_half_precision_comes_after_the_scaling():
    x = normal((64, 2), mean=1e4, std=1.0)
    layer = normwise.ColumnScaling([[1]], [normwise.FeatureScaling(1e4, 1.0)], dtype="mixed_float16")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert_close(numpy(y)[:, 1], x[:, 1].astype("float64") - 1e4, tolerance("float16"))


def test_integers_and_booleans_become_floats():
    x = np.array([[0, 1], [1, 1]], "int32")
    y = normwise.ColumnScaling([[0]], [normwise.FeatureScaling(1.0, 2.0)])(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert numpy(y).tolist() == [[-2.0, 1.0], [0.0, 1.0]]


def test_layers_with_variables_learn_and_come_back(tmp_path):
    inner = normwise.BatchNormalization(momentum=0.5)
    model = keras.Sequential(
        [keras.Input((3,)), normwise.ColumnScaling([[2, 1]], [inner]), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = normal((64, 3))
    model.fit(x, x[:, :1], batch_size=16, epochs=1, verbose=0)
    assert np.abs(numpy(inner.moving_mean)).min() > 0.5
    model.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_layer_within_a_layer_comes_back_in_safe_mode(tmp_path):
    nested = normwise.ColumnScaling([[5, 3, 0, 1, 2, 4]], [several(name="within")])
    model = keras.Sequential([keras.Input((6,)), nested])
    model.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    x = normal((8, 6))
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [type(v).__name__ for v in again.layers[0].layers[0].layers] == [
        "FeatureScaling",
        "QuantileScaling",
        "PowerScaling",
    ]


def test_code_in_a_layer_is_not_run(tmp_path):
    layer = normwise.ColumnScaling([[0]], [keras.layers.Lambda(lambda x: x, output_shape=(1,))])
    keras.Sequential([keras.Input((2,)), layer]).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="arbitrary code execution"):
        normwise.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("columns", "layers", "error", "message"),
    [
        ([[0], [1]], 1, ValueError, "equally long, got 2 groups and 1 layers"),
        ([[0, 1], [1]], 2, ValueError, r"each position once, counted from 0, got 1 in \[\[0, 1\], \[1\]\]"),
        ([[-1]], 1, ValueError, r"counted from 0, got -1 in \[\[-1\]\]"),
        ([[0], []], 2, ValueError, r"every layer needs a column, but group 1 of \[\[0\], \[\]\] is empty"),
        ([["age"]], 1, TypeError, r"a column must be a whole number, .* got 'age'"),
    ],
)
def test_columns_that_are_refused(columns, layers, error, message):
    with pytest.raises(error, match=message):
        normwise.ColumnScaling(columns, [normwise.FeatureScaling(0.0, 1.0) for _ in range(layers)])


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match=r"layers must hold Keras layers, got 3\.5"):
        normwise.ColumnScaling([[0]], [3.5])


@pytest.mark.parametrize("shape", [(8, 4), (8, 1), ()])
def test_too_few_features(shape):
    size = shape[-1] if shape else None
    with pytest.raises(ValueError, match=rf"last axis has {size} features, but column 4 is to be scaled"):
        several()(np.zeros(shape, "float32"))


def test_a_layer_that_makes_other_columns_is_refused():
    layer = normwise.ColumnScaling([[0, 2]], [keras.layers.Dense(5, name="wide")])
    with pytest.raises(ValueError, match=r"layer 'wide' makes 5 columns of the 2 columns \[0, 2\]"):
        layer(np.zeros((4, 3), "float32"))
