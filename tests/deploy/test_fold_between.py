"""What a normalization passes on its way to a linear layer, forward and backward, and what stops it."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.folding import float64, folded_whole, numpy

import normwise

STEPS, IMAGE, VOLUME = (8, 4), (8, 6, 4), (4, 4, 4, 4)


@pytest.fixture(autouse=True)
def _in_float64():
    with float64():
        yield


def chain(shape, *inner):
    return keras.Sequential([keras.Input(shape), *inner])


def how(model, low=0.5):
    # Keras takes the mean over all places in float32, on JAX and torch, even in a float64 model.
    means = any(type(layer).__name__.startswith("GlobalAverage") for layer in model.layers)
    dtype = "float32" if means else "float64"
    return [record.how for record in folded_whole(model, dtype=dtype, low=low, seed=2).folded]


SAME_RANK = {
    "dropout": (IMAGE, lambda: layers.Dropout(0.5)),
    "normwise's dropout": (IMAGE, lambda: normwise.Dropout(0.5)),
    "gaussian dropout": (IMAGE, lambda: layers.GaussianDropout(0.5)),
    "alpha dropout": (IMAGE, lambda: layers.AlphaDropout(0.5)),
    "noise": (IMAGE, lambda: layers.GaussianNoise(0.5)),
    "spatial dropout": (IMAGE, lambda: layers.SpatialDropout2D(0.5)),
    "identity": (IMAGE, layers.Identity),
    "linear": (IMAGE, lambda: layers.Activation("linear")),
    "activity": (IMAGE, lambda: layers.ActivityRegularization(0.1)),
    "cropping 1": (STEPS, lambda: layers.Cropping1D(1)),
    "cropping 2": (IMAGE, lambda: layers.Cropping2D(1)),
    "cropping 3": (VOLUME, lambda: layers.Cropping3D(1)),
    "upsampling 1": (STEPS, lambda: layers.UpSampling1D(2)),
    "upsampling 2": (IMAGE, lambda: layers.UpSampling2D(2)),
    "upsampling 3": (VOLUME, lambda: layers.UpSampling3D(2)),
    **{
        f"{kind} pooling {rank}, {padding}": (shape, lambda k=kind, r=rank, p=padding: pooling(k, r, p))
        for kind in ("Average", "Max")
        for rank, shape in enumerate((STEPS, IMAGE, VOLUME), 1)
        for padding in ("valid", "same")
    },
    **{
        f"global {kind} pooling {rank}": (
            shape,
            lambda k=kind, r=rank: pooling(f"Global{k}", r, keepdims=True),
        )
        for kind in ("Average", "Max")
        for rank, shape in enumerate((STEPS, IMAGE, VOLUME), 1)
    },
}
OTHER_RANK = {
    "global average": (IMAGE, layers.GlobalAveragePooling2D),
    "global max": (IMAGE, layers.GlobalMaxPooling2D),
    "reshape": (IMAGE, lambda: layers.Reshape((48, 4))),
    "permute": (IMAGE, lambda: layers.Permute((2, 1, 3))),
    "repeat": ((4,), lambda: layers.RepeatVector(3)),
}


POOLED_VOLUMES = (layers.AveragePooling3D, layers.MaxPooling3D)


def pooling(kind, rank, padding=None, **options):
    window = {} if padding is None else {"pool_size": 3, "strides": 2, "padding": padding}
    return getattr(layers, f"{kind}Pooling{rank}D")(**window, **options)


@pytest.mark.parametrize(("shape", "make"), (SAME_RANK | OTHER_RANK).values(), ids=SAME_RANK | OTHER_RANK)
def test_it_passes_in_both_directions(shape, make):
    if keras.backend.backend() == "tensorflow" and isinstance(make(), POOLED_VOLUMES):
        pytest.skip("TensorFlow on a CPU pools no volumes of float64")
    norms = [layers.BatchNormalization(), normwise.BatchNormalization()]
    back = chain(shape, layers.Dense(4), make(), norms[0])
    assert how(back) == ["before"]
    forth = chain(shape, layers.ReLU(), norms[1], make(), layers.Dense(3))
    assert how(forth) == ["after"]


@pytest.mark.parametrize("kind", ["Max", "GlobalMax"])
def test_a_negative_factor_makes_the_largest_the_smallest(kind):
    window = pooling(kind, 2)
    norm = layers.BatchNormalization()
    model = chain(IMAGE, layers.Dense(4), window, norm, layers.ReLU())
    assert how(model, low=-1.5) == ["alone"]
    reason = normwise.fold(model).folded[0].reason
    gamma, variance = numpy(norm.gamma), numpy(norm.moving_variance)
    smallest = (gamma / np.sqrt(variance + norm.epsilon)).min()
    assert f"takes the largest, which a factor of {smallest:.3g} makes the smallest" in reason
    # 0 makes all alike, the largest too.
    norm.gamma.assign(0.0 * norm.gamma)
    assert [record.how for record in normwise.fold(model).folded] == ["before"]


def test_behind_a_reshape_each_unit_of_the_dense_gets_its_channels_number():
    model = chain(
        (5,), layers.Dense(24), layers.Reshape((3, 2, 4)), layers.BatchNormalization(), layers.ReLU()
    )
    assert how(model) == ["before"]
    model = chain((5,), layers.Dense(24), layers.Reshape((3, 2, 4)), layers.BatchNormalization(axis=1))
    assert how(model) == ["before"]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_before_a_flatten_each_place_gets_its_channels_number(data_format):
    norm = layers.BatchNormalization(axis=1 if data_format == "channels_first" else -1)
    flat = layers.Flatten(data_format=data_format)
    assert how(chain((3, 2, 4), layers.ReLU(), norm, flat, layers.Dense(3))) == ["after"]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_behind_a_flatten_the_numbers_of_a_channel_differ_from_place_to_place(data_format):
    flat = layers.Flatten(data_format=data_format)
    dense = layers.EinsumDense("...c,cd->...d", 4)
    # Each place of the dense layer's output has a number of its own, which its weights cannot have.
    assert how(chain((3, 2, 5), dense, flat, layers.BatchNormalization(), layers.ReLU())) == ["alone"]
    # Where there is one place alone, they can.
    alike = chain((1, 1, 5), dense, flat, layers.BatchNormalization(), layers.ReLU())
    assert how(alike) == ["before"]


def test_sizes_that_are_not_known_stop_a_reshape():
    unknown = layers.Reshape((-1, 4))
    model = chain((None, 4), layers.Dense(8), unknown, layers.BatchNormalization(), layers.ReLU())
    assert how(model) == ["alone"]
    assert f'"{unknown.name}" (Reshape) has a size that is not known' in normwise.fold(model).folded[0].reason


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (lambda: layers.ReLU(name="r"), '"r" (ReLU) does not commute with it'),
        (lambda: layers.Activation("relu6", name="a"), '"a" (Activation) does not commute with it'),
        (lambda: layers.UpSampling2D(interpolation="bilinear", name="u"), '"u" (UpSampling2D) interpolates'),
        (lambda: layers.ZeroPadding2D(name="z"), '"z" (ZeroPadding2D) pads with 0, where a shift of up to'),
    ],
)
def test_what_stops_it_is_named(between, reason):
    back = chain(IMAGE, layers.Dense(4), between(), layers.BatchNormalization(), layers.ReLU())
    forth = chain(IMAGE, layers.ReLU(), layers.BatchNormalization(), between(), layers.Dense(3))
    for model in (back, forth):
        assert how(model) == ["alone"]
        assert reason in normwise.fold(model).folded[0].reason


def test_chains_of_normalizations_become_one():
    def norm():
        return layers.BatchNormalization()

    model = chain(
        (5,), norm(), norm(), layers.Dense(4), norm(), layers.Dropout(0.1), norm(), layers.ReLU(), norm()
    )
    result = folded_whole(model, dtype="float64")
    assert [record.how for record in result.folded] == ["after", "after", "before", "before", "alone"]
    assert [type(layer).__name__ for layer in result.model.layers] == [
        *("Dense", "Dropout", "ReLU", "EinsumDense"),
    ]
    lone = chain((5,), layers.ReLU(), norm(), layers.Dropout(0.1), norm(), layers.ReLU())
    assert how(lone) == ["after", "alone"]


def test_a_normalization_behind_a_max_pooling_joins_one_with_a_negative_factor():
    first = layers.BatchNormalization(name="first")
    model = chain(
        IMAGE, layers.ReLU(), first, layers.MaxPooling2D(), layers.BatchNormalization(), layers.ReLU()
    )
    folded_whole(model, dtype="float64")
    first.gamma.assign(-1.0 * first.gamma)
    result = normwise.fold(model)
    assert [(record.how, record.into) for record in result.folded] == [
        ("alone", ("first",)),
        ("before", ("first",)),
    ]


def scaling(**options):
    center, scale = [3.0, 0.0, -2.0, 1.0], [0.5, 2.0, 1.0, 0.1]
    return normwise.FeatureScaling(center, scale, shift=0.25, name="scaling", **options)


def test_feature_scaling_goes_into_the_first_dense():
    assert how(chain((4,), scaling(), layers.Dense(3))) == ["after"]
    assert how(chain((4,), normwise.FeatureScaling(1.0, 2.0), layers.Dense(3))) == ["after"]
    assert how(chain((4,), normwise.FeatureScaling(1.0, 2.0), layers.ReLU())) == ["alone"]


@pytest.mark.parametrize("invert", [False, True])
def test_keras_own_normalization_goes_into_the_first_dense(invert):
    adapted = layers.Normalization(invert=invert)
    adapted.adapt(np.random.default_rng(0).normal(2.0, 3.0, (64, 4)))
    given = layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 0.25], invert=invert)
    everywhere = layers.Normalization(axis=None, mean=1.0, variance=4.0, invert=invert)
    for normalization in (adapted, given, everywhere):
        result = folded_whole(chain((4,), normalization, layers.Dense(3)), dtype="float64")
        assert [layer.name for layer in result.model.layers] == [result.folded[0].into[0]]
