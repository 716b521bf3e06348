"""Activations and gradients against depth, against a network and its backpropagation in float64."""

import os

import numpy as np
import pytest
from tests.insight.networks import left_as_it_is, network, randomized, reference, rows
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import TrainingError
from normwise.insight import moments_by_depth

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers

FUNCTIONS = ["tanh", "relu", "sigmoid", "tanh"]
NAMES = ["activation_mean", "activation_std", "gradient_rms"]


def compiled(model, optimizer="sgd"):
    model.compile(optimizer, "mse")
    return model


def targets(x):
    return (x[:, :1] - 2 * x[:, 1:2]).astype("float32")


@pytest.mark.parametrize("normalization", [None, "keras", "normwise"])
def test_moments_of_a_network_and_its_gradients(normalization):
    model, x = compiled(network(FUNCTIONS, normalization)), rows()
    with left_as_it_is(model):
        found = moments_by_depth(model, x, targets(x), "raw")
    made = reference(model, FUNCTIONS)
    gradients = dense_network.kernel_gradients(made, np.float64(x), np.float64(targets(x)))
    mean, std, gradient = found
    assert [curve.name for curve in found] == NAMES
    assert {(curve.variant, curve.sample_size) for curve in found} == {("raw", len(x))}
    assert mean.x == std.x == (1.0, 2.0, 3.0, 4.0)
    assert gradient.x == (1.0, 2.0, 3.0, 4.0, 5.0)
    # Of nine layers, each magnifies what the ones before rounded.
    allowed = tolerance("float32", len(x), 32)
    for curve, units in (
        (mean, [one.a.mean(0) for one in made[:-1]]),
        (std, [one.a.std(0) for one in made[:-1]]),
    ):
        assert_close(curve.y, [np.mean(values) for values in units], allowed)
        assert_close(curve.low, [np.percentile(values, 15) for values in units], allowed)
        assert_close(curve.high, [np.percentile(values, 85) for values in units], allowed)
    expected = [np.sqrt(np.mean(g**2)) for g in gradients]
    # A gradient that vanished is asked to be right beside itself, not beside the largest.
    assert_close(np.divide(gradient.y, expected), np.ones(5), allowed)


def test_a_loss_that_an_optimizer_for_half_precision_scales():
    x = rows()
    plain = compiled(network(FUNCTIONS))
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=1024.0)
    scaled = compiled(network(FUNCTIONS), wrapped)
    scaled.set_weights(plain.get_weights())
    gradients = [moments_by_depth(model, x, targets(x))[2].y for model in (plain, scaled)]
    assert_close(*gradients, tolerance("float32", len(x)))


def test_growing_activations_and_vanishing_gradients_are_seen():
    deep = [layers.Dense(4, "relu", kernel_initializer="identity", name=f"d{i}") for i in range(6)]
    model = keras.Sequential([keras.Input((4,)), *deep, layers.Dense(1, kernel_initializer="ones")])
    for layer in deep:
        layer.kernel.assign(2 * np.eye(4))
    x = np.abs(rows(8, 4))
    mean, std, gradient = moments_by_depth(compiled(model), x, np.zeros((8, 1)))
    assert mean.y == pytest.approx([x.mean(0).mean() * 2.0**d for d in range(1, 7)], rel=1e-5)
    assert std.y == pytest.approx([x.std(0).mean() * 2.0**d for d in range(1, 7)], rel=1e-5)
    # Each kernel sees half of the gradient that reaches the one above it, of twice the activation: all alike.
    assert gradient.y[:6] == pytest.approx([gradient.y[0]] * 6, rel=1e-5)


def test_images_nested_models_branches_and_a_shared_layer():
    inputs = keras.Input((4, 4, 2))
    inner = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 3, activation="tanh")])
    shared = layers.Dense(3, "sigmoid")
    left, right = shared(inner(inputs)), layers.Conv2D(3, 3, activation="tanh", trainable=False)(inputs)
    x = layers.PReLU()(layers.BatchNormalization()(shared(layers.Add()([left, right]))))
    model = compiled(randomized(keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))))
    x = rows(6, 32).reshape(6, 4, 4, 2)
    with left_as_it_is(model):
        mean, _, gradient = moments_by_depth(model, x, np.zeros((6, 1)))
    # Two convolutions, the shared layer's two calls, PReLU; weights: one convolution, the shared layer, the
    # last one, the other convolution being frozen.
    assert len(mean.x) == 5
    assert len(gradient.x) == 3
    assert min(gradient.y) > 0


def test_what_has_no_moments_by_depth():
    x = rows()
    with pytest.raises(TrainingError, match="the model net has built=True and compiled=False; expected both"):
        moments_by_depth(network(["tanh"]), x, targets(x))
    with pytest.raises(ValueError, match="x holds nan in row 0"):
        moments_by_depth(compiled(network(["tanh"])), np.full((2, 3), np.nan), np.zeros((2, 1)))
    linear = keras.Sequential([keras.Input((3,)), layers.Dense(1)], name="linear")
    with pytest.raises(
        TrainingError, match="the model linear calls no activation function; expected a layer"
    ):
        moments_by_depth(compiled(linear), x, targets(x))
    bare = compiled(keras.Sequential([keras.Input((3,)), layers.Activation("tanh")], name="bare"))
    with pytest.raises(TrainingError, match="the model bare calls no layer with trainable weights"):
        moments_by_depth(bare, x, x)
    with pytest.raises(
        TrainingError, match=r"the gradient of net/dense\S*/kernel holds nan; expected finite"
    ):
        moments_by_depth(compiled(network(["tanh"])), x, np.full((64, 1), np.nan, "float32"))
