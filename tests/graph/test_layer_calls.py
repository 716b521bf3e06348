"""What layers take and give, noted while a model is called, on whichever backend the process has."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import normwise
from normwise.core.saturation import SATURATED, SATURATED_FROM
from normwise.graph.layer_calls import by_call, calls_noted

X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def noted(model, x):
    with calls_noted() as calls:
        model(x)
    return calls


def test_activations_and_normalizations_in_the_order_of_their_calls():
    shared = layers.Dense(3, "tanh", name="shared")
    x = inputs = keras.Input((3,))
    x = layers.ReLU(name="rectified")(shared(shared(x)))
    x = normwise.BatchNormalization(activation="sigmoid", name="fused")(x)
    model = keras.Model(inputs, layers.Dense(2, name="linear")(layers.BatchNormalization(name="plain")(x)))
    calls = noted(model, X)
    assert [(seen.path, seen.function) for seen in calls.activations] == [
        ("shared", "tanh"), ("shared", "tanh"), ("rectified", "relu"), ("fused", "sigmoid"),
    ]  # fmt: skip
    assert list(by_call((seen.path, 0) for seen in calls.activations))[:2] == ["shared", "shared#2"]
    assert [(seen.path, seen.axes) for seen in calls.normalizations] == [("fused", (0,)), ("plain", (0,))]
    first, _, _, fused = calls.activations
    kernel, bias = (ops.convert_to_numpy(w) for w in shared.weights)
    np.testing.assert_allclose(ops.convert_to_numpy(first.inputs), X @ kernel + bias, rtol=1e-4, atol=1e-5)
    expected = 1 / (1 + np.exp(-ops.convert_to_numpy(fused.inputs)))
    np.testing.assert_allclose(ops.convert_to_numpy(fused.outputs), expected, rtol=1e-5)


@pytest.mark.parametrize("unroll", [False, True])
def test_what_is_called_once_a_time_step_is_left_out(unroll):
    loop = layers.SimpleRNN(4, unroll=unroll)
    model = keras.Sequential([keras.Input((2, 3)), loop, layers.Activation("tanh", name="after")])
    assert [seen.path for seen in noted(model, np.stack([X, X], axis=1)).activations] == ["after"]


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (layers.ReLU(), "relu"),
        (layers.ReLU(max_value=6.0), "relu6"),
        (layers.ReLU(negative_slope=0.1), "leaky_relu"),
        (layers.Activation("elu"), "elu"),
    ],
)
def test_the_function_of_an_activation_layer(layer, function):
    (seen,) = noted(layer, X).activations
    assert seen.function == function


@pytest.mark.parametrize("function", list(SATURATED_FROM))
def test_pre_activations_are_saturated_where_outputs_are(function):
    edge = SATURATED_FROM[function] * np.array([-1.001, -0.999, 0.999, 1.001])
    outputs = ops.convert_to_numpy(keras.activations.get(function)(ops.convert_to_tensor(edge, "float32")))
    assert SATURATED[function](outputs).tolist() == [True, False, False, True]


def test_layers_are_as_before_where_a_call_raises():
    before, layer = keras.layers.Layer.__call__, layers.Dense(2, "tanh")
    layer.build((None, 3))
    with pytest.raises(ValueError, match="incompatible"), calls_noted():
        layer(np.ones((4, 5), "float32"))
    assert keras.layers.Layer.__call__ is before
    assert layer.activation is keras.activations.tanh
