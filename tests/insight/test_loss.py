"""The loss as a function of the trainable variables is Keras' own, and leaves the model as it is."""

import os

import numpy as np
import pytest

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers
from tests.insight.two_layer_networks import assert_unchanged, data, network, state_of
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import TrainingError
from normwise.insight._loss import arrays, flat_loss, loss_of, trainable_values


def test_it_is_the_loss_that_a_training_step_reports():
    x, y = data()
    parts = [layers.Dense(4, kernel_regularizer="l2"), layers.BatchNormalization(), layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *parts], name="net")
    model.compile(
        loss="mse",
        optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=1024.0),
    )
    before = state_of(model)
    theta, loss, rows = flat_loss(model, x, y)
    found = [float(loss(theta)), float(loss_of(model)(trainable_values(model), *arrays(x, y)[:2]))]
    assert rows == len(x)
    assert_unchanged(before)
    reported = model.train_on_batch(x, y)
    assert_close(found, [reported, reported], tolerance("float32", x.size))


def test_rows_must_match_and_the_loss_be_finite():
    model, (x, y) = network(), data()
    with pytest.raises(ValueError, match=r"x and y have \[0, 64\] rows"):
        flat_loss(model, np.float32(3.0), y)
    with pytest.raises(TrainingError, match="the loss of the model net on these rows is inf"):
        flat_loss(model, x, np.float32(1e30) * (1 + np.abs(y)))
