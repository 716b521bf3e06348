"""The moments of a layer's input are those by which its training moves: with momentum 0, what it keeps."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import ops
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.layers.input_moments import input_moments

KERAS = keras.layers.BatchNormalization
OURS = normwise.BatchNormalization
RANDOM = np.random.default_rng(0)


def mask(*shape):
    found = RANDOM.random(shape) > 0.4
    found[0] = True
    return found


@pytest.mark.parametrize(
    ("kind", "shape", "arguments", "call"),
    [
        (KERAS, (9, 3), {}, {}),
        (KERAS, (9, 5, 3), {}, {"mask": mask(9, 5)}),
        (KERAS, (9, 3, 5), {"axis": 1}, {}),
        (KERAS, (9, 3, 5), {"axis": 1}, {"mask": mask(9, 3)}),  # Keras' mask leaves out the last axis
        (OURS, (9, 3, 5), {"axis": 1}, {"mask": mask(9, 5)}),
        (OURS, (9, 5, 3), {"axis": [1, 2]}, {"sample_weight": np.arange(9.0)}),
        (OURS, (9, 5, 3), {"virtual_batch_size": 4}, {"mask": mask(9, 5)}),
        (OURS, (9, 3), {}, {"mask": mask(9), "sample_weight": np.arange(9.0)}),
        (OURS, (0, 3), {}, {}),
    ],
)
def test_as_the_layer_counts(kind, shape, arguments, call):
    layer = kind(momentum=0.0, **arguments)
    x = RANDOM.normal(3.0, 2.0, size=shape).astype("float32")
    layer.build(shape)
    with pytest.warns(normwise.core.errors.NormwiseWarning) if 0 in shape else nullcontext():
        layer(x, training=True, **call)
    found = input_moments(layer, x, **call)
    assert found.mean.shape == found.count.shape == found.m2.shape == tuple(layer.moving_mean.shape)
    if 0 in shape:
        assert not np.any(found)
        return
    ddof = 1 if kind is OURS else 0
    kept = [np.asarray(ops.convert_to_numpy(v.value)) for v in (layer.moving_mean, layer.moving_variance)]
    # Keras divides by the weights' sum plus 1e-7.
    assert_close(kept[0], found.mean, tolerance("float32", 45, 4))
    assert_close(kept[1], found.variance(ddof=ddof), tolerance("float32", 45, 4))


def test_a_mean_beside_which_the_spread_is_small_keeps_more_than_float32s_digits():
    # float32 has steps of 1/128 here; the exact mean lies between two of them.
    x = np.float32(1e5) + np.arange(7, dtype="float32")[:, None] / 128
    layer = KERAS()
    layer.build((None, 1))
    assert_close(input_moments(layer, x).mean - 1e5, [3 / 128], 1e-6)


def test_integers_count_as_floats():
    layer = KERAS()
    layer.build((None, 1))
    found = input_moments(layer, np.array([[1], [3]]))
    assert (found.count[0], found.mean[0], found.m2[0]) == (2, 2, 2)
