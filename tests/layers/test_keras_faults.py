"""Faults of keras.layers.BatchNormalization 3.15 that ours does not have: theirs fails, ours passes."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference import batch_normalization as reference
from tests.reference.tolerance import assert_close, tolerance

import normwise

BACKEND = keras.backend.backend()


def check_forward(layer, x):
    expected = reference.algorithm_1(x, 1.0, 0.0, 1e-3).y
    assert_close(numpy(layer(x, training=True)), expected, tolerance("float32", n=len(x), conditioning=2.0))


def test_mean_1000_and_std_a_tenth():
    x = normal((1024, 8), mean=1000.0, std=0.1)
    layer = normwise.BatchNormalization()
    check_forward(layer, x)
    assert (numpy(layer.moving_variance) > 0).all()


@pytest.mark.skipif(BACKEND != "torch", reason="Keras takes E[x²] − E[x]² on torch alone")
def test_mean_1000_and_std_a_tenth_is_nan_in_keras():
    x = normal((1024, 8), mean=1000.0, std=0.1)
    layer = keras.layers.BatchNormalization()
    with pytest.raises(AssertionError, match="values are not finite"):
        check_forward(layer, x)


def test_a_mean_of_1e5_standard_deviations_is_lost_in_keras():
    x = normal((100_000, 3), mean=1e5, std=1.0)
    check_forward(normwise.BatchNormalization(), x)
    with pytest.raises(AssertionError, match=r"error|not finite"):
        check_forward(keras.layers.BatchNormalization(), x)


def after_many_steps(layer, steps, rows):
    batches = [normal((rows, 3), seed=s % 20, mean=3.0, std=2.0) for s in range(steps)]
    for batch in batches:
        layer(batch, training=True)
    mean, _ = reference.exponential_statistics(batches, 0.99, np.zeros(3), np.ones(3))
    # A hundredth is what half precision may cost the inputs.
    assert_close(numpy(layer.moving_mean), mean, 0.01)


# In float16 Keras' mean gets stuck at 2.9 of 3: only after so many steps, and unless noise carries it on.
@pytest.mark.parametrize(
    ("policy", "steps", "rows"),
    [("bfloat16", 300, 32), pytest.param("float16", 600, 4096, marks=pytest.mark.slow)],
)
def test_half_precision_stalls_keras_statistics(policy, steps, rows):
    after_many_steps(normwise.BatchNormalization(averaging="exponential", dtype=policy), steps, rows)
    with pytest.raises(AssertionError, match="relative error"):
        after_many_steps(keras.layers.BatchNormalization(dtype=policy), steps, rows)


def after_a_batch_of_one(layer):
    layer(normal((1, 3)), training=True)
    assert_close(numpy(layer.moving_variance), np.ones(3), 0.0)


@pytest.mark.filterwarnings("ignore:a batch taught the layer")
def test_a_batch_of_one_decays_keras_variance():
    after_a_batch_of_one(normwise.BatchNormalization(averaging="exponential"))
    with pytest.raises(AssertionError, match=r"relative error 0\.01"):
        after_a_batch_of_one(keras.layers.BatchNormalization())


def masked_nan(layer):
    x = normal((2, 4, 3))
    x[:, 2:] = np.nan
    mask = np.broadcast_to(np.arange(4) < 2, (2, 4))
    upstream = np.where(mask[..., None], 1.0, 0.0) * np.ones_like(x)
    _, by_variables = gradients(layer, x, upstream.astype("float32"), mask=mask)
    assert np.isfinite(by_variables["gamma"]).all()


def test_masked_nan_spoils_keras_gradients():
    masked_nan(normwise.BatchNormalization())
    with pytest.raises(AssertionError):
        masked_nan(keras.layers.BatchNormalization())


def masked_mean(layer, x, mask, seen):
    layer(x, training=True, mask=mask)
    assert_close(numpy(layer.moving_mean), seen, tolerance("float32", n=x.size))


def masks():
    """Inputs and masks over (batch, time), with the mean of what is seen."""
    x, mask = normal((8, 6, 5)), np.random.default_rng(1).uniform(size=(8, 6)) < 0.7
    one, square = x[..., :1], normal((8, 6, 6))
    return {
        "one channel": (-1, one, mask, one[mask].mean(0)),
        "channels first": (1, np.moveaxis(x, -1, 1), mask, x[mask].mean(0)),
        "as many steps as channels": (1, np.moveaxis(square, -1, 1), mask, square[mask].mean(0)),
        "the input's rank": (-1, x, mask[..., None], x[mask].mean(0)),
    }


KERAS_TAKES = {"tensorflow": ["one channel"]}.get(BACKEND, [])
# A wrong mean where there are as many steps as channels, else what each backend says of shapes.
KERAS_SAYS = r"relative error 0\.297|out of range|broadcast|expanded size|shapes|one dimension less"


@pytest.mark.parametrize("name", [name for name in masks() if name not in KERAS_TAKES])
def test_masks_that_keras_does_not_take(name):
    axis, x, mask, seen = masks()[name]
    x = np.ascontiguousarray(x)
    masked_mean(normwise.BatchNormalization(axis=axis, averaging="exponential", momentum=0.0), x, mask, seen)
    with pytest.raises(Exception, match=KERAS_SAYS):
        masked_mean(keras.layers.BatchNormalization(axis=axis, momentum=0.0), x, mask, seen)


def after_a_fully_masked_batch(layer):
    layer(normal((4, 6, 3)), training=True, mask=np.zeros((4, 6), bool))
    assert_close(numpy(layer.moving_variance), np.ones(3), 0.0)


@pytest.mark.filterwarnings("ignore:a batch taught the layer")
def test_a_fully_masked_batch_decays_keras_variance():
    after_a_fully_masked_batch(normwise.BatchNormalization(averaging="exponential"))
    with pytest.raises(AssertionError, match=r"relative error 0\.01"):
        after_a_fully_masked_batch(keras.layers.BatchNormalization())


def rematerialized(make):
    x = ops.convert_to_tensor(normal((16, 3)))
    with keras.RematScope(mode="full"):
        layer = make(momentum=0.5)
        layer.build((None, 3))
        if BACKEND == "torch":
            layer(x.clone().requires_grad_(True), training=True).sum().backward()
    if BACKEND != "torch":
        model = keras.Sequential([keras.Input((3,)), layer])
        model.compile("sgd", "mse")
        model.train_on_batch(x, x)
    # Half of the batch's mean and half of 0: another call on the same batch would make it three quarters.
    assert_close(numpy(layer.moving_mean), numpy(x).mean(0) / 2, tolerance("float32", n=16))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="Keras is right there")
def test_rematerialization_fails_in_keras():
    rematerialized(normwise.BatchNormalization.keras)
    # torch counts the batch twice, JAX cannot trace the layer.
    with pytest.raises(Exception, match=r"relative error 0\.5|build the model"):
        rematerialized(keras.layers.BatchNormalization)


def test_statistics_that_stay_while_the_rest_learns_are_no_setting_of_keras():
    normwise.BatchNormalization(statistics_trainable=False)
    with pytest.raises(ValueError, match="statistics_trainable"):
        keras.layers.BatchNormalization(statistics_trainable=False)
