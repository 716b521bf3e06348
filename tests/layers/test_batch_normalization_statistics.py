"""The moving statistics of BatchNormalization: several steps, both averages, batches that teach nothing."""

import keras
import numpy as np
import pytest
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference import batch_normalization as reference
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import NormwiseWarning

ALLOWED = tolerance("float32", n=400)


def trained(layer, batches):
    for batch in batches:
        layer(batch, training=True)
    return layer


def statistics(layer):
    return numpy(layer.moving_mean), numpy(layer.moving_variance)


@pytest.mark.parametrize("shape", [(8, 3), (2, 4, 3), (2, 3, 5, 3)])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_debiased_statistics_are_algorithm_2s_at_every_step(shape, momentum):
    layer = normwise.BatchNormalization(momentum=momentum)
    batches = []
    for seed in range(6):
        batches.append(normal(shape, seed=seed))
        layer(batches[-1], training=True)
        mean, variance = reference.algorithm_2_statistics(batches, momentum)
        assert_close(numpy(layer.moving_mean), mean, ALLOWED)
        assert_close(numpy(layer.moving_variance), variance, ALLOWED)
        assert_close(numpy(layer.moving_weight), np.full(3, 1 - momentum ** len(batches)), ALLOWED)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_exponential_statistics_are_keras(momentum):
    batches = [normal((8, 3), seed=s) for s in range(5)]
    layer = trained(normwise.BatchNormalization(momentum=momentum, averaging="exponential"), batches)
    mean, variance = reference.exponential_statistics(batches, momentum, np.zeros(3), np.ones(3))
    assert_close(numpy(layer.moving_mean), mean, ALLOWED)
    assert_close(numpy(layer.moving_variance), variance, ALLOWED)


def test_biased_and_exponential_equals_the_layer_of_keras():
    batches = [normal((8, 3), seed=s) for s in range(5)]
    ours = trained(normwise.BatchNormalization(averaging="exponential", unbiased=False), batches)
    theirs = trained(keras.layers.BatchNormalization(), batches)
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        assert a.name == b.name
        assert_close(numpy(a), numpy(b), ALLOWED)


def test_momentum_1_never_moves_and_is_free_of_nan():
    layer = trained(normwise.BatchNormalization(momentum=1.0), [normal((8, 3))] * 3)
    assert [a.tolist() for a in statistics(layer)] == [[0.0] * 3, [1.0] * 3]


def test_the_first_batch_replaces_the_initial_values_to_the_last_digit():
    x = normal((8, 3), mean=0.0, std=1e-5)
    layer = trained(normwise.BatchNormalization(), [x])
    assert_close(numpy(layer.moving_variance), x.astype("float64").var(0, ddof=1), tolerance("float32", n=8))


def test_ten_debiased_steps_serve_inference_where_keras_needs_hundreds():
    batches = [normal((64, 3), seed=s, mean=5.0) for s in range(10)]
    x = normal((500, 3), seed=99, mean=5.0)
    population = np.concatenate(batches)
    expected = reference.algorithm_1(population, 1.0, 0.0, 1e-3)
    expected = reference.algorithm_2_inference(x, 1.0, 0.0, expected.mean, expected.variance, 1e-3)
    # The batches do not weigh quite the same, and 10·64 values estimate a mean to 1/√640 of a deviation.
    allowed = 1 / np.sqrt(640)
    ours = trained(normwise.BatchNormalization(), batches)
    assert_close(numpy(ours(x)), expected, allowed)
    theirs = trained(keras.layers.BatchNormalization(), batches)
    with pytest.raises(AssertionError, match="relative error"):
        assert_close(numpy(theirs(x)), expected, 10 * allowed)


@pytest.mark.parametrize("averaging", ["debiased", "exponential"])
@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3), (0, 3), (4, 0, 3)])
def test_a_batch_that_teaches_nothing_leaves_the_statistics_alone(averaging, shape):
    layer = trained(
        normwise.BatchNormalization(averaging=averaging), [normal((8, *(n or 1 for n in shape[1:-1]), 3))]
    )
    before = [numpy(v).tolist() for v in layer.variables]
    with pytest.warns(NormwiseWarning, match="taught the layer .* nothing: at most [01] values a channel"):
        y = numpy(layer(normal(shape), training=True))
    assert y.shape == shape
    # It says so once: a second warning would be an error here.
    layer(normal(shape), training=True)
    assert np.isfinite(y).all()
    assert [numpy(v).tolist() for v in layer.variables] == before


@pytest.mark.parametrize("shape", [(0, 3), (4, 0, 3), (3, 0, 2, 3)])
def test_ghost_batches_without_values(shape):
    layer = normwise.BatchNormalization(virtual_batch_size=2)
    with pytest.warns(NormwiseWarning, match="nothing: at most 0 values a channel"):
        assert layer(normal(shape), training=True).shape == shape
    assert_close(numpy(layer.moving_variance), np.ones(3), 0.0)


@pytest.mark.parametrize("first", [5.0, -3.0])
def test_a_schedule_that_leaves_0_to_1_is_clipped(first):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [first, 0.5])
    bounded = keras.optimizers.schedules.PiecewiseConstantDecay([0], [float(np.clip(first, 0, 1)), 0.5])
    batches = [normal((8, 3), seed=s) for s in range(3)]
    found, expected = (
        trained(normwise.BatchNormalization(momentum=momentum), batches) for momentum in (schedule, bounded)
    )
    for a, b in zip(statistics(found), statistics(expected), strict=True):
        assert_close(a, b, 0.0)
    assert (numpy(found.moving_variance) > 0).all()


def test_one_image_has_enough_values():
    x = normal((1, 4, 4, 3))
    layer = trained(normwise.BatchNormalization(), [x])
    assert_close(numpy(layer.moving_variance), x.astype("float64").var((0, 1, 2), ddof=1), ALLOWED)


def test_frozen_runs_in_inference_mode():
    layer = trained(normwise.BatchNormalization(), [normal((8, 3))])
    layer.trainable = False
    before = [numpy(v).tolist() for v in layer.variables]
    x = normal((8, 3), seed=5, mean=50.0)
    assert_close(numpy(layer(x, training=True)), numpy(layer(x, training=False)), 0.0)
    assert [numpy(v).tolist() for v in layer.variables] == before


@pytest.mark.parametrize("policy", ["bfloat16", "float16"])
def test_half_precision_policies_do_not_stall(policy):
    batches = [normal((32, 3), seed=s % 20, mean=3.0, std=2.0) for s in range(300)]
    layer = trained(normwise.BatchNormalization(averaging="exponential", dtype=policy), batches)
    mean, variance = reference.exponential_statistics(batches, 0.99, np.zeros(3), np.ones(3))
    # Inputs reach the layer in float32; what is left is 300 roundings in float32.
    assert_close(numpy(layer.moving_mean), mean, ALLOWED)
    assert_close(numpy(layer.moving_variance), variance, ALLOWED)
