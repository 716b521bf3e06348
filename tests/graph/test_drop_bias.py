"""drop_biases: what the network computes stays, in training and at inference; and when it is refused."""

import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tests.deploy.folding import float64, randomized
from tests.graph.models import outputs, values
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise import BatchNormalization
from normwise.graph.drop_bias import drop_biases
from normwise.graph.layer_paths import layer_paths
from normwise.graph.record_model import record_model
from normwise.graph.walk import every_layer

CONVOLUTIONS = {
    "Conv1D": (lambda: layers.Conv1D(3, 2, name="linear"), (5, 2)),
    "Conv2D": (lambda: layers.Conv2D(4, 2, groups=2, padding="same", name="linear"), (4, 4, 2)),
    "Conv3D": (lambda: layers.Conv3D(3, 2, name="linear"), (3, 3, 3, 2)),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(3, 2, name="linear"), (5, 2)),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(2, depth_multiplier=2, name="linear"), (4, 4, 2)),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(3, 2, name="linear"), (4, 4, 2)),
    "EinsumDense": (
        lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d", name="linear"),
        (5, 2),
    ),
}


def drawn(model, seed=0):
    """The model with every variable at random: biases, statistics, γ and β among them."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.dtype == "float32" and variable.path.split("/")[-1] != "kernel":
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


def dropped(model, *names):
    paths = layer_paths(model)
    found = {layer.name: paths[id(layer)] for layer in every_layer(model)}
    return drop_biases(model, record_model(model), [found[name] for name in names])


def chain(*inner, shape=(5,)):
    return drawn(keras.Sequential([keras.Input(shape), *inner]))


def assert_same(old, new, x, conditioning=16.0):
    """Outputs in both modes, and the statistics after a training step but for the bias.

    A mean that is some σ from 0 is subtracted, and a spread of a few rows divides.
    """
    allowed = tolerance("float32", n=len(keras.tree.flatten(x)[0]), conditioning=conditioning)
    for training in (False, True, False):
        for one, other in zip(
            outputs(old, x, training=training), outputs(new, x, training=training), strict=True
        ):
            assert_close(other, one, allowed)


@pytest.mark.parametrize("kind", [layers.BatchNormalization, BatchNormalization])
def test_the_bias_goes_into_the_moving_mean(kind):
    old = chain(layers.Dense(4, name="linear"), kind(name="norm"), layers.ReLU())
    before = values(old)
    new, behind, left = dropped(old, "linear")
    assert (new.layers[0].use_bias, new.layers[0].bias) == (False, None)
    assert (behind, left) == ({old.layers[0].name: (old.layers[1].name,)}, {})
    less = numpy(old.layers[1].moving_mean).astype("float64") - numpy(old.layers[0].bias)
    assert_close(numpy(new.layers[1].moving_mean), less, tolerance("float32"))
    assert values(old) == before
    assert_same(old, new, normal((16, 5)))


def test_what_tells_outputs_apart_can_fail():
    old, other = (chain(layers.Dense(4), layers.BatchNormalization()) for _ in range(2))
    other.layers[1].moving_mean.assign(numpy(other.layers[1].moving_mean) + 1e-3)
    with pytest.raises(AssertionError, match="relative error"):
        assert_same(old, other, normal((16, 5)))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_linear_layer(name):
    make, shape = CONVOLUTIONS[name]
    old = chain(make(), layers.BatchNormalization(), shape=shape)
    new, behind, left = dropped(old, "linear")
    assert (len(behind), left, new.layers[0].bias) == (1, {}, None)
    assert_same(old, new, normal((16, *shape)))


def test_renormalization_loses_the_bias_in_both_means():
    old = chain(layers.Dense(4, name="linear"), BatchNormalization(renorm=True))
    assert_same(old, dropped(old, "linear").model, normal((16, 5)))


def test_a_normalization_outside_of_the_nested_model():
    x = keras.Input((5,))
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="linear")], name="inner")
    old = drawn(keras.Model(x, layers.Dense(2)(layers.BatchNormalization()(inner(x)))))
    new, behind, left = dropped(old, "linear")
    assert (len(behind), left) == (1, {})
    assert new.get_layer("inner").layers[0].bias is None
    assert_same(old, new, normal((16, 5)))


def test_a_linear_layer_that_is_called_twice():
    one, two = keras.Input((5,)), keras.Input((5,))
    linear, both = layers.Dense(4, name="linear"), layers.BatchNormalization()
    other = layers.BatchNormalization()
    old = drawn(keras.Model([one, two], [both(linear(one)), both(linear(two)), other(linear(one))]))
    new, behind, left = dropped(old, "linear")
    assert (len(*behind.values()), left) == (2, {})
    assert_same(old, new, [normal((16, 5), 1), normal((16, 5), 2)])


def test_sums_of_which_the_bias_is_a_part():
    """A residual network whose branches begin with the normalization: what is added they subtract again."""
    x = h = keras.Input((5,))
    h = layers.Dense(4, name="stem")(h)
    for i in range(2):
        branch = layers.ReLU()(layers.BatchNormalization(name=f"norm{i}")(h))
        branch = layers.Dense(4, name=f"branch{i}")(branch)
        # The second is added by an operation, and twice.
        h = layers.Add()([h, branch]) if i == 0 else h + branch + branch
    old = drawn(keras.Model(x, layers.Dense(2)(layers.BatchNormalization(name="last")(h))))
    new, behind, left = dropped(old, "stem", "branch0", "branch1")
    assert (list(behind.values()), left) == ([("norm0", "norm1", "last"), ("norm1", "last"), ("last",)], {})
    biases = {name: numpy(old.get_layer(name).bias).astype("float64") for name in behind}
    for name, less in {
        "norm0": biases["stem"],
        "norm1": biases["stem"] + biases["branch0"],
        "last": biases["stem"] + biases["branch0"] + 2 * biases["branch1"],
    }.items():
        mean = numpy(old.get_layer(name).moving_mean).astype("float64") - less
        assert_close(numpy(new.get_layer(name).moving_mean), mean, tolerance("float32", conditioning=16.0))
    assert_same(old, new, normal((16, 5)), conditioning=4096.0)  # three normalizations


def test_enlarged_images_keep_the_bias_along_their_channels():
    parts = [layers.Conv2D(3, 2, name="linear"), layers.UpSampling2D(), layers.Cropping2D(1)]
    old = chain(*parts, layers.BatchNormalization(), shape=(4, 4, 2))
    new, behind, left = dropped(old, "linear")
    assert (len(behind), left) == (1, {})
    assert_same(old, new, normal((16, 4, 4, 2)))


@pytest.mark.parametrize("pooling", [layers.AveragePooling2D, layers.MaxPooling2D])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_pooled_images_keep_the_bias(pooling, padding):
    parts = [layers.Conv2D(3, 2, name="linear"), pooling(3, padding=padding)]
    old = chain(*parts, layers.BatchNormalization(), shape=(6, 6, 2))
    new, behind, left = dropped(old, "linear")
    assert (len(behind), left) == (1, {})
    assert_same(old, new, normal((16, 6, 6, 2)))


def test_several_at_once_and_one_that_cannot():
    old = chain(
        *(layers.Dense(4, name="one"), layers.BatchNormalization(), layers.ReLU()),
        *(layers.Dense(4, name="two"), layers.BatchNormalization(), layers.ReLU()),
        layers.Dense(2, name="out"),
    )
    new, behind, left = dropped(old, "one", "two", "out")
    assert [path.rpartition("/")[2] for path in behind] == ["one", "two"]
    assert list(left.values()) == [f"what {old.layers[-1].name} gives is an output of the model"]
    assert [layer.bias is None for layer in new.layers if isinstance(layer, layers.Dense)] == [
        True,
        True,
        False,
    ]
    assert_same(old, new, normal((16, 5)), conditioning=256.0)  # two normalizations, one after the other


def test_the_optimizer_is_of_the_same_kind():
    old = chain(layers.Dense(4, name="linear"), layers.BatchNormalization())
    old.compile(keras.optimizers.SGD(0.25), "mse")
    new = dropped(old, "linear").model
    assert float(numpy(new.optimizer.learning_rate)) == 0.25
    x = normal((16, 5))
    before = new.evaluate(x, normal((16, 4)), verbose=0)
    new.fit(x, normal((16, 4)), epochs=2, verbose=0)
    assert new.evaluate(x, normal((16, 4)), verbose=0) < before


def two_kinds_of_input():
    x = keras.Input((5,))
    norm = layers.BatchNormalization(name="norm")
    linear, other = layers.Dense(4, name="linear"), layers.Dense(4, name="other")
    return keras.Model(x, [norm(linear(x)), norm(other(x))])


def used_elsewhere():
    x = keras.Input((5,))
    y = layers.Dense(4, name="linear")(x)
    return keras.Model(x, layers.Multiply(name="gate")([layers.BatchNormalization()(y), y]))


def added_to_an_output():
    x = keras.Input((5,))
    y = layers.Dense(4, name="linear")(x)
    return keras.Model(x, layers.Add(name="sum")([layers.BatchNormalization()(y), y]))


def once_and_twice():
    x = keras.Input((5,))
    y, norm = layers.Dense(4, name="linear")(x), layers.BatchNormalization(name="norm")
    return keras.Model(x, [norm(y), norm(layers.Add()([y, y]))])


def stretched():
    """The sum repeats what the layer gives, so that the bias is along other channels in another shape."""
    one, many = keras.Input((1, 5)), keras.Input((3, 4))
    y = layers.Add(name="sum")([layers.Dense(4, name="linear")(one), many])
    return keras.Model([one, many], layers.BatchNormalization()(y))


def within_a_wrapper():
    inner = [layers.Dense(4, name="linear"), layers.BatchNormalization()]
    net = keras.Sequential([keras.Input((5,)), *inner])
    return keras.Sequential([keras.Input((3, 5)), layers.TimeDistributed(net)])


REFUSED = {
    'has an activation, "relu"': lambda: chain(
        layers.Dense(4, "relu", name="linear"), layers.BatchNormalization()
    ),
    "takes what linear gives, and is no batch normalization": used_elsewhere,
    "is a part of what sum gives, an output of the model": added_to_an_output,
    "norm is given the bias of linear 1 times in one call and 2 times in another": once_and_twice,
    "sum takes what linear gives, and is no batch normalization": stretched,
    '"norm" takes what "other" gives as well, and has one moving mean for both': two_kinds_of_input,
    "has no bias, or one along several axes": lambda: chain(
        layers.Dense(4, use_bias=False, name="linear"), layers.BatchNormalization()
    ),
    "has a penalty on what it gives": lambda: chain(
        layers.Dense(4, activity_regularizer="l2", name="linear"), layers.BatchNormalization()
    ),
    "is inside of a layer that is no model itself": within_a_wrapper,
    "along the axes [1]; the biases of": lambda: chain(
        layers.Dense(4, name="linear"), layers.BatchNormalization(axis=1), shape=(3, 5)
    ),
    "is a LSTM; expected a Dense or a convolution": lambda: chain(
        layers.LSTM(4, name="linear"), layers.BatchNormalization(), shape=(3, 5)
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refused(reason):
    old = REFUSED[reason]()
    new, behind, left = dropped(old, "linear")
    assert new is old
    assert behind == {}
    assert re.search(re.escape(reason), *left.values())


BLOCKS = st.lists(
    st.tuples(
        st.integers(2, 6),
        st.sampled_from(["relu", "tanh", "linear"]),
        st.booleans(),
        st.sampled_from([layers.BatchNormalization, BatchNormalization]),
    ),
    min_size=1,
    max_size=3,
)


CONDITIONING = 4.0**6
"""At most three normalizations after one another, each of which divides by a spread from 0.25 on, at 16 rows
hardly smaller, and multiplies by at most 1.5; what is subtracted is at most 4 spreads."""


@given(BLOCKS, st.integers(0, 2**31))
@settings(max_examples=8)
def test_random_networks_compute_the_same(blocks, seed):
    """Blocks of a linear layer, a normalization and an activation, some with a way around, in float64."""
    keras.utils.set_random_seed(seed)
    with float64():
        x = y = keras.Input((5,))
        for number, (width, function, skips, kind) in enumerate(blocks):
            before = y
            y = layers.Activation(function)(kind()(layers.Dense(width, name=f"linear{number}")(y)))
            y = layers.Concatenate()([before, y]) if skips else y
        old = randomized(keras.Model(x, layers.Dense(2)(y)), seed)
        new, behind, left = dropped(old, *(f"linear{number}" for number in range(len(blocks))))
        assert (len(behind), left) == (len(blocks), {})
        rows = np.random.default_rng(seed).normal(size=(16, 5))
        allowed = tolerance("float64", n=16, conditioning=CONDITIONING)
        # Keras' own layer computes in float32 on JAX and torch even then.
        models = normwise.convert(old), normwise.convert(new)
        for training in (False, True, False):
            one, other = (numpy(model(rows, training=training)) for model in models)
            assert one.dtype == "float64"
            assert_close(other, one, allowed)
