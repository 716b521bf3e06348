"""remove: what a removed layer took goes on in its place, and everything else is as it was."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.graph.hidden_layers import hidden_layers
from normwise.graph.last_activation import last_activation
from normwise.graph.remove import is_batch_normalization, remove

UNIT = {"moving_variance_initializer": "ones", "epsilon": 0.0}
"""Before the first step, inference then adds β and does nothing else."""


def chain(*inner):
    return keras.Sequential([keras.Input((5,)), *inner])


def without(model):
    return remove(model, is_batch_normalization)


def names(model):
    return [layer.name for layer in model.layers]


def give_weights(old, new):
    """The kernels of layers of the same names, and as bias the β of the normalization behind."""
    for layer in new.layers:
        if isinstance(layer, layers.Dense):
            before = old.get_layer(layer.name)
            behind = [n for n in old.layers if is_batch_normalization(n) and n.name == f"bn_{layer.name}"]
            bias = behind[0].beta if behind else before.bias
            layer.set_weights([numpy(before.kernel), numpy(bias)])


@pytest.mark.parametrize("kind", [layers.BatchNormalization, normwise.BatchNormalization])
def test_with_beta_as_the_bias_the_function_is_the_same(kind):
    beta = keras.initializers.RandomNormal(seed=1)
    hidden = layers.Dense(4, use_bias=False, name="a")
    old = chain(hidden, kind(name="bn_a", beta_initializer=beta, **UNIT), layers.ReLU(), layers.Dense(2))
    new = without(old)
    assert names(new) == ["a", old.layers[2].name, old.layers[3].name]
    assert new.get_layer("a").use_bias
    give_weights(old, new)
    x = normal((6, 5))
    assert_close(numpy(new(x)), numpy(old(x)), tolerance("float32", 5, 8))
    assert names(old)[1] == "bn_a"


def test_it_takes_back_what_insert_does():
    model = chain(
        layers.Dense(4, "tanh", name="a"), layers.Dense(3, name="b"), layers.ReLU(), layers.Dense(2)
    )
    back = without(normwise.insert(model).model)
    assert [layer.count_params() for layer in back.layers if layer.weights] == [24, 15, 8]
    for layer in model.layers:
        if layer.weights:
            back.get_layer(layer.name).set_weights(layer.get_weights())
    x = normal((6, 5))
    assert_close(numpy(back(x)), numpy(model(x)), tolerance("float32", 5, 8))


def test_weights_are_drawn_anew_and_the_old_model_is_left_alone():
    old = chain(layers.Dense(4), layers.BatchNormalization(), layers.Dense(2))
    kept = [numpy(w).copy() for w in old.weights]
    new = without(old)
    assert np.abs(numpy(new.layers[0].kernel) - kept[0]).max() > 0
    for weight, before in zip(old.weights, kept, strict=True):
        np.testing.assert_array_equal(numpy(weight), before)
    assert not new.compiled


def test_a_graph_with_all_that_is_in_the_way():
    """Masks, training flags, a fused activation, a shared layer, an operation, a model inside, two ways."""
    x = keras.Input((5,))
    shared = layers.BatchNormalization(name="shared")
    a = keras.ops.relu(shared(layers.Dense(4, name="a")(x), training=False, mask=None))
    b = shared(layers.Dense(4, name="b")(a))
    fused = normwise.BatchNormalization(activation="tanh", name="fused")(b, training=False)
    inner = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, name="c"),
            layers.BatchNormalization(),
            layers.Dense(2, "softmax"),
        ]
    )
    old = keras.Model(x, inner(layers.Add()([fused, layers.LayerNormalization(name="other")(a)])))
    new = without(old)
    assert not [layer for layer in new._flatten_layers() if is_batch_normalization(layer)]
    assert isinstance(new.get_layer("fused"), layers.Activation)
    assert "other" in names(new)
    assert hidden_layers(old) == hidden_layers(new) == {"a": 4, "b": 4, "c": 3}
    assert last_activation(new) == "softmax"
    z = normal((6, 5))
    w = {layer.name: layer.get_weights() for layer in new._flatten_layers() if layer.weights}
    h = np.maximum(z @ w["a"][0] + w["a"][1], 0)
    mean, variance = h.mean(1, keepdims=True), h.var(1, keepdims=True)
    both = np.tanh(h @ w["b"][0] + w["b"][1]) + (h - mean) / np.sqrt(variance + 1e-3)
    last = new.layers[-1].layers[-1].get_weights()
    scores = (both @ w["c"][0] + w["c"][1]) @ last[0] + last[1]
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert_close(numpy(new(z)), expected, tolerance("float32", 5, 64))


def test_what_is_out_of_reach_is_refused():
    steps = keras.Input((3, 5))
    wrapped = layers.TimeDistributed(layers.BatchNormalization(name="deep"))
    with pytest.raises(
        ValueError, match=r'the BatchNormalization "deep" is inside of a layer of the model "m"'
    ):
        without(keras.Model(steps, wrapped(steps), name="m"))

    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match='"own" of class Own is subclassed'):
        without(Own(name="own"))


@pytest.mark.parametrize(
    ("last", "name"),
    [
        (layers.Dense(2), "linear"),
        (layers.Dense(2, "sigmoid"), "sigmoid"),
        (lambda x: layers.Softmax()(layers.Dense(2)(x)), "softmax"),
        (lambda x: keras.ops.sigmoid(layers.Dense(2)(x)), "sigmoid"),
        (lambda x: layers.Dropout(0.5)(layers.Dense(2, "relu")(x)), "linear"),
        (lambda x: normwise.BatchNormalization(activation="relu")(layers.Dense(2)(x)), "relu"),
    ],
)
def test_the_last_activation(last, name):
    x = keras.Input((5,))
    assert last_activation(keras.Model(x, last(x))) == name
