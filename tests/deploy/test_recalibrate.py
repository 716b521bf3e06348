"""Population statistics against float64 NumPy, on whichever backend the process has."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers, ops
from tests.deploy.networks import (
    EPSILON,
    KINDS,
    blocks_of,
    dense_network,
    found,
    in_batches,
    norms,
    numbers,
    rows,
    state,
    untouched,
)
from tests.reference.population_statistics import (
    Statistics,
    errors,
    population,
    precise_bn,
    settled_at_once,
    settled_one_by_one,
)
from tests.reference.tolerance import tolerance

import normwise
from normwise.core.recalibration import Recalibration
from normwise.deploy import recalibrate
from normwise.deploy.recalibrate import RecalibrateListener

BY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def assert_statistics(layer, exact, allowed):
    """The mean to `allowed` σ and the variance to as many σ²."""
    mean, variance = errors(found(layer), exact)
    assert mean <= allowed, f"the mean is {mean:.3g} σ off, allowed {allowed:.3g}"
    assert variance <= allowed, f"the variance is {variance:.3g} σ² off, allowed {allowed:.3g}"


@BY_KIND
def test_the_helper_finds_what_is_off(kind):
    layer = kind()
    layer.build((None, 2))
    with pytest.raises(AssertionError, match=r"the mean is 0\.5 σ off, allowed 0\.4"):
        assert_statistics(layer, Statistics(np.array([1.0, 0.0]), np.array([4.0, 1.0])), 0.4)
    with pytest.raises(AssertionError, match=r"the variance is 0\.5 σ² off, allowed 0\.4"):
        assert_statistics(layer, Statistics(np.zeros(2), np.array([2.0, 1.0])), 0.4)


@BY_KIND
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize(("shape", "axis"), [((), -1), ((4, 5), -1), ((6,), 1)])
def test_one_layer(kind, offset, shape, axis):
    values = np.random.default_rng(0).normal(size=(90, *shape, 3)) * [0.1, 1.0, 10.0] + offset
    values = values.astype("float32")
    x = values if axis == -1 else np.swapaxes(values, 1, 2)
    layer = kind(axis=axis)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    made = recalibrate(model, in_batches(x, 16))
    # What is left is the rounding of a float32 mean, |mean|/σ times the unit, and that of a batch's sums.
    allowed = tolerance("float32", 16 * max(1, int(np.prod(shape))), 1.0 + offset / 0.1)
    assert_statistics(layer, population(values), allowed)
    assert made.layers[0].values == values[..., 0].size
    assert (made.batches, made.passes, made.sequential, made.skipped) == (6, 1, False, ())


@BY_KIND
@pytest.mark.parametrize("sequential", [False, True])
def test_a_network(kind, sequential):
    model, x = dense_network(kind), rows()
    made = recalibrate(model, in_batches(x, 32), sequential=sequential)
    batches = in_batches(x, 32)()
    exact = (
        settled_one_by_one(blocks_of(model), x, EPSILON)
        if sequential
        else settled_at_once(blocks_of(model), batches, EPSILON)
    )
    for layer, one in zip(norms(model), exact, strict=True):
        # Two layers, each of which divides by a σ of its inputs' order: 16 of float32's roundings.
        assert_statistics(layer, one, tolerance("float32", len(x), 16))
    assert [layer.path for layer in made.layers] == [layer.path for layer in norms(model)]
    assert (made.passes, made.batches) == (2 if sequential else 1, 4)
    assert Recalibration.from_json(made.to_json()) == made


def test_the_two_ways_differ_so_that_the_tests_above_tell_them_apart():
    model, x = dense_network(KINDS["keras"]), rows()
    one, other = (
        settled_one_by_one(blocks_of(model), x, EPSILON)[1],
        settled_at_once(blocks_of(model), in_batches(x, 32)(), EPSILON)[1],
    )
    assert max(errors(one, other)) > 1e-2


@BY_KIND
def test_sequential_again_changes_nothing(kind):
    model, x = dense_network(kind), rows()
    recalibrate(model, in_batches(x, 32), sequential=True)
    with untouched(model):
        again = recalibrate(model, in_batches(x, 32), sequential=True)
    for layer in again.layers:
        # The record compares float64 sums with what float32 variables keep of them.
        assert layer.largest_mean_shift <= tolerance("float32")
        assert abs(layer.largest_std_ratio - 1) <= tolerance("float32")


@pytest.fixture(scope="module", params=KINDS)
def one_network(request):
    return dense_network(KINDS[request.param])


# Few sizes, since each is compiled.
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.sampled_from([1, 15, 30, 45])))
def test_sequential_does_not_depend_on_the_batches(cuts, one_network):
    model, x = one_network, rows(60)
    edges = sorted({0, 60} | cuts)
    recalibrate(model, lambda: [x[a:b] for a, b in itertools.pairwise(edges)], sequential=True)
    for layer, exact in zip(norms(model), settled_one_by_one(blocks_of(model), x, EPSILON), strict=True):
        assert_statistics(layer, exact, tolerance("float32", len(x), 16))


def test_ghost_batches():
    model, x = dense_network(KINDS["normwise"], virtual_batch_size=8), rows()
    recalibrate(model, in_batches(x, 40))
    exact = settled_at_once(blocks_of(model), in_batches(x, 40)(), EPSILON, ghost=8)
    for layer, one in zip(norms(model), exact, strict=True):
        assert_statistics(layer, one, tolerance("float32", len(x), 16))


@BY_KIND
def test_masks(kind):
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(20, 6, 3)).astype("float32")
    lengths = np.arange(20) % 6 + 1
    mask = np.arange(6) < lengths[:, None]
    x[~mask] = -1.0
    layer = kind()
    model = keras.Sequential([keras.Input((6, 3)), layers.Masking(-1.0), layer])
    made = recalibrate(model, in_batches(x, 8))
    assert_statistics(layer, population(x, mask[..., None]), tolerance("float32", mask.sum()))
    assert made.layers[0].values == mask.sum()


def test_sample_weights_of_the_layer_are_frequencies():
    x = rows(40)
    weights = (np.arange(40) % 4).astype("float32")
    inputs, weighting, layer = keras.Input((3,)), keras.Input(()), normwise.BatchNormalization()
    model = keras.Model([inputs, weighting], layer(inputs, sample_weight=weighting))
    made = recalibrate(model, lambda: [[x[:24], weights[:24]], [x[24:], weights[24:]]])
    assert_statistics(layer, population(x, weights[:, None]), tolerance("float32", 40))
    assert made.layers[0].values == weights.sum()


@BY_KIND
def test_a_shared_layer_has_the_statistics_of_all_its_calls(kind):
    inputs, shared = keras.Input((3,)), kind(name="shared")
    other = layers.Dense(3, name="dense")
    outputs = layers.Add()([shared(inputs), shared(other(inputs))])
    model, x = keras.Model(inputs, outputs), rows()
    made = recalibrate(model, in_batches(x, 30))
    z = x @ np.float64(ops.convert_to_numpy(other.kernel))
    assert_statistics(shared, population(np.concatenate([x, z])), tolerance("float32", 200, 4))
    assert (made.layers[0].calls, made.layers[0].values) == (2, 200.0)


@BY_KIND
def test_nested_models(kind):
    inner = keras.Sequential([keras.Input((3,)), kind(name="inside")], name="inner")
    model, x = keras.Sequential([keras.Input((3,)), inner, layers.Dense(1)], name="outer"), rows()
    made = recalibrate(model, in_batches(x, 30))
    assert_statistics(inner.layers[0], population(x), tolerance("float32", 100))
    assert [layer.path for layer in made.layers] == [inner.layers[0].path]


@BY_KIND
def test_how_far_a_layer_moved(kind):
    layer, x = kind(), rows(50)
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.moving_mean.assign([0.5, 0.0, 1.0])
    layer.moving_variance.assign([4.0, 1.0, 16.0])
    moved = recalibrate(model, in_batches(x, 20)).layers[0]
    mean, variance = population(x)
    shifts = np.abs(mean - [0.5, 0.0, 1.0]) / np.sqrt(variance)
    ratios = np.sqrt(variance) / [2.0, 1.0, 4.0]
    expected = [np.median(shifts), shifts.max(), np.median(ratios), ratios.min(), ratios.max()]
    values = [
        moved.mean_shift, moved.largest_mean_shift, moved.std_ratio, moved.smallest_std_ratio,
        moved.largest_std_ratio,
    ]  # fmt: skip
    np.testing.assert_allclose(values, expected, rtol=tolerance("float32", 50, 4))


def test_constant_channels_have_no_spread_to_move_by():
    layer, x = layers.BatchNormalization(), np.full((10, 2), 3.0, "float32")
    moved = recalibrate(keras.Sequential([keras.Input((2,)), layer]), in_batches(x, 5)).layers[0]
    assert np.isnan([moved.mean_shift, moved.std_ratio]).all()
    np.testing.assert_array_equal(found(layer), [[3, 3], [0, 0]])


def test_statistics_that_were_no_numbers_are_put_right_and_left_out_of_the_shifts():
    layer, x = layers.BatchNormalization(), rows()
    layer.build((None, 3))
    layer.moving_mean.assign([np.nan, 0.0, 0.0])
    layer.moving_variance.assign([1.0, -1.0, 4.0])
    moved = recalibrate(keras.Sequential([keras.Input((3,)), layer]), in_batches(x, 50)).layers[0]
    mean, std = x.mean(0, dtype=np.float64), x.std(0, ddof=1, dtype=np.float64)
    shifts, ratios = np.abs(mean / std)[1:], std[[0, 2]] / [1.0, 2.0]
    expected = [np.median(shifts), shifts.max(), np.median(ratios), ratios.min(), ratios.max()]
    given = [moved.mean_shift, moved.largest_mean_shift]
    given += [moved.std_ratio, moved.smallest_std_ratio, moved.largest_std_ratio]
    np.testing.assert_allclose(given, expected, rtol=tolerance("float32", len(x), 4))
    assert_statistics(layer, population(x), tolerance("float32", len(x)))


def test_nothing_but_statistics_changes():
    model, x = dense_network(KINDS["normwise"]), rows()
    model.compile("adam", "mse")
    model.fit(x, x[:, :1], epochs=1, verbose=0)
    before = state(model)
    taught = [layer._taught_nothing for layer in norms(model)]
    recalibrate(model, in_batches(x, 33))  # the last batch has one row
    statistics = {id(v) for layer in norms(model) for v in layer.non_trainable_variables}
    variables = [*model.variables, *model.optimizer.variables]
    for variable, value, after in zip(variables, before, state(model), strict=True):
        assert np.array_equal(value, after) == (id(variable) not in statistics), variable.path
    assert taught == [layer._taught_nothing for layer in norms(model)]


@BY_KIND
def test_training_moves_on_from_the_statistics(kind):
    layer, x = kind(momentum=0.9), rows(64)
    model = keras.Sequential([keras.Input((3,)), layer])
    recalibrate(model, in_batches(x, 16))
    before, later = found(layer), rows(64, offset=-3.0, seed=8)
    model(later, training=True)
    batch = population(later).mean
    np.testing.assert_allclose(found(layer)[0], 0.9 * before[0] + 0.1 * batch, rtol=1e-5)


def test_a_cumulative_average_goes_on_counting():
    layer, x, later = normwise.BatchNormalization(averaging="cumulative"), rows(64), rows(36, seed=8)
    model = keras.Sequential([keras.Input((3,)), layer])
    recalibrate(model, in_batches(x, 16))
    np.testing.assert_array_equal(numbers(layer.moving_count), 64)
    model(later, training=True)
    assert_statistics(layer, population(np.concatenate([x, later])), tolerance("float32", 100))


@pytest.mark.parametrize("kind", ["keras", "normwise", "as_keras"])
def test_statistics_of_renormalization(kind):
    make = {**KINDS, "as_keras": normwise.BatchNormalization.keras}[kind]
    layer, x = make(renorm=True), rows(64)
    model = keras.Sequential([keras.Input((3,)), layer])
    recalibrate(model, in_batches(x, 16))
    mean, variance = population(x)
    assert_statistics(layer, population(x), tolerance("float32", 64))
    expected = np.sqrt(variance + EPSILON)
    for name in ("renorm_stddev", "moving_stddev"):
        if getattr(layer, name, None) is not None:
            np.testing.assert_allclose(numbers(getattr(layer, name)), expected, rtol=1e-6)
    np.testing.assert_allclose(numbers(layer.renorm_mean), mean, rtol=1e-6)
    if kind == "normwise":
        np.testing.assert_array_equal(numbers(layer.renorm_weight), 1)


@BY_KIND
def test_mixed_precision(kind):
    layer, x = kind(dtype="mixed_bfloat16"), rows(500)
    model = keras.Sequential([keras.Input((3,)), layer])
    recalibrate(model, in_batches(x, 100))
    # Keras' layer is given bfloat16; normwise's takes the inputs as they are.
    seen = (
        x if kind is KINDS["normwise"] else ops.convert_to_numpy(ops.cast(ops.cast(x, "bfloat16"), "float32"))
    )
    assert_statistics(layer, population(seen), tolerance("float32", 100))


def test_statistics_in_half_precision():
    layer, x = layers.BatchNormalization(dtype="bfloat16"), rows(500)
    recalibrate(keras.Sequential([keras.Input((3,), dtype="bfloat16"), layer]), in_batches(x, 100))
    seen = ops.convert_to_numpy(ops.cast(ops.cast(x, "bfloat16"), "float32"))
    assert_statistics(layer, population(seen), tolerance("bfloat16"))


class Heard(RecalibrateListener):
    def __init__(self):
        self.calls = []

    def progress(self, batches, done, passes):
        self.calls.append((batches, done, passes))


def test_progress_is_heard():
    model, heard = dense_network(KINDS["keras"]), Heard()
    recalibrate(model, in_batches(rows(20), 10), sequential=True, listener=heard)
    assert heard.calls == [(1, 0, 2), (2, 0, 2), (1, 1, 2), (2, 1, 2)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_never_worse_than_200_batches_of_precise_bn(seed, offset):
    """fvcore's default is 200 batches, whatever the data; here of 16 rows, of 4000 that there are."""
    x = rows(4000, offset=offset, seed=seed)
    layer = layers.BatchNormalization()
    recalibrate(keras.Sequential([keras.Input((3,)), layer]), in_batches(x, 16))
    ours = errors(found(layer), population(x))
    theirs = errors(precise_bn(in_batches(x, 16)()[:200]), population(x))
    assert ours[0] <= theirs[0]
    assert ours[1] <= theirs[1]
    # Given the same rows, too: its variance lacks m/(m − 1), and E[x²] − E[x]² cancels in float32.
    same = errors(precise_bn(in_batches(x, 16)()), population(x))
    assert ours[1] <= same[1]
    assert same[1] >= 0.9 / 4000


def test_behind_another_layer_sequential_is_exact_where_precise_bn_has_the_noise_of_its_batches():
    model, x = dense_network(KINDS["keras"]), rows(3200)
    exact = settled_one_by_one(blocks_of(model), x, EPSILON)[1]
    first, second = blocks_of(model)
    seen = []
    for batch in in_batches(x, 16)():
        z = batch @ first.kernel
        z = (z - z.mean(0)) / np.sqrt(z.var(0) + EPSILON)
        seen.append(first.function(z * first.gamma + first.beta) @ second.kernel)
    theirs = errors(precise_bn(seen), exact)
    found_by = {}
    for sequential in (False, True):
        recalibrate(model, in_batches(x, 16), sequential=sequential)
        found_by[sequential] = errors(found(norms(model)[1]), exact)
    print("mean in σ, variance in σ²: PreciseBN", theirs, "at once, sequential", found_by)
    assert max(found_by[True]) <= tolerance("float32", len(x), 16)
    # At once it is what PreciseBN computes, but for the variance's m/(m − 1).
    np.testing.assert_allclose(found_by[False], theirs, rtol=0.02)
    assert min(theirs) > 1e-3
