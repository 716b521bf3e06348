"""How much each feature moves the first layer, against closed forms and a network in float64."""

import os

import numpy as np
import pytest
from tests.insight.networks import EPSILON, left_as_it_is, network, randomized, reference, rows
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import TrainingError
from normwise.core.saturation import AT
from normwise.insight import sensitivity

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("derivatives are measured on JAX", allow_module_level=True)

import keras
from keras import layers

NAMES = ["age", "hours", "fnlwgt"]
ENDS = {"tanh": np.arctanh(AT), "sigmoid": 2 * np.arctanh(AT)}


def by_name(found):
    names = {m.name: 0 for m in found}
    assert all([m.column for m in found if m.name == name] == NAMES for name in names)
    return {name: [m.value for m in found if m.name == name] for name in names}


def expected(model, function, x):
    (first, *_) = reference(model, [function])
    dense_network.forward([first], x)
    slopes = (
        first.kernel
        if first.gamma is None
        else first.kernel * first.gamma / np.sqrt(first.variance + EPSILON)
    )
    moved = np.abs(slopes) * np.float64(x).std(0)[:, None]
    derivative = np.abs(dense_network.FUNCTIONS[function][1](first.z)).mean(0)
    found = {"sensitivity_per_std": (moved * derivative).mean(1)}
    if function in ENDS:
        found["units_saturated_by_column"] = (moved >= ENDS[function]).mean(1)
    return found


@pytest.mark.parametrize("normalization", [None, "keras", "normwise"])
@pytest.mark.parametrize("function", ["tanh", "sigmoid", "relu"])
def test_a_dense_layer_and_its_activation(function, normalization):
    model, x = network([function], normalization), rows(scale=np.array([0.1, 1.0, 8.0]))
    with left_as_it_is(model):
        found = sensitivity(model, x, NAMES, "raw")
    wanted = expected(model, function, x)
    assert by_name(found).keys() == wanted.keys()
    for name, numbers in by_name(found).items():
        assert_close(numbers, wanted[name], tolerance("float32", len(x) * 5, 8))
    assert {(m.layer, m.variant, m.sample_size, m.unit) for m in found} == {
        (model.layers[0].path, "raw", len(x), "")
    }


def test_a_raw_column_saturates_nearly_all_units_and_blinds_them_to_the_others():
    model = network(["tanh"])
    units = 200
    model = randomized(keras.Sequential([keras.Input((3,)), layers.Dense(units, "tanh")]))
    x = rows(500)
    shares = by_name(sensitivity(model, x * [1.0, 1.0, 1e5], NAMES))
    # Weights are standard normal: |w|·1e5·σ < 2.09 for one weight in 50,000.
    assert shares["units_saturated_by_column"][2] == 1.0
    scaled = by_name(sensitivity(model, x, NAMES))
    assert shares["sensitivity_per_std"][0] < 1e-3 * scaled["sensitivity_per_std"][0]
    # P(|w| ≥ 2.09/σ), σ = 1 or nearly: 3.6%, of 200 units.
    assert 0 < scaled["units_saturated_by_column"][2] < 0.1


def test_a_scaling_layer_before_it_and_a_nested_model():
    x = rows(scale=np.array([0.1, 1.0, 8.0]))
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(5, "tanh"), layers.Dense(2, "tanh")])
    scaled = normwise.scaling.StandardScaler().fit(x)
    inputs = keras.Input((3,))
    model = randomized(keras.Model(inputs, inner(scaled.to_layer()(inputs)), name="outer"))
    found = by_name(sensitivity(model, x, NAMES))
    alone = keras.Sequential([keras.Input((3,)), layers.Dense(5, "tanh")])
    alone.set_weights(inner.get_weights()[:2])
    wanted = by_name(sensitivity(alone, scaled.transform(x), NAMES))
    for name, numbers in found.items():
        assert_close(numbers, wanted[name], tolerance("float32", len(x), 16))


def test_the_activation_is_the_one_behind_the_dense_layer_however_branches_are_called():
    inputs = keras.Input((3,))
    other = layers.Activation("sigmoid", name="other")(inputs)
    first = layers.Dense(5, name="first")
    second = layers.Dense(5, "sigmoid", name="second")(inputs)
    outputs = layers.Concatenate()(
        [other, second, layers.Activation("tanh")(layers.Dropout(0.5)(first(inputs)))]
    )
    model, x = randomized(keras.Model(inputs, outputs)), rows()
    found = sensitivity(model, x, NAMES)
    layer = next(one for one in model.layers if one.path == found[0].layer)
    alone = keras.Sequential(
        [keras.Input((3,)), layers.Dense(5, "sigmoid" if layer.name == "second" else "tanh")]
    )
    alone.set_weights(layer.get_weights())
    for name, numbers in by_name(found).items():
        assert_close(numbers, by_name(sensitivity(alone, x, NAMES))[name], tolerance("float32", len(x)))


def test_a_frozen_normalization_is_by_its_moving_statistics():
    norm = layers.BatchNormalization(trainable=False)
    model = randomized(
        keras.Sequential([keras.Input((3,)), layers.Dense(5), norm, layers.Activation("tanh")])
    )
    x = rows()
    gamma, beta, mean, variance = (np.float64(w) for w in norm.get_weights())
    kernel, bias = (np.float64(w) for w in model.layers[0].get_weights())
    slopes = kernel * gamma / np.sqrt(variance + EPSILON)
    z = (x @ kernel + bias - mean) * gamma / np.sqrt(variance + EPSILON) + beta
    wanted = (np.abs(slopes) * np.float64(x).std(0)[:, None] * (1 - np.tanh(z) ** 2).mean(0)).mean(1)
    found = by_name(sensitivity(model, x, NAMES))["sensitivity_per_std"]
    assert_close(found, wanted, tolerance("float32", len(x), 8))


def test_a_constant_column_moves_nothing():
    x = rows()
    x[:, 1] = 0.1
    found = by_name(sensitivity(network(["tanh"]), x, NAMES))
    assert found["sensitivity_per_std"][1] == found["units_saturated_by_column"][1] == 0.0


def test_what_has_no_sensitivity():
    model, x = network(["tanh"]), rows()
    with pytest.raises(ValueError, match='column "hours" of x holds nan in row 1'):
        sensitivity(model, np.where(np.arange(12).reshape(4, 3) == 4, np.nan, 1.0), NAMES)
    with pytest.raises(TrainingError, match="the model raw is not built"):
        sensitivity(keras.Sequential([layers.Dense(2, "tanh")], name="raw"), x, NAMES)
    with pytest.raises(TrainingError, match=r"net: net/dense\S* takes 3 features; expected 2, as in x"):
        sensitivity(model, x[:, :2], NAMES[:2])
    inputs = keras.Input((3,))
    wide = layers.Dense(1, name="wide")(inputs)
    linear = keras.Model(inputs, layers.Add()([wide, layers.Activation("tanh")(inputs)]))
    with pytest.raises(
        TrainingError, match=r"no activation function takes what layer wide gives.*calls tanh"
    ):
        sensitivity(linear, x, NAMES)
    model.layers[0].kernel.assign(np.full((3, 5), np.inf))
    with pytest.raises(TrainingError, match=r'of tanh behind layer net/dense\S* by column "age" is not fini'):
        sensitivity(model, x, NAMES)
