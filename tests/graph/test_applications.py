"""convert on every architecture of keras.applications, at the smallest input that each accepts.

Gamma and beta are random, the moving statistics those of random images behind random weights: any others let
the values grow or vanish over hundreds of layers, and rounding with them. The output that is compared is the
pooled features, since a softmax would hide most.
"""

import gc

import keras
import numpy as np
import pytest
from benchmarks.applications import architectures, smallest
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close

import normwise

ALLOWED = 1e-5
"""Of the output's largest magnitude, as the docs promise."""

ROWS = 8

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="minutes on one backend are enough"),
]


def made(make):
    """A model with random weights everywhere, and an input for it."""
    side = smallest(make)
    model = make(weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3))
    random = np.random.default_rng(0)
    x = random.uniform(0.0, 255.0, (ROWS, side, side, 3))
    # Every image has colours of its own, or pooled features would be nearly the same for all.
    x = (x * random.uniform(0.0, 1.0, (ROWS, 1, 1, 3))).astype("float32")
    randomize(model, x, random)
    return model, x


def randomize(model, x, random):
    layers = normalizations(model)
    # A channel that hardly varies magnifies rounding, layer after layer: with 0.03, the output of a
    # ResNet152 by Keras itself is 5e-5 off in float32, and nothing smaller could be seen. With 0.1, what the
    # first layer says is lost on the way through a MobileNet, which has fewer than the 49 of ResNet50V2.
    least = 0.03 if len(layers) < 49 else 0.1
    for layer in layers:
        layer.gamma is None or layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))
        layer.beta is None or layer.beta.assign(random.normal(0.0, 0.5, layer.beta.shape))
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    _, moved = compiled(model, training=True)(state(model), x)
    for variable, value in zip(model.non_trainable_variables, moved, strict=True):
        variable.assign(value)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        floor = least * (1.0 + numpy(layer.moving_mean) ** 2)
        layer.moving_variance.assign(numpy(layer.moving_variance) + floor)


def compiled(model, training=False):
    """A function (variables, x) → (output, new state): eagerly, each layer's shapes compile by themselves."""
    import jax

    return jax.jit(lambda state, x: model.stateless_call(*state, x, training=training))


def state(model):
    return [[v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)]


def features(model, x):
    return numpy(compiled(model)(state(model), x)[0])


def reset(layer):
    """Give a normalization the values that it was made with, as if its weights had been forgotten."""
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        variable = getattr(layer, name)
        if variable is not None:
            variable.assign(getattr(layer, f"{name}_initializer")(variable.shape))


def normalizations(model):
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.fixture(autouse=True)
def _one_model_at_a_time():
    import jax

    # Compiling takes nearly all of the time, and each program runs once.
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    keras.backend.clear_session()
    gc.collect()


@pytest.mark.parametrize("name", architectures())
def test_the_features_stay(name):
    model, x = made(architectures()[name])
    expected = features(model, x)
    converted = normwise.convert(model)
    assert normalizations(converted) == []
    run = compiled(converted)
    assert_close(numpy(run(state(converted), x)[0]), expected, ALLOWED)
    # The comparison can fail: had the first normalization, whose way is the longest, lost its weights.
    for layer in normalizations(model)[:1]:
        reset(converted.get_layer(layer.name))
        with pytest.raises(AssertionError, match="relative error"):
            assert_close(numpy(run(state(converted), x)[0]), expected, ALLOWED)


@pytest.mark.parametrize("name", ["MobileNetV3Small", "ResNet50"])
def test_another_epsilon_would_be_seen(name):
    model, x = made(architectures()[name])
    epsilon = normalizations(model)[0].epsilon + keras.layers.BatchNormalization().epsilon
    converted = normwise.convert(model, epsilon=epsilon)
    with pytest.raises(AssertionError, match="relative error"):
        assert_close(features(converted, x), features(model, x), ALLOWED)
