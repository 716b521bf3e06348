"""Exchanging the call of batch normalizations: this thread's, and only within the block."""

import threading

import keras
import numpy as np
import pytest

import normwise
from normwise.graph.normalization_calls import normalization_calls_by

KINDS = [keras.layers.BatchNormalization, normwise.BatchNormalization]


@pytest.mark.parametrize("kind", KINDS)
def test_calls_are_seen_with_mask_and_training_and_put_back(kind):
    inputs = keras.Input((4, 2))
    model = keras.Model(inputs, kind(name="norm")(keras.layers.Masking()(inputs)))
    seen = []

    def call(plain, layer, inputs, *args, **kwargs):
        seen.append((layer.name, kwargs["training"], kwargs["mask"].shape))
        return plain(layer, inputs, *args, **kwargs) + 1.0

    x, before = np.ones((3, 4, 2), "float32"), kind.call
    plain = keras.ops.convert_to_numpy(model(x, training=False))
    with normalization_calls_by(call):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x, training=False)), plain + 1.0)
    assert seen == [("norm", False, (3, 4))]
    assert kind.call is before
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x, training=False)), plain)


def test_it_is_put_back_after_an_error():
    before = [kind.call for kind in KINDS]
    with pytest.raises(KeyError), normalization_calls_by(lambda *_: None):
        raise KeyError
    assert [kind.call for kind in KINDS] == before


def test_other_threads_compute_as_ever():
    layer, x, found = KINDS[0](), np.ones((3, 2), "float32"), []
    layer.build((None, 2))

    def call(plain, layer, inputs, *args, **kwargs):
        return plain(layer, inputs, *args, **kwargs) * 0.0

    with normalization_calls_by(call):
        other = threading.Thread(target=lambda: found.append(layer(x)))
        other.start()
        other.join()
        here = layer(x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(here), 0.0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found[0]), 1.0, rtol=1e-3)
