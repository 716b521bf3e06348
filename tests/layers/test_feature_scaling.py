"""FeatureScaling against float64, in models, at large offsets, with missing values and with bad arguments."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise

CENTER, SCALE, SHIFT = [1.5, -2.0, 0.1], [2.0, 0.25, -1.0], [0.5, 0.0, 3.0]


def by_hand(x, center=CENTER, scale=SCALE, shift=SHIFT):
    return (np.asarray(x, np.float64) - np.array(center)) * np.array(scale) + np.array(shift)


@pytest.mark.parametrize("shape", [(3,), (8, 3), (2, 5, 3), (0, 3)])
def test_every_rank_over_the_last_axis(shape):
    x = normal(shape)
    y = normwise.FeatureScaling(CENTER, SCALE, SHIFT)(x)
    assert_close(numpy(y), by_hand(x), tolerance("float32"))


def test_numbers_alone_and_mixed_with_sequences():
    x = normal((8, 3))
    y = normwise.FeatureScaling(1.0, SCALE)(x)
    assert_close(numpy(y), by_hand(x, 1.0, SCALE, 0.0), tolerance("float32"))
    y = normwise.FeatureScaling(np.float32(1.0), 2.0)(normal((8,)))
    assert_close(numpy(y), by_hand(normal((8,)), 1.0, 2.0, 0.0), tolerance("float32"))


def model(layer, kind):
    if kind == "sequential":
        return keras.Sequential([keras.Input((3,)), layer])
    inputs = keras.Input((3,))
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", ["sequential", "functional"])
@pytest.mark.parametrize("offset", [1e5, 1e6])
def test_a_large_offset_keeps_its_digits_in_compiled_models(offset, kind, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ compiler")
    x = normal((100_000, 3), mean=offset, std=1.0)
    center, scale = (offset + np.array([0.123, -0.456, 0.001])).tolist(), [1 / 3, 1.7, 0.9]
    subject = model(normwise.FeatureScaling(center, scale, 0.25), kind)
    subject.compile(jit_compile=jit)
    y = subject.predict(x, batch_size=50_000, verbose=0)
    assert_close(y, by_hand(x, center, scale, 0.25), tolerance("float32"))


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_sees_the_scaled_values_only(policy):
    x = normal((64, 3), mean=1e6, std=1.0)
    y = normwise.FeatureScaling(1e6, 1.0, dtype=policy)(x)
    compute = keras.DTypePolicy(policy).compute_dtype
    assert keras.backend.standardize_dtype(y.dtype) == compute
    assert_close(numpy(y), by_hand(x, 1e6, 1.0, 0.0), tolerance(compute))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "bool"])
def test_integers_and_booleans_are_widened(dtype):
    x = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    y = normwise.FeatureScaling(CENTER, SCALE)(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert_close(numpy(y), by_hand(x, shift=0.0), tolerance("float32"))


def test_missing_values_are_kept_or_made_zero():
    x = np.array([[1.0, np.nan, 3.0]], "float32")
    kept = numpy(normwise.FeatureScaling(CENTER, SCALE, SHIFT)(x))
    assert np.isnan(kept).tolist() == [[False, True, False]]
    zeroed = numpy(normwise.FeatureScaling(CENTER, SCALE, SHIFT, missing="zero")(x))
    assert_close(zeroed, np.where(np.isnan(x), 0.0, by_hand(x)), tolerance("float32"))


def test_the_gradient_of_a_missing_value_is_zero():
    x = np.array([[1.0, np.nan, 3.0]], "float32")
    by_x, _ = gradients(normwise.FeatureScaling(CENTER, SCALE, missing="zero"), x, np.ones_like(x))
    assert_close(by_x, [[2.0, 0.0, -1.0]], 0.0)


def test_the_config_survives_json_to_the_last_bit():
    numbers = [0.1, 1 / 3, 1e6 + 1e-9]
    layer = normwise.FeatureScaling(np.array(numbers), numbers, np.float64(0.1), missing="zero", name="scale")
    config = json.loads(json.dumps(layer.get_config()))
    again = normwise.FeatureScaling.from_config(config)
    assert (again.center, again.scale, again.shift) == (numbers, numbers, 0.1)
    assert (again.missing, again.name) == ("zero", "scale")


def test_there_are_no_variables():
    layer = normwise.FeatureScaling(CENTER, SCALE)
    layer(normal((2, 3)))
    assert layer.variables == []


@pytest.mark.parametrize("clip", [(-1.0, 1.5), (None, 1.5), (-1.0, None), (None, None)])
@pytest.mark.parametrize("missing", ["keep", "zero"])
def test_outputs_end_at_the_bounds_and_nan_does_not_become_one(clip, missing):
    x = normal((64, 3))
    x[::7, 1] = np.nan
    y = numpy(normwise.FeatureScaling(CENTER, SCALE, SHIFT, missing, clip)(x))
    expected = np.where(np.isnan(x), np.nan if missing == "keep" else 0.0, np.clip(by_hand(x), *clip))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
    assert_close(np.nan_to_num(y), np.nan_to_num(expected), tolerance("float32"))


def test_a_missing_value_is_0_though_0_is_out_of_bounds():
    layer = normwise.FeatureScaling(0.0, 1.0, missing="zero", clip=(2.0, 3.0))
    assert numpy(layer(np.array([[np.nan, 0.0, 9.0, np.inf]], "float32"))).tolist() == [[0.0, 2.0, 3.0, 3.0]]


@pytest.mark.parametrize("jit", [False, True])
def test_bounds_in_compiled_models(jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ compiler")
    x = normal((64, 3), mean=1e6, std=2.0)
    x[0, 0] = np.nan
    subject = model(normwise.FeatureScaling(1e6 + 0.123, 0.7, clip=(-1.0, 1.0)), "sequential")
    subject.compile(jit_compile=jit)
    y = subject.predict(x, verbose=0)
    assert np.isnan(y[0, 0])
    expected = np.clip((x.astype("float64") - 1e6 - 0.123) * 0.7, -1, 1)
    assert_close(y[1:], expected[1:], tolerance("float32"))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX computes in float32")
def test_bounds_keep_float64():
    layer = normwise.FeatureScaling(0.0, 1.0, clip=(0.1, None), dtype="float64")
    y = ops.convert_to_numpy(layer(ops.convert_to_tensor(np.array([[0.0, 0.3]]), "float64")))
    assert y.tolist() == [[0.1, 0.3]]


def test_the_gradient_beyond_a_bound_is_zero():
    x = np.array([[1.0, 0.0, 3.0]], "float32")
    by_x, _ = gradients(normwise.FeatureScaling(0.0, 2.0, clip=(1.0, 5.0)), x, np.ones_like(x))
    assert by_x.tolist() == [[2.0, 0.0, 0.0]]


def test_the_bounds_are_in_the_config_and_older_configs_have_none():
    layer = normwise.FeatureScaling(CENTER, SCALE, clip=(None, 0.1))
    config = json.loads(json.dumps(layer.get_config()))
    assert config["clip"] == [None, 0.1]
    assert normwise.FeatureScaling.from_config(config).clip == (None, 0.1)
    del config["clip"]
    assert normwise.FeatureScaling.from_config(config).clip is None


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ((1.0, 1.0), r"clip must be a pair \(low, high\) that rises, got \(1.0, 1.0\)"),
        ((2, -1), r"that rises, got \(2.0, -1.0\)"),
        (3.0, r"clip must be a pair \(low, high\), either of them None for no bound, got 3.0"),
        ((1.0,), r"either of them None for no bound, got \(1.0,\)"),
        ((0.0, np.nan), "clip must hold finite numbers within float32's range, got nan"),
    ],
)
def test_bounds_that_are_refused(clip, message):
    with pytest.raises(ValueError, match=message):
        normwise.FeatureScaling(CENTER, SCALE, clip=clip)


@pytest.mark.parametrize("shape", [(8, 4), (8, 2), (3, 1), ()])
def test_another_number_of_features(shape):
    size = shape[-1] if shape else None
    with pytest.raises(ValueError, match=rf"last axis has {size} features, but .* are for 3; input shape"):
        normwise.FeatureScaling(CENTER, SCALE)(np.zeros(shape, "float32"))


def test_an_input_of_unknown_width():
    with pytest.raises(ValueError, match=r"last axis has None features, but .* are for 3"):
        normwise.FeatureScaling(CENTER, SCALE)(keras.Input((None,)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0] * 3), r"equally long, got lengths \{'center': 2, 'scale': 3\}"),
        (([1.0, np.nan], 1.0), "center must hold finite numbers within float32's range, got nan"),
        ((0.0, [1.0, 1e39]), "scale must hold finite numbers within float32's range, got 1e\\+39"),
        ((0.0, 1.0, np.inf), "shift must hold finite numbers within float32's range, got inf"),
        (([[1.0]], 1.0), r"center must be a number or a sequence of numbers, got shape \(1, 1\)"),
        ((0.0, 1.0, 0.0, "drop"), 'missing must be "keep" or "zero", got \'drop\''),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        normwise.FeatureScaling(*arguments)


def test_symbolic_inputs_keep_their_shape_and_take_the_policys_dtype():
    y = normwise.FeatureScaling(CENTER, SCALE, dtype="mixed_bfloat16")(keras.Input((7, 3), dtype="int32"))
    assert y.shape == (None, 7, 3)
    assert y.dtype == "bfloat16"
    assert ops.is_tensor(y) is False
