"""Saturation on whichever backend the process has: activations in closed form, and whole networks."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.insight.networks import left_as_it_is, network, randomized, reference, rows, values
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import TrainingError
from normwise.insight import saturation
from normwise.insight._derivatives import DERIVATIVES

ALONE = "only"


def of_function(layer, z):
    """What is found of an activation that takes exactly z."""
    model = keras.Sequential([keras.Input(z.shape[1:]), layer])
    return {m.name: m.value for m in saturation(model, z.astype("float32"))}


@pytest.mark.parametrize("end", [1.0, 3.0, 10.0])
def test_tanh_of_evenly_spread_pre_activations(end):
    count = 2000
    z = (np.arange(count) + 0.5) / count * 2 * end - end
    found = of_function(layers.Activation("tanh"), z[:, None])
    # The mean over the interval of tanh' is (tanh(a) − tanh(−a))/2a; the midpoint rule is off by at most
    # h²/24·max|tanh'''| = h²/12.
    allowed = (2 * end / count) ** 2 / 12 + tolerance("float32", count)
    assert found["mean_derivative"] == pytest.approx(math.tanh(end) / end, abs=allowed)
    # |tanh z| > 0.97 beyond atanh(0.97); a point of the grid more or less.
    assert found["saturation_share"] == pytest.approx(max(0, 1 - math.atanh(0.97) / end), abs=1 / count)
    assert "dead_units" not in found


def test_dead_units_are_those_that_give_something_in_less_than_a_twentieth_of_the_rows():
    z = np.full((100, 4), -1.0)
    z[:, 1] = 1.0
    # The 95th percentile of 100 values is at place 94.05 of 0 to 99: of the fifth largest, a part.
    z[:4, 2] = 1.0
    z[:5, 3] = 1.0
    found = of_function(layers.ReLU(), z)
    assert found["dead_units"] == 0.5
    assert found["saturation_share"] == pytest.approx((100 + 96 + 95) / 400)
    assert found["mean_derivative"] == pytest.approx((100 + 4 + 5) / 400)


@pytest.mark.parametrize(
    ("layer", "z", "share", "slope"),
    [
        (layers.ReLU(max_value=6), [-1.0, 2.0, 7.0, 8.0], 0.75, 0.25),
        (layers.ReLU(max_value=1), [-1.0, 0.5, 7.0, 8.0], 0.25, 0.25),
        (layers.ReLU(threshold=1), [-1.0, 0.5, 2.0, 3.0], 0.5, 0.5),
        (layers.ReLU(negative_slope=0.5), [-1.0, -2.0, 2.0, 3.0], None, 0.75),
        (layers.LeakyReLU(0.1), [-1.0, -2.0, 2.0, 3.0], None, 0.55),
        (layers.PReLU("ones"), [-1.0, -2.0, 2.0, 3.0], None, 1.0),
        (layers.ELU(2.0), [0.0, 0.0, 2.0, 3.0], None, 1.0),
    ],
)
def test_activation_layers_with_arguments(layer, z, share, slope):
    found = of_function(layer, np.array(z)[:, None])
    assert found.get("saturation_share") == share
    assert found["mean_derivative"] == pytest.approx(slope, rel=tolerance("float32"))
    assert ("dead_units" in found) == (share is not None)


# From their definitions.
F = {
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "hard_tanh": lambda z: max(-1.0, min(1.0, z)),
    "hard_sigmoid": lambda z: max(0.0, min(1.0, z / 6 + 0.5)),
    "relu": lambda z: max(0.0, z),
    "relu6": lambda z: max(0.0, min(6.0, z)),
    "leaky_relu": lambda z: z if z > 0 else 0.2 * z,
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * (math.exp(z) - 1)),
    "softplus": lambda z: math.log(1 + math.exp(z)),
    "exponential": math.exp,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "gelu": lambda z: z * 0.5 * (1 + math.erf(z / math.sqrt(2))),
}


@pytest.mark.parametrize("name", list(DERIVATIVES))
def test_derivatives_are_those_of_the_functions(name):
    # Not at their corners: 0, 1, 3 and 6.
    z = np.array([-7.5, -4.0, -2.0, -0.7, -0.01, 0.02, 0.5, 2.0, 4.0, 7.5], np.float32)
    if name == "prelu":
        y, f = 0.25 * np.minimum(z, 0) + np.maximum(z, 0), lambda z: z if z > 0 else 0.25 * z
    else:
        function, f = keras.activations.get(name), F[name]
        y = ops.convert_to_numpy(function(ops.convert_to_tensor(z)))
        assert function.__name__ == name
    h = 1e-5
    expected = [(f(float(v) + h) - f(float(v) - h)) / (2 * h) for v in z]
    # y is in float32, up to 1 of it cancels: 1 − y² of tanh. The central difference is off by h².
    assert_close(DERIVATIVES[name](np.float64(z), np.float64(y)), expected, tolerance("float32", 1, 4))


@pytest.mark.parametrize("normalization", [None, "keras", "normwise"])
def test_a_network_with_dropout_as_it_computes_in_training(normalization):
    functions = ["tanh", "relu", "sigmoid"]
    model, x = network(functions, normalization), rows(scale=4.0)
    with left_as_it_is(model):
        found = saturation(model, x, "raw")
    made = reference(model, functions)
    dense_network.forward(made, x)
    expected = [
        ("saturation_share", np.mean(np.abs(made[0].a) > 0.97)),
        ("mean_derivative", np.mean(dense_network.FUNCTIONS["tanh"][1](made[0].z))),
        ("saturation_share", np.mean(made[1].a == 0)),
        ("dead_units", np.mean(np.percentile(made[1].a, 95, axis=0) < 1e-5)),
        ("mean_derivative", np.mean(made[1].z > 0)),
        ("saturation_share", np.mean(np.abs(2 * made[2].a - 1) > 0.97)),
        ("mean_derivative", np.mean(dense_network.FUNCTIONS["sigmoid"][1](made[2].z))),
    ]
    assert [m.name for m in found] == [name for name, _ in expected]
    # Seven layers, of which each magnifies what the one before rounded.
    assert_close([m.value for m in found], [v for _, v in expected], tolerance("float32", len(x), 16))
    assert {(m.variant, m.sample_size, m.unit) for m in found} == {("raw", len(x), "")}


def test_images_nested_models_branches_and_a_shared_layer():
    inputs = keras.Input((4, 4, 2))
    inner = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 1, activation="tanh", name="conv")])
    shared = layers.Dense(3, "sigmoid", name="shared")
    left, right = shared(inner(inputs)), layers.Conv2D(3, 1, activation="softmax", name="other")(inputs)
    outputs = shared(layers.Add()([left, right]))
    model = randomized(keras.Model(inputs, outputs, name="both"))
    x = rows(6, 32).reshape(6, 4, 4, 2)
    with left_as_it_is(model):
        found = values(saturation(model, x))
    (conv,) = [layer for layer in model._flatten_layers() if layer.name == "conv"]
    kernel, bias = (np.float64(ops.convert_to_numpy(w)) for w in conv.weights)
    z = np.float64(x) @ kernel[0, 0] + bias
    assert found["mean_derivative", conv.path] == pytest.approx(np.mean(1 - np.tanh(z) ** 2), rel=1e-5)
    assert found["saturation_share", conv.path] == np.mean(np.abs(np.tanh(z)) > 0.97)
    assert {place for _, place in found} == {conv.path, "shared", "shared#2"}


def test_inputs_by_name():
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b", dtype="int32")
    joined = layers.Concatenate()([a, layers.Flatten()(layers.Embedding(4, 2)(b))])
    model = randomized(keras.Model({"a": a, "b": b}, layers.Dense(2, "tanh")(joined)))
    x = {"a": rows(4, 2), "b": np.arange(12).reshape(4, 3) % 4}
    assert {m.sample_size for m in saturation(model, x)} == {4}
    with pytest.raises(ValueError, match=r"the arrays of x have \[4, 3\] rows; expected as many in each"):
        saturation(model, {**x, "b": x["b"][:3]})
    with pytest.raises(ValueError, match=r'x\["a"\] holds inf in row 1 \(counted from 0\); expected finite'):
        saturation(model, {**x, "a": np.array([[0.0, 1.0], [np.inf, 1.0]] * 2)})


def test_what_cannot_be_measured():
    model = network(["tanh"])
    with pytest.raises(ValueError, match=r"x holds nan in row 2 \(counted from 0\); expected finite numbers"):
        saturation(model, np.where(np.arange(12).reshape(4, 3) == 7, np.nan, 1.0))
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\) and dtype float32; expected two rows"):
        saturation(model, rows(1))
    with pytest.raises(ValueError, match=r"x has shape \(2, 1\) and dtype <U1; expected two rows or more of"):
        saturation(model, np.array([["a"], ["b"]]))
    with pytest.raises(TrainingError, match="the model raw is not built; expected one that is"):
        saturation(keras.Sequential([layers.Dense(2, "tanh")], name="raw"), rows())
    plain = keras.Sequential([keras.Input((3,)), layers.Dense(2, "softmax")], name="plain")
    with pytest.raises(TrainingError, match="the model plain calls no activation function that can be meas"):
        saturation(plain, rows())
    model.layers[0].kernel.assign(np.full((3, 5), np.inf))
    with pytest.raises(TrainingError, match=r"tanh of layer \S*dense\S* holds (-?inf|nan); expected finite"):
        saturation(model, rows())


def test_the_check_that_nothing_changed_can_fail():
    model = network(["tanh"], "keras")
    with pytest.raises(AssertionError), left_as_it_is(model):
        model(rows(), training=True)
    fused = normwise.BatchNormalization(activation="relu")
    model = keras.Sequential([keras.Input((3,)), fused])
    with pytest.raises(AssertionError), left_as_it_is(model):
        fused.activation = None
