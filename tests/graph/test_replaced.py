"""Keras' layer call, exchanged for a block: whatever threads do, it is Keras' own afterwards."""

import threading

import keras
import numpy as np
import pytest

from normwise.graph.replaced import layer_calls_by, replaced

WAIT = 60
PLAIN = keras.layers.Layer.__call__


def noting(names):
    def call(plain, layer, *args, **kwargs):
        names.append(layer.name)
        return plain(layer, *args, **kwargs)

    return call


def test_the_calls_of_this_thread_are_seen_and_no_others():
    mine, other = keras.layers.ReLU(name="mine"), keras.layers.ReLU(name="other")
    seen, x = [], np.ones((1, 2), "float32")
    with layer_calls_by(noting(seen)):
        thread = threading.Thread(target=other, args=(x,))
        thread.start()
        thread.join(WAIT)
        mine(x)
    mine(x)
    assert seen == ["mine"]
    assert keras.layers.Layer.__call__ is PLAIN


def test_blocks_that_overlap_in_two_threads_leave_keras_own_call():
    wanted, entered = threading.Event(), threading.Event()

    def second():
        wanted.set()
        with layer_calls_by(noting([])):
            entered.set()

    thread = threading.Thread(target=second)
    with layer_calls_by(noting([])):
        thread.start()
        assert wanted.wait(WAIT)
        # Long enough to get in, were it not kept out.
        assert not entered.wait(0.2)
    thread.join(WAIT)
    assert entered.is_set()
    assert keras.layers.Layer.__call__ is PLAIN


def test_what_was_replaced_comes_back_after_an_error():
    layer = keras.layers.Dense(1, activation="tanh")
    with pytest.raises(TypeError, match="NoneType"), replaced(layer, "activation", None):
        layer.activation(1)
    assert layer.activation is keras.activations.tanh
