"""Covariate shift by Definition 2.1 of Santurkar et al., against a two-layer network in float64."""

import itertools
import os

import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance
from tests.reference.two_layers import gradient

from normwise.insight import covariate_shift

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


@pytest.mark.parametrize("normalized", [False, True])
def test_by_its_definition(normalized):
    model, (x, y) = network(normalized), data()
    before = state_of(model)
    found = covariate_shift(model, x, y, RATE, "raw")
    theta, args = theta_of(model), (x, y, UNITS, *([EPSILON] if normalized else []))
    sizes = [4 * UNITS, *([2 * UNITS] if normalized else []), UNITS + 1]
    ends = np.cumsum(sizes)
    g = gradient(theta, *args)
    expected = []
    for begin, end in itertools.pairwise(ends):
        moved = theta.copy()
        moved[:begin] -= RATE * g[:begin]
        here, there = g[begin:end], gradient(moved, *args)[begin:end]
        expected.append(np.linalg.norm(here - there))
        expected.append(here @ there / np.linalg.norm(here) / np.linalg.norm(there))
    assert_close([m.value for m in found], expected, tolerance("float32", x.size, conditioning=10))
    assert [(m.name, m.variant, m.sample_size) for m in found] == (
        [("covariate_shift", "raw", 64), ("covariate_shift_cosine", "raw", 64)] * (len(sizes) - 1)
    )
    assert [m.layer for m in found[::2]] == [layer.path for layer in model.layers if layer.weights][1:]
    assert_unchanged(before)


def test_layers_inside_of_layers_count_for_themselves_and_one_layer_has_no_shift():
    x, y = data()
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.BatchNormalization()], name="inner")
    outer = keras.Sequential([keras.Input((3,)), inner, layers.Dense(1)], name="outer")
    outer.compile(loss="mse")
    assert len(covariate_shift(outer, x, y, RATE)) == 4
    one = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    one.compile(loss="mse")
    assert covariate_shift(one, x, y, RATE) == ()


def test_what_cannot_be_measured():
    x, y = data()
    with pytest.raises(ValueError, match="the learning rate is -1; expected a finite number above 0"):
        covariate_shift(network(), x, y, -1)
