"""Networks to recalibrate, and what of them their float64 twins need."""

from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops
from tests.reference.population_statistics import Block

import normwise

EPSILON = 1e-3
KINDS = {"keras": layers.BatchNormalization, "normwise": normwise.BatchNormalization}
kinds = KINDS.values()


def numbers(variable):
    return np.float64(ops.convert_to_numpy(ops.cast(variable.value, "float32")))


def found(layer):
    """A layer's moving mean and variance."""
    return numbers(layer.moving_mean), numbers(layer.moving_variance)


def norms(model):
    return [layer for layer in model._flatten_layers() if hasattr(layer, "moving_variance")]


def rows(count=100, features=3, offset=0.5, scale=2.0, seed=7):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, features)) * scale + offset).astype("float32")


def in_batches(x, size):
    """A callable that gives the rows in batches."""
    return lambda: [x[i : i + size] for i in range(0, len(x), size)]


def dense_network(kind, depth=2, units=4, features=3, **arguments):
    """Dense, batch normalization, tanh and dropout, several times over, with random weights."""
    parts = [keras.Input((features,))]
    for _ in range(depth):
        parts += [layers.Dense(units, use_bias=False), kind(**arguments), layers.Activation("tanh")]
        parts += [layers.Dropout(0.5)]
    model = keras.Sequential([*parts, layers.Dense(1)], name="net")
    random = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(random.normal(size=variable.shape))
    return model


def blocks_of(model):
    """The same in float64."""
    kernels = [np.float64(ops.convert_to_numpy(x.kernel)) for x in model.layers if hasattr(x, "kernel")]
    return [
        Block(kernel, numbers(norm.gamma), numbers(norm.beta), np.tanh)
        for kernel, norm in zip(kernels, norms(model), strict=False)
    ]


def state(model):
    """Every number that a model holds, and its optimizer."""
    variables = [*model.variables, *(model.optimizer.variables if model.compiled else [])]
    return [np.array(ops.convert_to_numpy(ops.cast(v.value, "float32"))) for v in variables]


@contextmanager
def untouched(model):
    """Within the block, nothing that the model holds changes, to the last bit."""
    before = state(model)
    yield
    for one, other in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(one, other)
