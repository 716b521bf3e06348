"""PowerScaling against decimals, beside the logarithms, at large offsets, in models; bad arguments."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance
from tests.reference.transforms import log1p, scaled, yeo_johnson

import normwise

LAMBDAS = [-2.0, -1e-9, 0.0, 1e-9, 0.5, 1.0, 2.0, 2 + 1e-9, 5.0]


def standardizing(transformed):
    """The center and the scale that bring decimals to mean 0 and standard deviation 1."""
    center = sum(transformed) / len(transformed)
    variance = sum((t - center) ** 2 for t in transformed) / len(transformed)
    return float(center), float(1 / variance.sqrt()) if variance else 1.0


def fitted(x, lambda_):
    """The layer that standardizes, and what it should give."""
    transformed = [yeo_johnson(v, lambda_) for v in x]
    center, scale = standardizing(transformed)
    layer = normwise.PowerScaling("yeo-johnson", [lambda_], [center], [scale])
    return layer, np.array([[scaled(t, center, scale)] for t in transformed])


def column(mean, std, rows=50, seed=0):
    return np.random.default_rng(seed).normal(mean, std, (rows, 1)).astype("float32")


def allowed(x, lambda_):
    """The exponent of the power magnifies the rounding of the logarithm."""
    exponents = np.where(x >= 0, lambda_, 2 - lambda_) * np.log1p(np.abs(x) - np.abs(x).min())
    return tolerance("float32", conditioning=1 + float(np.abs(exponents).max()))


@pytest.mark.parametrize("lambda_", LAMBDAS)
@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0, 1e3), (0, 1e-20), (5, 1e-5), (3, 1), (-3, 1)])
def test_it_is_yeo_and_johnsons(lambda_, mean, std):
    x = column(mean, std)
    layer, expected = fitted(x[:, 0], lambda_)
    assert_close(numpy(layer(x)), expected, allowed(x, lambda_))


@pytest.mark.parametrize("lambda_", LAMBDAS[1:-1])
@pytest.mark.parametrize("mean", [1e6, -1e6])
def test_a_large_offset_keeps_its_digits(lambda_, mean):
    x = column(mean, 1.0)
    layer, expected = fitted(x[:, 0], lambda_)
    assert_close(numpy(layer(x)), expected, tolerance("float32"))


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("jit", [False, True])
def test_a_large_offset_in_compiled_models(lambda_, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ compiler")
    x = column(1e6, 1.0)
    layer, expected = fitted(x[:, 0], lambda_)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(jit_compile=jit)
    assert_close(model.predict(x, verbose=0), expected, tolerance("float32"))


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_far_from_the_column(lambda_):
    x = np.array([[0.0], [1e-30], [-1e-30], [1e-6], [20.0], [-20.0], [1e5], [-1e5]], "float32")
    layer = normwise.PowerScaling("yeo-johnson", lambda_)
    expected = np.array([[float(yeo_johnson(v, lambda_))] for v in x[:, 0]])
    y = numpy(layer(x))
    for found, value, at in zip(y[:, 0], expected[:, 0], x[:, 0], strict=True):
        # Value by value: the small ones must be as right as the large ones.
        assert_close([found], [value], allowed(np.array([0.0, at]), lambda_))


@pytest.mark.parametrize(("mean", "std"), [(3, 0.1), (1e6, 1.0), (-0.5, 1e-3), (0, 1e-20)])
def test_log1p(mean, std):
    x = column(mean, std)
    transformed = [log1p(v) for v in x[:, 0]]
    center, scale = standardizing(transformed)
    y = normwise.PowerScaling("log1p", center=center, scale=scale)(x)
    expected = [[scaled(t, center, scale)] for t in transformed]
    assert_close(numpy(y), expected, tolerance("float32", conditioning=3.0))


def test_log1p_down_to_its_pole():
    x = np.array([[-1 + 2.0**-23], [-0.999], [-0.5], [0.0], [1e30]], "float32")
    expected = [[float(log1p(v))] for v in x[:, 0]]
    assert_close(numpy(normwise.PowerScaling("log1p")(x)), expected, tolerance("float32"))


def test_what_the_logarithm_does_not_define_is_missing():
    x = np.array([[-1.0, -1.5, -np.inf, np.nan, 0.0]], "float32")
    kept = numpy(normwise.PowerScaling("log1p", center=-2.0)(x))
    assert np.isnan(kept).tolist() == [[True] * 4 + [False]]
    zeroed = normwise.PowerScaling("log1p", center=-2.0, missing="zero")
    assert numpy(zeroed(x)).tolist() == [[0.0] * 4 + [2.0]]
    by_x, _ = gradients(zeroed, x, np.ones_like(x))
    assert by_x.tolist() == [[0.0] * 4 + [1.0]]


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_the_gradient_is_the_derivative(lambda_):
    x = np.array([[-30.0], [-1.0], [-1e-7], [0.0], [1e-7], [0.2], [1.0], [30.0]], "float32")
    center = float(yeo_johnson(1.0, lambda_))
    by_x, _ = gradients(normwise.PowerScaling("yeo-johnson", lambda_, center), x, np.ones_like(x))
    size = np.abs(x.astype("float64"))
    expected = (1 + size) ** np.where(x >= 0, lambda_ - 1, 1 - lambda_)
    for found, value, at in zip(by_x[:, 0], expected[:, 0], x[:, 0], strict=True):
        assert_close([found], [value], 4 * allowed(np.array([0.0, at]), lambda_))


@pytest.mark.parametrize("lambda_", [-2.0, 0.0, 2.0, 5.0])
@pytest.mark.parametrize("x", [3e38, -3e38, np.inf, -np.inf, 1e-40, np.nan])
def test_outputs_and_gradients_are_finite_whatever_comes(lambda_, x):
    layer = normwise.PowerScaling("yeo-johnson", lambda_, scale=1e-3, missing="zero")
    x = np.array([[x]], "float32")
    by_x, _ = gradients(layer, x, np.ones_like(x))
    assert np.isfinite(numpy(layer(x))).all()
    assert np.isfinite(by_x).all()


def test_a_center_that_the_power_never_reaches_is_subtracted_all_the_same():
    x = np.array([[1.0], [5.0]], "float32")
    expected = [[scaled(yeo_johnson(v, -2.0), 3.0, 2.0)] for v in x[:, 0]]
    layer = normwise.PowerScaling("yeo-johnson", -2.0, center=3.0, scale=2.0)
    assert_close(numpy(layer(x)), expected, tolerance("float32"))


def test_scale_0_gives_0_even_where_the_power_overflows():
    layer = normwise.PowerScaling("yeo-johnson", 5.0, center=1.0, scale=0.0)
    assert numpy(layer(np.array([[1.0], [3e38], [-3e38]], "float32"))).tolist() == [[0.0], [0.0], [0.0]]


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
def test_half_precision_sees_the_scaled_values_only(policy):
    x = column(1e6, 1.0)
    layer, expected = fitted(x[:, 0], 0.5)
    half = normwise.PowerScaling.from_config({**layer.get_config(), "dtype": policy})
    compute = keras.DTypePolicy(policy).compute_dtype
    assert_close(numpy(half(x)), expected, tolerance(compute))


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_integers_and_booleans_are_widened(dtype):
    x = np.array([[0, 1], [1, 0]], dtype)
    y = normwise.PowerScaling("log1p")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert_close(numpy(y), np.log1p(x.astype("float64")), tolerance("float32"))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX computes in float32")
def test_float64_stays_float64():
    x = np.random.default_rng(0).normal(1e6, 1.0, (50, 1))
    layer, expected = fitted(x[:, 0], 0.5)
    double = normwise.PowerScaling.from_config({**layer.get_config(), "dtype": "float64"})
    y = ops.convert_to_numpy(double(ops.convert_to_tensor(x, "float64")))
    assert_close(y, expected, tolerance("float64", conditioning=1e6 * layer.center[0] / 1e3))


def test_every_rank_over_the_last_axis():
    layer = normwise.PowerScaling("yeo-johnson", [0.0, 1.0, 2.0])
    x = np.random.default_rng(0).normal(0, 2, (2, 5, 3)).astype("float32")
    flat = numpy(layer(x.reshape(10, 3))).reshape(2, 5, 3)
    assert_close(numpy(layer(x)), flat, tolerance("float32"))
    assert_close(numpy(layer(x[0, 0])), flat[0, 0], tolerance("float32"))


def test_the_config_survives_json_to_the_last_bit():
    numbers = [0.1, 1 / 3, 1e50 + 1e34]
    layer = normwise.PowerScaling(
        "yeo-johnson", [0.1, 1 / 3, 5.0], numbers, [0.1, 1.0, 1e-50], "zero", name="p"
    )
    again = normwise.PowerScaling.from_config(json.loads(json.dumps(layer.get_config())))
    assert (again.lambdas, again.center, again.scale) == ([0.1, 1 / 3, 5.0], numbers, [0.1, 1.0, 1e-50])
    assert (again.method, again.missing, again.name) == ("yeo-johnson", "zero", "p")
    assert normwise.PowerScaling.from_config(normwise.PowerScaling("log1p").get_config()).lambdas is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("box-cox",), 'method must be "yeo-johnson" or "log1p", got \'box-cox\''),
        (("yeo-johnson",), 'lambdas must be given with "yeo-johnson" alone, got None with "yeo-johnson"'),
        (("log1p", 1.0), 'lambdas must be given with "yeo-johnson" alone, got 1.0 with "log1p"'),
        (("yeo-johnson", [1.0, 2.0], [0.0] * 3), r"got lengths \{'lambdas': 2, 'center': 3\}"),
        (("yeo-johnson", [np.nan]), "lambdas must hold finite numbers within float32's range, got nan"),
        (("log1p", None, np.inf), "center must hold finite numbers within float64's range, got inf"),
        (("log1p", None, 0.0, 1.0, "drop"), 'missing must be "keep" or "zero", got \'drop\''),
        (
            ("yeo-johnson", [1.0, 1.0], 0.0, [1.0, 1e60]),
            r"feature 1 cannot be scaled in float32: its slope is 1e\+60 and its offset 0; expected",
        ),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        normwise.PowerScaling(*arguments)


def test_another_number_of_features():
    with pytest.raises(
        ValueError, match=r"last axis has 3 features, but lambdas, center and scale are for 2"
    ):
        normwise.PowerScaling("yeo-johnson", [1.0, 2.0])(np.zeros((4, 3), "float32"))
