"""Which layers are left as they are, and what is said of them."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.networks import KINDS, found, in_batches, rows
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.recalibration import SkippedLayer
from normwise.deploy import recalibrate
from normwise.deploy.open_layers import FIXED, FROZEN, IN_A_LOOP, INFERENCE, NOT_CALLED, UNKNOWN

BY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class Foreign(layers.Layer):
    """A normalization of somebody else's."""

    axis = -1

    def build(self, shape):
        self.moving_mean = self.add_weight(shape=shape[-1:], name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(shape=shape[-1:], name="moving_variance", trainable=False)

    def call(self, inputs):
        return inputs


class Steps(keras.Model):
    """A subclassed model: its layers are found by calling it."""

    def __init__(self, kind):
        super().__init__(name="steps")
        self.unused, self.fixed, self.last = kind(name="unused"), kind(name="fixed"), kind(name="last")
        for layer in (self.unused, self.fixed, self.last):
            layer.build((None, 3))

    def call(self, inputs, training=None):
        return self.last(self.fixed(inputs, training=False), training=training)


def skips(model, x=None):
    return recalibrate(model, in_batches(rows() if x is None else x, 50)).skipped


@BY_KIND
def test_a_frozen_layer_is_skipped_and_normalizes_by_its_own_statistics(kind):
    frozen, last = kind(name="frozen", epsilon=0.0), kind(name="last")
    model = keras.Sequential([keras.Input((3,)), frozen, last], name="net")
    frozen.trainable = False
    frozen.moving_mean.assign([1.0, 2.0, 3.0])
    frozen.moving_variance.assign([4.0, 4.0, 4.0])
    x = rows()
    assert skips(model, x) == (SkippedLayer(frozen.path, FROZEN),)
    np.testing.assert_array_equal(found(frozen), [[1, 2, 3], [4, 4, 4]])
    np.testing.assert_allclose(found(last)[0], (x.mean(0) - [1, 2, 3]) / 2, rtol=1e-4)


def test_fixed_statistics_are_skipped():
    fixed = normwise.BatchNormalization(statistics_trainable=False, name="fixed")
    model = keras.Sequential([keras.Input((3,)), fixed, normwise.BatchNormalization()])
    assert skips(model) == (SkippedLayer(fixed.path, FIXED),)


@BY_KIND
def test_a_subclassed_model_with_layers_that_are_not_trained_and_not_called(kind):
    model = Steps(kind)
    model(rows())
    made = recalibrate(model, in_batches(rows(), 50))
    assert {layer.reason: layer.path for layer in made.skipped} == {
        NOT_CALLED: model.unused.path,
        INFERENCE: model.fixed.path,
    }
    assert [layer.path for layer in made.layers] == [model.last.path]
    np.testing.assert_allclose(found(model.last)[0] * (1 + 1e-3) ** 0.5, rows().mean(0), rtol=1e-4)


def test_a_class_that_is_not_known_is_skipped():
    foreign = Foreign(name="foreign")
    model = keras.Sequential([keras.Input((3,)), foreign, layers.BatchNormalization()])
    assert skips(model) == (SkippedLayer(foreign.path, UNKNOWN),)


class Cell(layers.Layer):
    """A recurrent cell that normalizes."""

    state_size = output_size = 3

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization(name="norm")

    def build(self, shape):
        self.norm.build(shape)

    def call(self, inputs, states, training=None):
        y = self.norm(inputs, training=training)
        return y, [y]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the loop is compiled on JAX")
def test_a_layer_in_a_compiled_loop_is_skipped():
    cell = Cell()
    model = keras.Sequential([keras.Input((5, 3)), layers.RNN(cell), layers.BatchNormalization()])
    assert skips(model, rows(300).reshape(60, 5, 3)) == (SkippedLayer(cell.norm.path, IN_A_LOOP),)


@BY_KIND
def test_a_derived_class_is_recalibrated(kind):
    class Derived(kind):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs * 2.0, training=training, mask=mask)

    layer = Derived()
    assert skips(keras.Sequential([keras.Input((3,)), layer])) == ()
    # What counts is what is normalized.
    np.testing.assert_allclose(found(layer)[0], 2.0 * rows().mean(0), rtol=1e-4)


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_layers_that_are_asked_for_are_set_one_after_the_other(frozen):
    """Frozen, or called as at inference: the statistics of both are those of what they take at inference."""
    first, last = layers.BatchNormalization(name="first"), layers.BatchNormalization(name="last")
    x = keras.Input((3,))
    hidden = first(x) if frozen else first(x, training=False)
    model = keras.Model(x, last(layers.Dense(3, kernel_initializer="orthogonal")(hidden)))
    first.trainable = not frozen
    data = np.random.default_rng(0).normal(3.0, 2.0, (64, 3)).astype("float32")
    moved = recalibrate(model, in_batches(data, 16), sequential=True, also=[first])
    assert ([layer.path for layer in moved.layers], moved.skipped) == (["first", "last"], ())
    assert first.trainable is not frozen
    # What the last one takes has mean 0 of each column before the orthogonal map, so 0 behind it.
    allowed = tolerance("float32", n=64, conditioning=4)
    assert_close(np.asarray(keras.ops.convert_to_numpy(first.moving_mean)), data.mean(0, "float64"), allowed)
    assert np.abs(keras.ops.convert_to_numpy(last.moving_mean)).max() <= allowed
