"""Models at random and what folding them must keep, for the tests of this folder."""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import keras
import numpy as np
from keras import layers
from tests.reference.tolerance import assert_close, tolerance

import normwise

NORMALIZATIONS = (layers.BatchNormalization, normwise.BatchNormalization, normwise.FeatureScaling)
CONDITIONING = 64.0
"""Inputs of mean 2 and deviation 3, statistics between 0.5 and 1.5: what a normalization subtracts and adds
is within 64 times the largest output of these models."""


def numpy(tensor):
    """A tensor in float64 NumPy."""
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


@contextmanager
def float64():
    """Within the block, inputs and layers are in float64, which JAX has to be told."""
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        if keras.backend.backend() == "jax":
            import jax

            with jax.enable_x64(True):
                yield
        elif keras.backend.backend() == "torch":
            # There keras.ops.matmul, and so Dense, rounds to float32 otherwise.
            from keras.src.backend.common import dtypes

            with mock.patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, float64="float64"):
                yield
        else:
            yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy(policy)


def randomized(model, seed=0, low=0.5):
    """The model with all of its weights at random, variances positive; with a negative `low` not all γ."""
    random = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        for name in ("gamma", "beta", "moving_mean", "moving_variance", "moving_weight"):
            variable = getattr(layer, name, None)
            if isinstance(layer, NORMALIZATIONS) and variable is not None:
                least = low if name == "gamma" else 0.5
                variable.assign(random.uniform(least, 1.5, variable.shape))
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(random.uniform(-0.5, 0.5, layer.bias.shape))
    return model


def rows(model, count=3, seed=0, unknown=6):
    """An input in the structure and of the shapes that the model takes, in its precision."""
    random = np.random.default_rng(seed)
    taken = model.inputs[0] if isinstance(model, keras.Sequential) else model.input

    def of(tensor):
        shape = (count, *(size or unknown for size in tensor.shape[1:]))
        return random.normal(2.0, 3.0, shape).astype(tensor.dtype)

    return keras.tree.map_structure(of, taken)


def outputs(model, x):
    return [numpy(y) for y in keras.tree.flatten(model(x, training=False))]


def left(model):
    """The normalizations and scalings in a model, at any depth."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, NORMALIZATIONS)]


def assert_same(folded, model, x, terms, dtype="float32", conditioning=CONDITIONING):
    """Both models give the same but for the rounding of sums of so many terms."""
    if dtype == "float64":
        # Keras' own layer computes in float32 on JAX and torch even then.
        model = normwise.convert(model)
    allowed = tolerance(dtype, terms, conditioning)
    for actual, expected in zip(outputs(folded, x), outputs(model, x), strict=True):
        assert_close(actual, expected, allowed)


def folded_whole(model, terms=100, dtype="float32", seed=0, low=0.5):
    """The result of folding a model at random, in which no normalization is left and the outputs stay."""
    randomized(model, seed, low)
    before = [numpy(w).copy() for w in model.weights]
    result = normwise.fold(model)
    assert left(result.model) == []
    assert result.kept == []
    assert_same(result.model, model, rows(model), terms, dtype)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(numpy(weight), old)
    return result
