"""Networks of one hidden tanh layer whose derivatives `tests.reference.two_layers` knows."""

import keras
import numpy as np
from keras import layers

import normwise

EPSILON = 1e-3
UNITS = 10


def network(normalized=False, units=UNITS, width=3):
    middle = [normwise.BatchNormalization(epsilon=EPSILON)] if normalized else []
    parts = [layers.Dense(units), *middle, layers.Activation("tanh"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((width,)), *parts], name="net")
    random = np.random.default_rng(6)
    for variable in model.trainable_variables:
        variable.assign(random.normal(size=variable.shape))
    model.compile(loss="mse", optimizer="sgd")
    return model


def data(rows=64, width=3):
    random = np.random.default_rng(7)
    x = random.normal(size=(rows, width)).astype("float32")
    return x, np.sin(x @ random.normal(size=(width, 1))).astype("float32")


def theta_of(model):
    return np.concatenate([np.asarray(v, np.float64).ravel() for v in model.trainable_variables])


def state_of(model):
    """Every variable's value: what a measurement must leave as it is."""
    variables = [*model.variables, *model.metrics_variables]
    if getattr(model, "optimizer", None):
        variables += model.optimizer.variables
    return [np.array(v.value) for v in variables]


def assert_unchanged(before, model):
    for old, new in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(old, new)
