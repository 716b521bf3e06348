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
    """Every variable with its value: what a measurement must leave as it is.

    Keras makes the metrics of several losses at the first call; they are none of the model's before.
    """
    variables = [*model.variables, *model.metrics_variables]
    if getattr(model, "optimizer", None):
        variables += model.optimizer.variables
    return [(variable, np.array(variable.value)) for variable in variables]


def assert_unchanged(before):
    for variable, value in before:
        np.testing.assert_array_equal(np.array(variable.value), value, err_msg=variable.path)
