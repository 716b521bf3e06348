"""Shares of a network's first gradient, against the same network in float64."""

import os

import numpy as np
import pytest
from tests.reference.probes import OneTanhLayer
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import TrainingError
from normwise.insight import share_of_first_gradient

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers

NAMES = ["a", "b", "c"]


def network(compiled=True):
    hidden = layers.Dense(4, activation="tanh", name="hidden")
    model = keras.Sequential([keras.Input((3,)), hidden, layers.Dense(1)], name="net")
    random = np.random.default_rng(6)
    model.set_weights([random.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    if compiled:
        model.compile(loss="mse", optimizer="sgd")
    return model


def data(rows):
    random = np.random.default_rng(7)
    return random.normal(size=(rows, 3)) * [0.5, 1.0, 4.0], random.normal(size=(rows, 1))


def first_gradient(weights, x, y):
    """What a step of gradient descent at rate 1 takes off the first kernel."""
    layer = OneTanhLayer(weights, rate=1.0)
    layer.step(x, y)
    return np.asarray(weights[0], np.float64) - layer.weights[0]


@pytest.mark.parametrize("rows", [20, 100])
def test_shares_by_their_definition(rows):
    model, (x, y) = network(), data(rows)
    before = model.get_weights()
    found = share_of_first_gradient(model, x, y, NAMES, "raw")
    size = min(32, rows)
    order = np.random.default_rng(0).permutation(rows)[: rows // size * size]
    squares = sum(
        np.sum(first_gradient(before, x[batch], y[batch]) ** 2, axis=1) for batch in order.reshape(-1, size)
    )
    assert_close([m.value for m in found], squares / squares.sum(), tolerance("float32", rows, 4))
    assert [(m.name, m.column, m.layer, m.variant, m.sample_size) for m in found] == [
        ("share_of_first_gradient", name, "net/hidden", "raw", len(order)) for name in NAMES
    ]


def test_a_network_with_statistics_and_dropout_is_left_as_it_is():
    parts = [layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *parts])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer="adam", metrics=["accuracy"])
    before = [np.array(v.value) for v in model.variables]
    x, y = data(64)
    found = share_of_first_gradient(model, x, (y[:, 0] > 0).astype(int), NAMES)
    assert sum(m.value for m in found) == pytest.approx(1.0)
    for a, b in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(a, np.array(b.value))


def test_the_first_dense_layer_of_a_nested_model_is_the_one_that_takes_the_features():
    model, (x, y) = network(), data(40)
    inner = keras.Sequential([keras.Input((3,)), *model.layers])
    outer = keras.Sequential([keras.Input((3,)), inner])
    outer.compile(loss="mse", optimizer="sgd")
    found = [share_of_first_gradient(one, x, y, NAMES) for one in (model, outer)]
    assert [m.value for m in found[1]] == [m.value for m in found[0]]


def test_what_has_no_first_gradient_is_refused():
    x, y = data(10)
    with pytest.raises(TrainingError, match="the model net has built=True and compiled=False; expected both"):
        share_of_first_gradient(network(compiled=False), x, y, NAMES)
    with pytest.raises(TrainingError, match="model net: net/hidden takes 3 features; expected 2, as in x"):
        share_of_first_gradient(network(), x[:, :2], y, NAMES[:2])
    plain = keras.Sequential([keras.Input((3,)), layers.Activation("tanh")], name="plain")
    plain.compile(loss="mse")
    with pytest.raises(TrainingError, match="model plain: there is none; expected 3, as in x"):
        share_of_first_gradient(plain, x, x, NAMES)
    with pytest.raises(TrainingError, match=r'layer net/hidden sums to 0.0 over "a", "b", "c"'):
        share_of_first_gradient(network(), np.zeros((10, 3)), y, NAMES)
    with pytest.raises(ValueError, match="2 names were given for the 3 columns of x"):
        share_of_first_gradient(network(), x, y, NAMES[:2])
