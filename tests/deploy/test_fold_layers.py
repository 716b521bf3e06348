"""Each linear layer takes the normalization before it and the one behind it, in float64."""

import keras
import pytest
from keras import layers
from tests.deploy.folding import float64, folded_whole

import normwise

CONVOLUTIONS = {
    1: ((9, 4), layers.Conv1D, layers.Conv1DTranspose),
    2: ((6, 5, 4), layers.Conv2D, layers.Conv2DTranspose),
    3: ((5, 4, 5, 4), layers.Conv3D, layers.Conv3DTranspose),
}
DEPTHWISE = {1: layers.DepthwiseConv1D, 2: layers.DepthwiseConv2D}
SEPARABLE = {1: layers.SeparableConv1D, 2: layers.SeparableConv2D}

PLAIN = {
    "dense": ((5,), lambda **k: layers.Dense(4, **k)),
    "dense on steps": ((3, 5), lambda **k: layers.Dense(4, **k)),
    "dense on unknown steps": ((None, 5), lambda **k: layers.Dense(4, **k)),
    **{
        f"convolution {rank}, {name}": ((shape), lambda kind=kind, o=options, **k: kind(6, 2, **o, **k))
        for rank, (shape, kind, _) in CONVOLUTIONS.items()
        for name, options in {
            "groups": {"groups": 2},
            "strides": {"strides": 2},
            "dilated": {"dilation_rate": 2},
        }.items()
    },
    **{
        f"depthwise {rank}": (CONVOLUTIONS[rank][0], lambda kind=kind, **k: kind(2, depth_multiplier=3, **k))
        for rank, kind in DEPTHWISE.items()
    },
    **{
        f"separable {rank}": (
            CONVOLUTIONS[rank][0],
            lambda kind=kind, **k: kind(5, 2, depth_multiplier=2, **k),
        )
        for rank, kind in SEPARABLE.items()
    },
}
TRANSPOSED = {
    f"transposed {rank}, {padding}": (shape, lambda kind=kind, p=padding, **k: kind(3, 3, 2, padding=p, **k))
    for rank, (shape, _, kind) in CONVOLUTIONS.items()
    for padding in ("valid", "same")
}
KINDS = [layers.BatchNormalization, normwise.BatchNormalization]


def chain(shape, *inner):
    return keras.Sequential([keras.Input(shape), *inner, layers.ReLU(name="relu")], name="chain")


def axis_of(data_format):
    return 1 if data_format == "channels_first" else -1


def turned(shape, data_format):
    return (shape[-1], *shape[:-1]) if data_format == "channels_first" else shape


@pytest.fixture(autouse=True)
def _in_float64():
    with float64():
        yield


def formats(cases):
    """Each case channels last, and convolutions channels first too."""
    for name, (shape, make) in cases.items():
        yield pytest.param(shape, make, "channels_last", id=name)
        if not name.startswith(("dense", "einsum")):
            yield pytest.param(shape, make, "channels_first", id=f"{name}, channels first")


def made(make, data_format, **options):
    if data_format == "channels_first":
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow on a CPU has no channels-first convolutions")
        options["data_format"] = data_format
    return make(name="linear", **options)


@pytest.mark.parametrize(("shape", "make", "data_format"), [*formats(PLAIN | TRANSPOSED)])
def test_into_the_layer_before_it(shape, make, data_format):
    use_bias = data_format == "channels_last"
    linear = made(make, data_format, use_bias=use_bias)
    norm = KINDS[use_bias](axis=axis_of(data_format), name="norm")
    result = folded_whole(chain(turned(shape, data_format), linear, norm), dtype="float64")
    assert [layer.name for layer in result.model.layers] == ["linear", "relu"]
    assert result.folded == [("norm", "BatchNormalization", "before", ("linear",), "")]


@pytest.mark.parametrize(("shape", "make", "data_format"), [*formats(PLAIN)])
def test_into_the_layer_after_it(shape, make, data_format):
    use_bias = data_format == "channels_last"
    linear = made(make, data_format, use_bias=use_bias, activation="tanh")
    norm = KINDS[use_bias](axis=axis_of(data_format), name="norm")
    result = folded_whole(chain(turned(shape, data_format), norm, linear), dtype="float64")
    assert [layer.name for layer in result.model.layers] == ["linear", "relu"]
    assert result.folded == [("norm", "BatchNormalization", "after", ("linear",), "")]


def without_shift(kind, axis):
    """A normalization that adds nothing: its statistics never move from the mean 0."""
    return kind(axis=axis, center=False, moving_mean_initializer="zeros", name="norm")


@pytest.mark.parametrize(("shape", "make", "data_format"), [*formats(TRANSPOSED)])
def test_a_scale_alone_goes_into_a_transposed_convolution(shape, make, data_format):
    linear, norm = made(make, data_format), without_shift(layers.BatchNormalization, axis_of(data_format))
    model = chain(turned(shape, data_format), norm, linear)
    result = folded_whole(model, dtype="float64")
    assert result.folded[0].how == "alone"
    assert "adds up fewer places at the edges" in result.folded[0].reason
    # With the mean at 0 the map has no shift.
    norm.moving_mean.assign(0.0 * norm.moving_mean)
    assert [record.how for record in normwise.fold(model).folded] == ["after"]


@pytest.mark.parametrize("places", [6, 7])
@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("strides", [1, 2])
def test_same_padding_is_in_the_way_where_it_pads(places, window, strides):
    convolution = layers.Conv1D(3, window, strides=strides, padding="same")
    model = chain((places, 4), layers.BatchNormalization(), convolution)
    pads = (-(-places // strides) - 1) * strides + window > places
    result = folded_whole(model, dtype="float64")
    assert [record.how for record in result.folded] == ["alone" if pads else "after"]
    if pads:
        assert f'"{convolution.name}" (Conv1D) pads with 0, where a shift of up to' in result.folded[0].reason


@pytest.mark.parametrize("padding", ["same", "causal"])
def test_a_scale_alone_goes_through_zero_padding(padding):
    norm = layers.BatchNormalization(center=False)
    model = chain((6, 4), norm, layers.ZeroPadding1D(2), layers.Conv1D(3, 3, padding=padding))
    assert [record.how for record in folded_whole(model, dtype="float64").folded] == ["alone"]
    norm.moving_mean.assign(0.0 * norm.moving_mean)
    assert [record.how for record in normwise.fold(model).folded] == ["after"]


@pytest.mark.parametrize("bias_axes", [None, "c", "bc"])
@pytest.mark.parametrize(
    ("equation", "output", "axis"),
    [
        ("ab,bc->ac", 4, -1),
        ("...b,bc->...c", 4, -1),
        ("asb,bhc->ashc", (3, 2, 4), (2, 3)),
        ("asb,bhc->ashc", (3, 2, 4), 3),
        ("ab...,bc->ac...", 4, 1),
        ("asb,sbc->asc", (3, 4), (1, 2)),
    ],
)
def test_into_the_einsum_before_it(equation, output, axis, bias_axes):
    axes = "".join(c for c in bias_axes or "" if c in equation.split("->")[1]) or None
    shape = {"ab,bc->ac": (5,), "ab...,bc->ac...": (5, 3)}.get(equation, (3, 5))
    linear = layers.EinsumDense(equation, output, bias_axes=axes, name="linear")
    norm = normwise.BatchNormalization(axis=list(axis) if isinstance(axis, tuple) else axis, name="norm")
    result = folded_whole(chain(shape, linear, norm), dtype="float64")
    assert result.folded[0].how == "before"


@pytest.mark.parametrize("bias_axes", [None, "c"])
@pytest.mark.parametrize(
    ("equation", "output", "axis"),
    [
        ("...b,bc->...c", 4, -1),
        ("asb,sbc->asc", (3, 4), (1, 2)),
        ("asb,sbc->ac", 4, (1, 2)),
        ("asb,bsc->ac", 4, 1),
        ("asb,bc->abc", (5, 4), -1),
    ],
)
def test_into_the_einsum_after_it(equation, output, axis, bias_axes):
    linear = layers.EinsumDense(equation, output, bias_axes=bias_axes, name="linear")
    norm = normwise.BatchNormalization(axis=list(axis) if isinstance(axis, tuple) else axis, name="norm")
    result = folded_whole(chain((3, 5), norm, linear), dtype="float64")
    expected = "alone" if equation == "asb,bc->abc" else "after"
    assert [record.how for record in result.folded] == [expected]


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_alone_on_any_axis(axis):
    model = chain((4, 3, 5), layers.ReLU(), layers.BatchNormalization(axis=axis, name="norm"))
    result = folded_whole(model, dtype="float64")
    alone = result.model.get_layer("norm")
    assert isinstance(alone, layers.EinsumDense)
    assert alone.count_params() == 2 * (4, 3, 5)[axis - 1]
    assert str(result.folded[0]) == (
        f'norm (BatchNormalization): one scale and shift, before it: "{model.layers[0].name}" (ReLU) does '
        'not commute with it; after it: "relu" (ReLU) does not commute with it'
    )


@pytest.mark.parametrize("axis", [1, 2])
def test_another_axis_than_the_channels_is_none_of_the_linear_layers(axis):
    model = chain((3, 5), layers.Dense(4), layers.BatchNormalization(axis=axis), layers.Dense(2))
    how = folded_whole(model, dtype="float64").folded[0].how
    assert how == ("before" if axis == 2 else "alone")


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"epsilon": 0.5}])
@pytest.mark.parametrize("kind", KINDS)
def test_options_of_the_normalization(kind, options):
    folded_whole(chain((5,), layers.Dense(4), kind(**options)), dtype="float64")


@pytest.mark.parametrize(
    "options",
    [
        {"renorm": True},
        {"virtual_batch_size": 2},
        {"averaging": "exponential"},
        {"averaging": "cumulative"},
        {"statistics_trainable": False},
        {"activation": "tanh"},
        {"synchronized": True},
    ],
)
def test_options_of_normwise(options):
    model = chain((5,), layers.Dense(4), normwise.BatchNormalization(name="norm", **options))
    result = folded_whole(model, dtype="float64")
    rest = ["norm"] if "activation" in options else []
    assert [layer.name for layer in result.model.layers[1:-1]] == rest


def test_gamma_zero_and_negative():
    model = folded_whole(chain((5,), layers.Dense(4), layers.BatchNormalization()), low=-1.5, dtype="float64")
    norm = layers.BatchNormalization(gamma_initializer="zeros")
    model = chain((5,), layers.Dense(4), norm, layers.Dense(3))
    folded_whole(model, dtype="float64", low=0.0)
    norm.gamma.assign(0.0 * norm.gamma)
    folded = normwise.fold(model).model
    assert not keras.ops.convert_to_numpy(folded.layers[0].kernel).any()
