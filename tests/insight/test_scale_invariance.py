"""Section 3.3 of Ioffe & Szegedy, by the epsilon that makes it inexact."""

import os

import numpy as np
import pytest
from tests.reference.tolerance import tolerance

from normwise.core.errors import TrainingError
from normwise.insight import scale_invariance

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers
from tests.insight.two_layer_networks import assert_unchanged, data, state_of

import normwise

ROWS = 64


def values(found):
    return {(m.name.removeprefix("scale_invariance_"), m.layer): m.value for m in found}


@pytest.mark.parametrize("normalization", [layers.BatchNormalization, normwise.BatchNormalization])
def test_what_epsilon_leaves_is_what_the_formula_says(normalization):
    """y = (z − μ)/√(σ² + ε), and weights a times as large make it √((σ² + ε)/(σ² + ε/a²)) times as large."""
    x, _ = data(ROWS)
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(1, name="one"), normalization(epsilon=0.01)], name="net"
    )
    before = state_of(model)
    found = values(scale_invariance(model, x, a=4.0, variant="bn"))
    z = x.astype(np.float64) @ np.asarray(before[0][1], np.float64)
    spread = z.var()
    factor = np.sqrt((spread + 0.01) / (spread + 0.01 / 16))
    allowed = tolerance("float32", ROWS, conditioning=10)
    assert found["output", "net/one"] == pytest.approx(factor - 1, abs=allowed)
    assert found["input_gradient", "net/one"] > 0
    assert found["weight_gradient", "net/one"] > 0
    assert_unchanged(before)
    assert {(m.sample_size, m.variant) for m in scale_invariance(model, x, variant="bn")} == {(ROWS, "bn")}


def test_without_epsilon_all_three_hold_to_rounding():
    x, _ = data(ROWS)
    parts = [layers.Dense(5, name="one"), normwise.BatchNormalization(epsilon=0.0), layers.Activation("tanh")]
    more = [layers.Dense(4, use_bias=False, name="two"), normwise.BatchNormalization(epsilon=0.0)]
    model = keras.Sequential([keras.Input((3,)), *parts, *more, layers.Dense(1)], name="net")
    found = values(scale_invariance(model, x, a=8.0))
    assert {layer for _, layer in found} == {"net/one", "net/two"}
    assert len(found) == 6
    # Gradients through the batch's statistics subtract what they have in common.
    assert max(found.values()) <= tolerance("float32", ROWS, conditioning=100)


def test_it_is_not_so_where_something_is_between_or_nothing_normalizes():
    x, _ = data(ROWS)
    # tanh of the larger sum is another function: not scaled, but bent.
    bent = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, activation="tanh"), normwise.BatchNormalization(epsilon=0.0)]
    )
    assert min(values(scale_invariance(bent, x)).values()) > 0.05
    plain = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Activation("tanh")])
    assert scale_invariance(plain, x) == ()
    # LayerNormalization does not subtract a bias.
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.LayerNormalization(epsilon=1e-9)])
    assert values(scale_invariance(model, x))["output", model.layers[0].path] < 1e-4
    model.layers[0].bias.assign([1.0, -2.0, 0.5, 3.0])
    assert values(scale_invariance(model, x))["output", model.layers[0].path] > 0.05


def test_graphs_with_branches_convolutions_and_several_inputs():
    random = np.random.default_rng(0)
    images, numbers = keras.Input((8, 8, 2), name="images"), keras.Input((3,), name="numbers")
    convolved = layers.Conv2D(3, 3, name="conv")(images)
    normalized = layers.BatchNormalization(epsilon=1e-7)(convolved)
    shared = layers.Dense(3, name="shared")(numbers)
    branch = layers.BatchNormalization(epsilon=1e-7)(shared)
    joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(normalized), branch, shared])
    model = keras.Model({"images": images, "numbers": numbers}, layers.Dense(1)(joined))
    x = {"images": random.normal(size=(16, 8, 8, 2)), "numbers": random.normal(size=(16, 3))}
    found = values(scale_invariance(model, x))
    # `shared` also goes elsewhere, where its size matters.
    assert {layer.split("/")[-1] for _, layer in found} == {"conv"}
    assert max(found.values()) < 1e-3


def test_what_cannot_be_measured():
    x, _ = data(ROWS)
    with pytest.raises(TrainingError, match="the model late is not built"):
        scale_invariance(keras.Sequential([layers.Dense(1)], name="late"), x)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1), layers.BatchNormalization()])
    with pytest.raises(ValueError, match="the factor a is 0; expected a finite number above 0"):
        scale_invariance(model, x, a=0)
