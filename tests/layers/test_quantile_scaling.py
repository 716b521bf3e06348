"""QuantileScaling against its definition in float64: ties, ends, large offsets; bad arguments."""

import json
import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy.special import ndtri
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance
from tests.reference.transforms import rank

import normwise
from normwise.layers._knot_tables import KnotTables

KNOTS = [[0.0, 10.0, 20.0], [-5.0, -4.5, 0.0, 2.0, 100.0], [7.0]]
LOW = [[0.0, 0.2, 0.8], [0.0, 0.1, 0.1, 0.7, 1.0], [0.0]]
HIGH = [[0.1, 0.6, 1.0], [0.0, 0.1, 0.5, 0.7, 1.0], [1.0]]
END = -float(ndtri(1e-7))


def by_definition(x, knots=KNOTS, low=LOW, high=HIGH):
    rows = np.asarray(x, np.float64)
    return np.array([[rank(*c) for c in zip(row.tolist(), knots, low, high, strict=True)] for row in rows])


def normal_of(p):
    return ndtri(np.clip(p, 1e-7, 1 - 1e-7))


def many_knots(n, mean, seed=0):
    """Knots that float32 holds, two in five of them ties, and rows among them, on them and beyond them."""
    rng = np.random.default_rng(seed)
    knots = np.unique(rng.normal(mean, 1.0, n).astype("float32").astype("float64"))
    path = np.sort(rng.uniform(0, 1, 2 * len(knots)))
    path[0], path[-1] = 0.0, 1.0
    low, high = path[::2].copy(), path[1::2].copy()
    alone = rng.random(len(knots)) < 0.6
    high[alone] = low[alone]
    high[-1] = 1.0
    # As many rows for any number of knots: each operation is compiled for each shape anew.
    on_them = np.resize(knots, 300)
    x = np.concatenate([rng.normal(mean, 1.0, 300), on_them, [mean - 9, mean + 9]]).astype("float32")
    return [knots.tolist()], [low.tolist()], [high.tolist()], x[:, None]


def test_between_knots_at_knots_and_beyond_them():
    x = [[-1, -6, 6], [0, -5, 7], [5, -4.75, 8], [10, 0, 7], [15, 1, 7], [20, 50, 7], [21, 101, 7]]
    x = np.array(x, "float32")
    assert_close(numpy(normwise.QuantileScaling(KNOTS, LOW, HIGH)(x)), by_definition(x), tolerance("float32"))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 1000])
@pytest.mark.parametrize("mean", [0.0, 1e6, -1e6])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_many_knots_at_any_offset(n, mean, output):
    *arguments, x = many_knots(n, mean)
    expected = by_definition(x, *arguments)
    y = numpy(normwise.QuantileScaling(*arguments, output)(x))
    assert_close(y, expected if output == "uniform" else normal_of(expected), tolerance("float32"))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_a_large_offset_in_compiled_models(output, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ compiler")
    *arguments, x = many_knots(64, 1e6)
    model = keras.Sequential([keras.Input((1,)), normwise.QuantileScaling(*arguments, output)])
    model.compile(jit_compile=jit)
    expected = by_definition(x, *arguments)
    expected = expected if output == "uniform" else normal_of(expected)
    assert_close(model.predict(x, verbose=0), expected, tolerance("float32"))


def test_knots_between_the_floats_keep_their_places():
    knots, x = [1e6 + 0.01, 1e6 + 0.83], np.array([[1e6 + 0.25], [1e6 + 0.5]], "float32")
    y = normwise.QuantileScaling([knots], [[0.0, 1.0]], [[0.0, 1.0]])(x)
    assert_close(numpy(y), by_definition(x, [knots], [[0.0, 1.0]], [[0.0, 1.0]]), tolerance("float32"))


def test_a_tie_is_met_by_its_own_value_in_float32():
    value, other = 1e6 + 0.1, 1e6 + 5.0
    layer = normwise.QuantileScaling([[value, other]], [[0.0, 1.0]], [[0.6, 1.0]])
    assert_close(numpy(layer(np.array([[value]], "float32"))), [[0.3]], tolerance("float32"))


def test_normal_ends_on_both_sides_alike():
    layer = normwise.QuantileScaling([[0.0, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]], "normal")
    x = np.array([[-9.0], [0.0], [1e-9], [0.5], [1 - 2.0**-24], [1.0], [9.0], [np.inf], [-np.inf]], "float32")
    near = float(ndtri(2.0**-24))
    expected = [-END, -END, -END, 0.0, max(-near, -END), END, END, END, -END]
    expected[4] = min(-near, END)
    assert_close(numpy(layer(x))[:, 0], expected, tolerance("float32"))


def test_the_upper_half_is_the_lower_half_mirrored():
    rng = np.random.default_rng(0)
    p = np.sort(np.concatenate([10 ** rng.uniform(-7, -1, 40), rng.uniform(0, 0.5, 40)]))
    knots, path = np.arange(80.0), np.append(0.0, p[1:])
    lower = normwise.QuantileScaling([knots], [path], [path], "normal")
    mirrored = 1 - path[::-1]
    upper = normwise.QuantileScaling([-knots[::-1]], [mirrored], [mirrored], "normal")
    x = rng.uniform(0, 79, (500, 1)).astype("float32")
    assert_close(numpy(upper(-x)), -numpy(lower(x)), tolerance("float32"))


def test_columns_with_few_values_that_float32_cannot_tell_apart():
    knots = [1e6, 1e6 + 1e-9, 1e6 + 2e-9, 1e6 + 1]
    layer = normwise.QuantileScaling([knots], [[0.0, 0.2, 0.4, 1.0]], [[0.0, 0.3, 0.5, 1.0]])
    y = numpy(layer(np.array([[1e6], [1e6 + 0.5], [1e6 - 1]], "float32")))
    assert_close(y, [[0.25], [0.75], [0.0]], tolerance("float32"))


@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_a_feature_without_knots_becomes_0(output):
    layer = normwise.QuantileScaling([[], [0.0, 1.0]], [[], [0.0, 1.0]], [[], [0.0, 1.0]], output)
    y = numpy(layer(np.array([[5.0, 0.5], [-1e30, 0.5]], "float32")))
    assert_close(y, [[0.0, 0.5 if output == "uniform" else 0.0]] * 2, tolerance("float32"))


def test_missing_values_are_kept_or_made_zero():
    x = np.array([[np.nan, 0.0, 7.0]], "float32")
    kept = numpy(normwise.QuantileScaling(KNOTS, LOW, HIGH)(x))
    assert np.isnan(kept).tolist() == [[True, False, False]]
    zeroed = normwise.QuantileScaling(KNOTS, LOW, HIGH, "normal", missing="zero")
    assert_close(numpy(zeroed(x)), [[0.0, *normal_of(by_definition(x)[0, 1:])]], tolerance("float32"))
    by_x, _ = gradients(zeroed, x, np.ones_like(x))
    assert np.isfinite(by_x).all()
    assert by_x[0, 0] == 0


def test_gradients_are_the_slopes():
    x = np.array([[-1.0, -4.75, 7.0], [5.0, 1.0, 9.0], [15.0, 200.0, 0.0]], "float32")
    uniform = normwise.QuantileScaling(KNOTS, LOW, HIGH)
    by_x, _ = gradients(uniform, x, np.ones_like(x))
    slopes = np.array([[0.0, 0.2, 0.0], [0.01, 0.1, 0.0], [0.02, 0.0, 0.0]])
    assert_close(by_x, slopes, tolerance("float32"))
    by_x, _ = gradients(normwise.QuantileScaling(KNOTS, LOW, HIGH, "normal"), x, np.ones_like(x))
    y = normal_of(by_definition(x))
    density = np.exp(-y * y / 2) / math.sqrt(2 * math.pi)
    assert_close(by_x, np.where(slopes > 0, slopes / density, 0.0), 10 * tolerance("float32"))


@settings(max_examples=20)
@given(st.sampled_from([1, 2, 40]), st.integers(0, 2**16), st.sampled_from(["uniform", "normal"]))
def test_it_never_falls(n, seed, output):
    *arguments, x = many_knots(n, 3.0, seed)
    y = numpy(normwise.QuantileScaling(*arguments, output)(np.sort(x, axis=0)))[:, 0]
    # Within the rounding of p, which the tails of the normal magnify less than its own size does.
    assert np.diff(y).min(initial=0.0) >= -tolerance("float32", conditioning=np.abs(y).max() or 1.0)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
def test_half_precision_sees_the_scaled_values_only(policy):
    *arguments, x = many_knots(64, 1e6)
    y = normwise.QuantileScaling(*arguments, dtype=policy)(x)
    compute = keras.DTypePolicy(policy).compute_dtype
    assert keras.backend.standardize_dtype(y.dtype) == compute
    assert_close(numpy(y), by_definition(x, *arguments), tolerance(compute))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_integers_and_booleans_are_widened(dtype):
    x = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    y = normwise.QuantileScaling(KNOTS, LOW, HIGH)(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert_close(numpy(y), by_definition(x), tolerance("float32"))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX computes in float32")
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_float64_stays_float64(output):
    *arguments, x = many_knots(64, 1e6)
    layer = normwise.QuantileScaling(*arguments, output, dtype="float64")
    y = ops.convert_to_numpy(layer(ops.convert_to_tensor(x, "float64")))
    expected = by_definition(x, *arguments)
    expected = expected if output == "uniform" else normal_of(expected)
    # The reference's p is rounded beside 1, which the slope of Φ⁻¹ at its end magnifies.
    slope = math.sqrt(2 * math.pi) * math.exp(END * END / 2) if output == "normal" else 1.0
    assert_close(y, expected, tolerance("float64", conditioning=slope / END if slope > 1 else 1.0))


def test_every_rank_over_the_last_axis():
    layer = normwise.QuantileScaling(KNOTS, LOW, HIGH)
    x = np.random.default_rng(0).normal(5, 9, (2, 5, 3)).astype("float32")
    expected = by_definition(x.reshape(10, 3)).reshape(2, 5, 3)
    assert_close(numpy(layer(x)), expected, tolerance("float32"))
    assert_close(numpy(layer(x[0, 0])), expected[0, 0], tolerance("float32"))
    assert numpy(layer(x[:0])).shape == (0, 5, 3)


def test_tables_take_no_more_than_a_power_of_two_a_column():
    columns = [tuple(np.array(v) for v in ([float(i) for i in range(n)],) * 3) for n in (3, 4)]
    tables = KnotTables.of(columns, 0.5, "float32")
    assert (tables.width, tables.edges.shape, tables.rows.shape) == (8, (16, 1), (16, 8))


def test_the_config_survives_json_to_the_last_bit():
    layer = normwise.QuantileScaling(
        [[0.1, 1 / 3]], [[0.0, 1 - 1e-16]], [[1e-9, 1.0]], "normal", "zero", name="q"
    )
    config = json.loads(json.dumps(layer.get_config()))
    again = normwise.QuantileScaling.from_config(config)
    assert again.get_config() == layer.get_config()
    assert (config["knots"], config["low"], config["high"]) == (
        [[0.1, 1 / 3]],
        [[0.0, 1 - 1e-16]],
        [[1e-9, 1.0]],
    )
    assert (config["output"], config["missing"], config["name"]) == ("normal", "zero", "q")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], []), "must have one list a feature, got 0, 0 and 0 lists"),
        (([[1.0]], [[0.0]], []), "must have one list a feature, got 1, 1 and 0 lists"),
        (([[1.0]], [[0.0]], [[1.0]], "flat"), 'output must be "uniform" or "normal", got \'flat\''),
        (([[1.0]], [[0.0]], [[1.0]], "normal", "drop"), 'missing must be "keep" or "zero", got \'drop\''),
        (
            ([[1.0], [2.0, 2.0]], [[0.0], [0.0, 1.0]], [[1.0], [0.0, 1.0]]),
            "feature 1 must rise strictly, got 2.0 bef",
        ),
        (([[1.0, 2.0]], [[0.0]], [[1.0]]), "feature 0 has 2 knots, but 1 probabilities low and 1 high"),
        (
            ([[1.0]], [[0.5]], [[0.25]]),
            "feature 0 must rise from 0 to 1, low before high, got 0.5 before 0.25",
        ),
        (([[1.0]], [[-0.5]], [[0.25]]), "low before high, got 0.0 before -0.5"),
        (([[1.0]], [[0.5]], [[1.25]]), "low before high, got 1.25 before 1.0"),
        (([[np.nan]], [[0.5]], [[1.0]]), "the knots of feature 0 must hold finite numbers .*, got nan"),
        (([[1.0]], [[0.5]], [[np.nan]]), "high of feature 0 must hold finite numbers .*, got nan"),
        (([[-2e38]], [[0.5]], [[1.0]]), r"feature 0 must lie within ±8.51e\+37, got 2e\+38"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        normwise.QuantileScaling(*arguments)


def test_another_number_of_features():
    with pytest.raises(ValueError, match=r"last axis has 2 features, but the knots are for 3; input shape"):
        normwise.QuantileScaling(KNOTS, LOW, HIGH)(np.zeros((4, 2), "float32"))
