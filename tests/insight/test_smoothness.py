"""Santurkar's and Bjorck's measures, against a two-layer network in float64 and quadratics."""

import os

import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance
from tests.reference.two_layers import gradient, loss

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.insight import loss_along_gradient, smoothness, smoothness_at, smoothness_curves

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers
from tests.insight.two_layer_networks import (
    EPSILON,
    UNITS,
    assert_unchanged,
    data,
    network,
    state_of,
    theta_of,
)

RATE = 0.05


def by_name(found):
    return {m.name: m.value for m in found}


def reference(theta, args):
    """From the paper's definitions, on a grid of the same step sizes."""
    g = gradient(theta, *args)
    alphas = RATE * np.array([2.0 ** (k / 4) for k in range(-4, 9)])
    losses = [loss(theta - a * g, *args) for a in alphas]
    changes = np.array([np.linalg.norm(gradient(theta - a * g, *args) - g) for a in alphas])
    beta = np.max(changes / (alphas * np.linalg.norm(g)))
    return {
        "loss_range": loss(theta - RATE * g, *args),
        "loss_range_low": min(losses),
        "loss_range_high": max(losses),
        "gradient_predictiveness": np.linalg.norm(gradient(theta - RATE * g, *args) - g),
        "gradient_predictiveness_low": changes.min(),
        "gradient_predictiveness_high": changes.max(),
        "effective_beta": beta,
        "eta_beta": RATE * beta,
    }


@pytest.mark.parametrize("normalized", [False, True])
def test_smoothness_by_its_definition(normalized):
    model, (x, y) = network(normalized), data()
    before = state_of(model)
    found = smoothness(model, x, y, RATE, "raw")
    expected = reference(theta_of(model), (x, y, UNITS, *([EPSILON] if normalized else [])))
    assert list(by_name(found)) == list(expected)
    # A difference of gradients is known to the rounding of the gradient, of about their size here.
    for name, value in expected.items():
        assert_close(by_name(found)[name], value, tolerance("float32", x.size, conditioning=10))
    assert {(m.sample_size, m.variant) for m in found} == {(64, "raw")}
    assert_unchanged(before)


def test_a_quadratic_has_one_beta_and_known_losses():
    line = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    line.compile(loss="mse")
    x = np.array([[3.0], [-1.0]], "float32")
    found = by_name(smoothness(line, x, 2 * x, learning_rate=0.02))
    assert found["effective_beta"] == pytest.approx(10.0, rel=1e-5)
    assert found["eta_beta"] == pytest.approx(0.2, rel=1e-5)
    # L falls by (1 − 10α)² along the way: the least at 4η = 0.08.
    assert found["loss_range_low"] / found["loss_range_high"] == pytest.approx((0.2 / 0.9) ** 2, rel=1e-4)
    curve = loss_along_gradient(line, x, 2 * x, [0.01, 0.1, 0.3], "raw")
    assert curve.y == pytest.approx([0.81, 0.0, 4.0], rel=1e-5, abs=1e-9)
    assert (curve.name, curve.x_name, curve.x, curve.sample_size) == (
        *("relative_loss", "learning rate"),
        (0.01, 0.1, 0.3),
        2,
    )


def test_states_of_a_training_are_measured_in_one_go():
    model, (x, y) = network(normalized=True), data()
    states, alone = [], []
    for step in range(3):
        states.append([np.array(v) for v in model.trainable_variables])
        alone.append(smoothness(model, x, y, RATE, "raw_bn"))
        model.trainable_variables[0].assign(model.trainable_variables[0] * (2.0 + step))
    together = smoothness_at(states, model, x, y, RATE, "raw_bn")
    for one, many in zip(alone, together, strict=True):
        assert_close(
            list(by_name(many).values()), list(by_name(one).values()), tolerance("float32", x.size, 10)
        )
    curves = smoothness_curves([0, 5, 10], together)
    assert [c.name for c in curves] == [
        *("loss_range", "gradient_predictiveness", "effective_beta", "eta_beta"),
    ]
    for curve in curves:
        assert curve.x == (0.0, 5.0, 10.0)
        assert curve.x_name == "training step"
        assert curve.y == tuple(by_name(found)[curve.name] for found in together)
        assert (curve.variant, curve.sample_size) == ("raw_bn", 64)
        ranged = curve.name in ("loss_range", "gradient_predictiveness")
        assert len(curve.low) == len(curve.high) == (3 if ranged else 0)
    losses = curves[0]
    assert all(low <= y <= high for low, y, high in zip(losses.low, losses.y, losses.high, strict=True))
    with pytest.raises(ValueError, match="there are 2 steps and 3 measurements"):
        smoothness_curves([0, 5], together)


def test_penalties_dropout_and_several_outputs():
    random = np.random.default_rng(0)
    x, y = data()
    inputs = keras.Input((3,))
    hidden = layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.5))(inputs)
    hidden = layers.Dropout(0.5, seed=1)(layers.BatchNormalization()(hidden))
    model = keras.Model(inputs, [layers.Dense(1)(hidden), layers.Dense(2)(hidden)], name="two")
    model.compile(loss=["mse", "mse"], optimizer="adam", metrics=[["mae"], ["mae"]])
    targets = [y, random.normal(size=(64, 2)).astype("float32")]
    before = state_of(model)
    first, second = (smoothness(model, x, targets, RATE) for _ in range(2))
    assert first == second  # The same units are dropped each time.
    assert_unchanged(before)
    model.fit(x, targets, epochs=1, verbose=0)  # Nothing of the tracing is left in it.


def test_a_penalty_is_part_of_the_loss():
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(1.5))]
    )
    model.compile(loss="mse")
    x = np.array([[1.0], [-1.0]], "float32")
    # L = (w − w*)² + 1.5 w²: a second derivative of 5.
    assert by_name(smoothness(model, x, 3 * x, 0.01))["effective_beta"] == pytest.approx(5.0, rel=1e-4)


def test_what_cannot_be_measured():
    model, (x, y) = network(), data()
    with pytest.raises(ValueError, match="the learning rate is 0; expected a finite number above 0"):
        smoothness(model, x, y, 0)
    with pytest.raises(ValueError, match=r"x and y have \[64, 63\] rows"):
        smoothness(model, x, y[1:], RATE)
    with pytest.raises(TrainingError, match="the loss of the model net on these rows is nan"):
        smoothness(model, x * np.float32("nan"), y, RATE)
    with pytest.raises(ValueError, match="there are no learning rates"):
        loss_along_gradient(model, x, y, [])
    model.trainable = False
    with pytest.raises(TrainingError, match="the model net has no trainable variables"):
        smoothness(model, x, y, RATE)
    plain = keras.Sequential([keras.Input((1,)), layers.Dense(1)], name="plain")
    with pytest.raises(TrainingError, match="the model plain has built=True and compiled=False"):
        smoothness(plain, x[:, :1], y, RATE)
    zeros = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="zeros")], name="zeros")
    zeros.compile(loss="mse")
    with pytest.raises(TrainingError, match=r"the gradient of the model zeros has length 0\.0"):
        smoothness(zeros, x[:, :1], 0 * y, RATE)
    with pytest.raises(TrainingError, match=r"the loss of the model zeros is 0\.0; expected one above 0"):
        loss_along_gradient(zeros, x[:, :1], 0 * y, [0.1])


def test_a_loss_that_overflows_along_the_way_is_said():
    model, (x, y) = network(), data()
    curve = loss_along_gradient(model, x, y, [1e-3, 1e30])
    assert np.isfinite(curve.y[0])
    assert not np.isfinite(curve.y[1])
    assert isinstance(smoothness(model, x, y, 1e30)[0], Measurement)
