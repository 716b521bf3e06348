"""Networks that measurements are tried on, and the same in float64."""

from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops
from tests.reference import dense_network

import normwise

UNITS = 5
EPSILON = 1e-3


@contextmanager
def left_as_it_is(model):
    """Within the block, nothing that the model holds changes."""
    variables = [*model.variables, *(model.optimizer.variables if model.compiled and model.optimizer else [])]
    before = [np.array(ops.convert_to_numpy(v.value)) for v in variables]
    calls = [(layer, vars(layer).get("activation")) for layer in model._flatten_layers()]
    yield
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value, variable.path)
    assert all(vars(layer).get("activation") is function for layer, function in calls)


def rows(count=64, features=3, scale=1.0):
    random = np.random.default_rng(7)
    return (random.normal(size=(count, features)) * scale + 0.5).astype("float32")


def randomized(model, seed=1):
    """The model with random weights, the moving variances positive."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        value = random.normal(size=variable.shape)
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.path else value)
    return model


def hidden(function, normalization):
    """A dense layer with its activation, which is fused where that is a choice."""
    if normalization is None:
        return [layers.Dense(UNITS, function)]
    if normalization == "keras":
        return [layers.Dense(UNITS), layers.BatchNormalization(), layers.Activation(function)]
    return [layers.Dense(UNITS), normwise.BatchNormalization(activation=function)]


def network(functions, normalization=None, features=3, output=True):
    """Hidden layers, dropout behind each, and a linear output."""
    parts = [part for f in functions for part in (*hidden(f, normalization), layers.Dropout(0.5))]
    made = [keras.Input((features,)), *parts, *([layers.Dense(1)] if output else [])]
    return randomized(keras.Sequential(made, name="net"))


def reference(model, functions):
    """The layers of `network` in float64."""
    made, functions = [], [*functions, "linear"]
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            kernel, bias = (ops.convert_to_numpy(w) for w in layer.weights)
            made.append(dense_network.Layer(functions[len(made)], kernel, bias, epsilon=EPSILON))
        elif hasattr(layer, "moving_mean"):
            made[-1].gamma, made[-1].beta = (
                np.float64(ops.convert_to_numpy(w.value)) for w in (layer.gamma, layer.beta)
            )
    return made


def values(found):
    """By name and layer or column."""
    return {(m.name, m.column or m.layer): m.value for m in found}
