"""Over random graphs: the folded model gives what the model gives, folding twice is folding once, no
normalization is left."""

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tests.deploy.folding import assert_same, float64, left, numpy, randomized, rows

import normwise

SIDE, CHANNELS = 5, 4
GAMMAS_FROM = st.sampled_from([-1.5, 0.5])


def normalization(draw):
    kind = draw(st.sampled_from([layers.BatchNormalization, normwise.BatchNormalization]))
    options = {"center": draw(st.booleans()), "scale": draw(st.booleans())}
    if kind is normwise.BatchNormalization and draw(st.integers(0, 3)) == 0:
        options["activation"] = "relu"
    return kind(axis=draw(st.sampled_from([-1, -1, -1, 1])), **options)


def convolution(draw):
    options = {"use_bias": draw(st.booleans()), "activation": draw(st.sampled_from([None, None, "relu"]))}
    return layers.Conv2D(
        CHANNELS,
        draw(st.sampled_from([1, 3])),
        # The side stays as it is, or becomes 3.
        padding=draw(st.sampled_from(["same", "same", "valid"])),
        groups=draw(st.sampled_from([1, 2])),
        **options,
    )


def pointwise(draw):
    options = {"use_bias": draw(st.booleans())}
    kind = draw(st.sampled_from(["dense", "einsum", "depthwise", "separable", "transposed"]))
    return {
        "dense": lambda: layers.Dense(CHANNELS, **options),
        "einsum": lambda: layers.EinsumDense("...c,cd->...d", CHANNELS),
        "depthwise": lambda: layers.DepthwiseConv2D(1, **options),
        "separable": lambda: layers.SeparableConv2D(CHANNELS, 1, **options),
        "transposed": lambda: layers.Conv2DTranspose(CHANNELS, 1, **options),
    }[kind]()


def passed(draw):
    kinds = [
        lambda: layers.Dropout(0.5),
        lambda: layers.Activation("linear"),
        lambda: layers.MaxPooling2D(2, 1, padding="same"),
        lambda: layers.AveragePooling2D(2, 1, padding="same"),
        lambda: layers.ZeroPadding2D(1),
        lambda: layers.UpSampling2D(2),
        lambda: layers.Cropping2D(1),
        lambda: layers.Permute((2, 1, 3)),
    ]
    return draw(st.sampled_from(kinds))()


def stops(draw):
    return draw(st.sampled_from([layers.ReLU, layers.LeakyReLU]))()


STEPS = [normalization, normalization, normalization, convolution, pointwise, passed, stops]


def usable(step, tensor):
    """Whether there are enough places for a window of 3, and not too many for a test."""
    side = tensor.shape[1]
    return side > 2 and not (isinstance(step, layers.UpSampling2D) and side > 6)


def graph(draw):
    """A model of images: steps from any tensor there is, some of which meet again, and a head or two."""
    x = keras.Input((SIDE, SIDE, CHANNELS))
    tensors = [x]
    for _ in range(draw(st.integers(2, 7))):
        taken = draw(st.sampled_from(tensors[-2:]))
        if draw(st.integers(0, 5)) == 0:
            same = [t for t in tensors if t.shape == taken.shape]
            other = draw(st.sampled_from(same))
            joint = draw(st.sampled_from([layers.Add, layers.Concatenate]))()
            both = joint([taken, other])
            if both.shape != taken.shape:
                both = layers.Dense(CHANNELS)(normalization(draw)(both))
            tensors.append(both)
            continue
        step = draw(st.sampled_from(STEPS))(draw)
        if usable(step, taken):
            tensors.append(step(taken))
    y = tensors[-1]
    outputs = [layers.Dense(2)(layers.Flatten()(normalization(draw)(y)))]
    if draw(st.booleans()):
        outputs.append(normalization(draw)(layers.GlobalMaxPooling2D()(tensors[len(tensors) // 2])))
    return keras.Model(x, outputs)


def chain(draw):
    inner = [draw(st.sampled_from(STEPS))(draw) for _ in range(draw(st.integers(1, 6)))]
    # Steps of 3 by 3 alone would leave nothing of 5 by 5.
    padding = layers.ZeroPadding2D(4)
    return keras.Sequential([keras.Input((SIDE, SIDE, CHANNELS)), layers.ReLU(), padding, *inner])


def check(model, low):
    randomized(model, low=low)
    once = normwise.fold(model)
    assert left(once.model) == []
    assert once.kept == []
    assert isinstance(model, keras.Sequential) == isinstance(once.model, keras.Sequential)
    # A chain of up to ten layers, each of which may magnify what the one before it rounded, by at most ten.
    assert_same(once.model, model, rows(model, 2), 100, "float64", conditioning=1e5)
    twice = normwise.fold(once.model)
    assert twice.folded == []
    for new, old in zip(twice.model.weights, once.model.weights, strict=True):
        assert (numpy(new) == numpy(old)).all()


@pytest.fixture(autouse=True, scope="module")
def _in_float64():
    with float64():
        yield


# Keras draws the seeds of new layers by Python's random, which Hypothesis allows in a test alone.
@settings(max_examples=12)
@given(data=st.data(), low=GAMMAS_FROM)
def test_chains(data, low):
    check(chain(data.draw), low)


@settings(max_examples=15)
@given(data=st.data(), low=GAMMAS_FROM)
def test_graphs(data, low):
    check(graph(data.draw), low)


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data(), low=GAMMAS_FROM, make=st.sampled_from([chain, graph]))
def test_many_more(data, low, make):
    check(make(data.draw), low)
