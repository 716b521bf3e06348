"""What one pass tells, against the same network in float64, on whichever backend the process has."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.insight.networks import left_as_it_is as unchanged
from tests.insight.networks import network, randomized, reference, rows
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

from normwise.graph.layer_paths import layer_paths
from normwise.graph.record_model import record_model
from normwise.graph.walk import every_layer
from normwise.insight import _quick_to_compile
from normwise.insight._data_loss import data_loss
from normwise.insight._evidence_pass import numbers
from normwise.insight._passes import Passes
from normwise.insight._quick_to_compile import quick_to_compile
from normwise.insight._row_moments import sums_together
from normwise.insight.gradient_evidence import gradient_evidence
from normwise.insight.loss_evidence import (
    LEAST_SWITCHED,
    MOST_PRODUCTS,
    MOST_SWITCHED,
    loss_evidence,
    most_switched,
)
from normwise.insight.normalization_evidence import gap, normalization_evidence
from normwise.layers.batch_normalization import BatchNormalization

FUNCTIONS = ["tanh", "relu"]
COUNT = 100
ALLOWED = tolerance("float32", COUNT, 16)


@pytest.fixture(scope="module", params=[False, True], ids=["by operation", "compiled"])
def compiled(request):
    """Whether passes are one program, which they can be on JAX alone."""
    if request.param and keras.backend.backend() != "jax":
        pytest.skip("passes are compiled on JAX alone")
    return request.param


def pass_of(model, x, training, noise=False, compiled=False):
    """Activations, normalizations and outputs of a pass."""
    passes = Passes(model, x, compiled=compiled)
    found = passes.run(training=training, noise=noise)
    assert passes._compiled == compiled  # it did not give up
    return {one.call: one for one in found.activations}, found.normalizations, found.outputs


def evidence_of(model, x, compiled=False):
    passes = Passes(model, x, compiled=compiled)
    modes = [{"training": True}, {"training": True, "noise": True}, {"training": False}]
    first, noisy, later = (passes.run(**mode).normalizations for mode in modes)
    return normalization_evidence(record_model(model), by_path(model), len(x), first, [noisy], later)


def by_path(model):
    paths = layer_paths(model)
    return {paths[id(layer)]: layer for layer in every_layer(model)}


def losses_of(model, x, y, compiled=False):
    passes = Passes(model, x, compiled=compiled)
    outputs = tuple(passes.run(training=training).outputs for training in (True, False))
    return loss_evidence(
        *(y, data_loss(model), outputs),
        lambda path: passes.run(training=False, by_batch=[by_path(model)[path]]).outputs,
        *(evidence_of(model, x), len(x)),
    )


@pytest.fixture(scope="module", params=["keras", "normwise"])
def trained(request):
    """A compiled network with dropout, its rows and targets, and the same in float64."""
    model, x = network(FUNCTIONS, request.param), rows(COUNT)
    model.compile("sgd", "mse", metrics=["mae"])
    made = reference(model, FUNCTIONS)
    dense_network.forward(made, x)
    return model, x, np.sin(x[:, :1]), made


def test_activations(trained, compiled):
    model, x, _, made = trained
    with unchanged(model):
        found = list(pass_of(model, x, True, compiled=compiled)[0].values())
    assert [one.function for one in found] == FUNCTIONS
    for one, layer in zip(found, made, strict=False):
        assert (one.units, one.values) == (layer.z.shape[1], COUNT)
        assert_close(one.mean, layer.z.mean(), ALLOWED)
        assert_close(one.std, layer.z.std(), ALLOWED)
        assert_close(one.beyond_five, (np.abs(layer.z) >= 5).mean(), 1 / layer.z.size)
    assert_close(found[0].saturated, (np.abs(made[0].a) > 0.97).mean(), 1 / made[0].a.size)
    dead = ((made[1].a == 0).mean(0) >= 0.95).mean()
    assert (found[1].dead, np.isnan(found[0].dead)) == (dead, True)


@pytest.mark.parametrize("size", [1.0, 1e-7])
def test_a_unit_is_dead_if_it_gives_something_in_at_most_a_twentieth_of_the_rows(size, compiled):
    z = -np.full((100, 3), size)
    z[:5, 1], z[:6, 2] = size, size
    model = keras.Sequential([keras.Input((3,)), layers.ReLU(name="relu")])
    (found,) = pass_of(model, z.astype("float32"), True, compiled=compiled)[0].values()
    assert found.dead == 2 / 3


def test_normalizations(trained, compiled):
    model, x, _, made = trained
    with unchanged(model):
        found = evidence_of(model, x, compiled)
    norms = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    assert [one.call for one in found] == [layer.name for layer in norms]
    for one, layer, exact in zip(found, norms, made, strict=False):
        assert_close(one.mean, exact.mean, ALLOWED)
        assert_close(one.variance, exact.variance, ALLOWED)
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            np.testing.assert_array_equal(
                np.float32(getattr(one, name)), ops.convert_to_numpy(getattr(layer, name).value)
            )
        assert (one.values, one.values_per_row, one.by_batch, one.momentum) == (COUNT, 1.0, True, 0.99)
        assert one.debiased == (type(layer) is not layers.BatchNormalization)
    assert [one.rectified for one in found] == [False, True]


def test_noise_raises_the_variance_behind_dropout_alone(trained, compiled):
    model, x, _, made = trained
    first, second = evidence_of(model, x, compiled)
    assert_close(first.noisy_variance, first.variance, ALLOWED)
    # Var of a sum of dropped inputs: that of the inputs and p/(1 − p)·Σw²E[x²], here with p = 1/2.
    added = (made[1].kernel ** 2 * np.mean(made[0].a ** 2, axis=0)[:, None]).sum(0)
    ratio = np.array(second.noisy_variance) / (made[1].variance + added)
    # A variance of 100 values has a relative error of √(2/99) = 0.14; five times that.
    assert np.abs(ratio - 1).max() < 0.7
    assert (np.array(second.noisy_variance) > second.variance).all()


def test_at_inference_the_first_takes_the_same_and_the_second_another(trained, compiled):
    model, x, *_ = trained
    first, second = evidence_of(model, x, compiled)
    assert_close(first.inference_mean, first.mean, ALLOWED)
    norm = next(layer for layer in model.layers if hasattr(layer, "moving_mean"))
    dense = model.layers[0]
    kernel, bias = (np.float64(ops.convert_to_numpy(w.value)) for w in dense.weights)
    moving_mean, moving_variance, gamma, beta = (
        np.float64(ops.convert_to_numpy(getattr(norm, name).value))
        for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    z = gamma * (x @ kernel + bias - moving_mean) / np.sqrt(moving_variance + norm.epsilon) + beta
    following = next(layer for layer in model.layers[1:] if isinstance(layer, layers.Dense))
    kernel, bias = (np.float64(ops.convert_to_numpy(w.value)) for w in following.weights)
    u = np.tanh(z) @ kernel + bias
    assert_close(second.inference_mean, u.mean(0), ALLOWED)
    assert_close(second.inference_variance, u.var(0), ALLOWED)


def test_gradients_are_those_of_backpropagation(trained):
    model, x, y, made = trained
    with unchanged(model):
        owners = {id(v): path for path, layer in by_path(model).items() for v in layer._trainable_variables}
        found = gradient_evidence(model, x, y, data_loss(model), owners)
    predicted = made[-1].a
    by_x = 2 * (predicted - y) / y.size
    kernels = []
    for layer in reversed(made):
        by_x = layer.backward(by_x)
        kernels.append(np.sqrt(np.square(layer.by_kernel).sum()))
    norms = [one.norm for one in found if one.name == "kernel"]
    assert_close(norms, kernels[::-1], tolerance("float32", COUNT, 256))
    first = found[0]
    assert (first.layer, first.name) == (model.layers[0].name, "kernel")
    assert_close(first.rms, first.norm / np.sqrt(made[0].kernel.size), tolerance("float64"))
    assert_close(first.weight_norm, np.sqrt(np.square(made[0].kernel).sum()), ALLOWED)


def test_losses_and_the_layer_that_makes_the_gap(trained, compiled):
    model, x, y, made = trained
    with unchanged(model):
        found = losses_of(model, x, y, compiled)
    assert_close(found.in_training, np.square(made[-1].a - y).mean(), tolerance("float32", COUNT, 256))
    assert_close(
        found.at_inference,
        np.square(np.float64(ops.convert_to_numpy(model(x))) - y).mean(),
        tolerance("float32", COUNT, 16),
    )
    norms = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    assert list(found.switched) == [layer.name for layer in norms]
    # With the second by the batch, what comes before it is at inference.
    norms[0].trainable = False
    try:
        frozen = numbers(pass_of(model, x, True, compiled=compiled)[2])
    finally:
        norms[0].trainable = True
    assert_close(found.switched[norms[1].name], np.square(frozen - y).mean(), tolerance("float32", COUNT, 16))


def test_penalties_are_left_out_of_the_loss_and_the_models_own_loss_stays_unbuilt():
    penalty = keras.regularizers.L2(100.0)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_regularizer=penalty)])
    model.compile("sgd", "mse")
    loss = data_loss(model)
    x, y = rows(8, 2), np.zeros((8, 1), "float32")
    value = float(numbers(loss(ops.convert_to_tensor(y), model(x))))
    assert_close(value, np.square(ops.convert_to_numpy(model(x))).mean(), tolerance("float32", 8))
    assert not model._compile_loss.built


def test_why_there_is_no_loss():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)], name="net")
    assert data_loss(model) == 'the model "net" is not compiled: it has no loss'
    model.compile("sgd")
    assert data_loss(model) == 'the model "net" is compiled without a loss'


def test_of_many_layers_those_furthest_off_are_switched():
    blocks = [layers.BatchNormalization(name=f"n{i}") for i in range(MOST_SWITCHED + 2)]
    model = keras.Sequential([keras.Input((2,)), *blocks], name="net")
    model.compile("sgd", "mse")
    x = rows(32, 2)
    # Near to what they are given: of these two the statistics are not far off.
    for block, near in zip(blocks[:2], (x, x), strict=True):
        block.moving_mean.assign(near.mean(0))
        block.moving_variance.assign(near.var(0))
    for block in blocks[1:]:
        block.moving_mean.assign([3.0, 3.0])
    blocks[1].moving_mean.assign([0.0, 0.0])
    found = evidence_of(model, x)
    losses = losses_of(model, x, x)
    assert len(losses.switched) == MOST_SWITCHED
    assert {one.layer for one in sorted(found, key=gap)[:2]}.isdisjoint(losses.switched)


def test_an_operation_in_the_graph_is_told_under_its_name():
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.relu(layers.Dense(4)(x)))
    found = pass_of(randomized(model), rows(), True)[0]
    (call,) = [call.name for call in record_model(model).calls if call.kind == "activation"]
    assert [(name, one.function) for name, one in found.items()] == [(call, "relu")]


def test_a_frozen_layer_and_one_without_weights():
    frozen, plain = (
        layers.BatchNormalization(name="frozen", trainable=False),
        layers.BatchNormalization(name="plain", scale=False, center=False),
    )
    model = keras.Sequential([keras.Input((4, 3)), frozen, plain])
    one, two = evidence_of(model, np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32"))
    assert (one.by_batch, two.by_batch) == (False, True)
    assert (two.gamma, two.beta, two.values, two.values_per_row) == ((1.0,) * 3, (0.0,) * 3, 24.0, 4.0)


def test_how_many_independent_values_a_row_is_worth(compiled):
    random = np.random.default_rng(0)
    # Channel by channel: all positions alike, positions that are alike by twos, and none alike.
    same, pairs = random.normal(size=(64, 1, 3)), random.normal(size=(64, 6, 3))
    kinds = (np.repeat(same, 12, 1), np.repeat(pairs, 2, 1), random.normal(size=(64, 12, 3)))
    for z, worth in zip(kinds, (1, 6, 12), strict=True):
        model = keras.Sequential([keras.Input((12, 3)), layers.BatchNormalization()])
        (found,) = evidence_of(model, z.astype("float32"), compiled)
        ratios = z.var((0, 1)) / z.mean(1).var(0, ddof=1)
        exact = np.clip(np.median(ratios), 1, 12)
        assert_close(found.independent_per_row, exact, tolerance("float32", 64, 64))
        # A variance of 64 values has a relative error of √(2/63) = 0.18; three times that.
        assert abs(found.independent_per_row - worth) < 0.53 * worth
        assert 1 <= found.independent_per_row <= 12


def test_of_a_table_a_row_is_worth_one(trained, compiled):
    model, x, *_ = trained
    assert {one.independent_per_row for one in evidence_of(model, x, compiled)} == {1.0}


def test_the_mean_of_values_far_from_zero(compiled):
    z = np.random.default_rng(0).normal(1e5, 1.0, (64, 50, 2)).astype("float32")
    model = keras.Sequential([keras.Input((50, 2)), layers.BatchNormalization()])
    (found,) = evidence_of(model, z, compiled)
    # In float32 a number near 1e5 is known to 0.004, and a mean of such to no more.
    assert np.abs(np.array(found.mean) - np.float64(z).mean((0, 1))).max() < 0.008
    assert_close(found.variance, np.float64(z).var((0, 1)), 0.01)


def test_a_layer_of_the_users_that_knows_training_has_passes_of_its_own(compiled):
    class Doubled(layers.Layer):
        def call(self, x, training=False):
            return 2.0 * x if training else x

    model = keras.Sequential([keras.Input((2,)), Doubled(), layers.BatchNormalization()])
    (found,) = evidence_of(model, rows(32, 2), compiled)
    assert_close(found.mean, 2 * np.array(found.inference_mean), ALLOWED)


def test_a_model_that_cannot_be_traced_is_computed_by_operations():
    class OnTheHost(layers.Layer):
        def call(self, x):
            return ops.convert_to_tensor(np.asarray(ops.convert_to_numpy(x)) * 2.0)

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    model = keras.Sequential([keras.Input((2,)), OnTheHost(), layers.ReLU()])
    x = rows(16, 2)
    found = Passes(model, x, compiled=True).run(training=False)
    assert_close(numbers(found.outputs), np.maximum(2 * x, 0), ALLOWED)


def test_fewer_layers_are_switched_where_a_pass_takes_long():
    parts = [layers.Conv2D(8, 3, padding="same", use_bias=False), layers.Flatten(), layers.Dense(4)]
    record = record_model(keras.Sequential([keras.Input((10, 10, 3)), *parts]))
    a_row = 10 * 10 * (3 * 3 * 3 * 8) + 800 * 4
    found = [most_switched(record, rows) for rows in (1, MOST_PRODUCTS // (10 * a_row), MOST_PRODUCTS)]
    assert found == [MOST_SWITCHED, 10, LEAST_SWITCHED]


@pytest.mark.parametrize(
    "made",
    [
        lambda: [layers.Masking(0.0), layers.BatchNormalization()],
        lambda: [BatchNormalization(virtual_batch_size=8)],
        lambda: [layers.BatchNormalization(renorm=True)],
        lambda: [layers.BatchNormalization(dtype="bfloat16")],
        lambda: [layers.BatchNormalization(axis=1)],
        lambda: [BatchNormalization(activation="relu")],
        lambda: [layers.BatchNormalization(trainable=False)],
    ],
    ids=["masked", "ghost batches", "renormalized", "half precision", "axis 1", "with a function", "frozen"],
)
def test_one_program_gives_what_the_layers_give_in_either_mode(made):
    if keras.backend.backend() != "jax":
        pytest.skip("passes are compiled on JAX alone")
    random = np.random.default_rng(0)
    x = random.normal(1.0, 2.0, (24, 5, 3)).astype("float32")
    x[:9, 3:] = 0.0
    model = keras.Sequential([keras.Input((5, 3)), *made()])
    for variable in model.non_trainable_variables:
        if "moving" in variable.name:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    passes = Passes(model, x, compiled=True)
    with unchanged(model):
        for training in (True, False):
            found = numbers(passes.run(training=training).outputs)
            with keras.StatelessScope():
                exact = numbers(model(x, training=training))
            # Eager and compiled computations round differently: 8 bits of bfloat16, 24 of float32.
            kind = "bfloat16" if model.layers[-1].compute_dtype == "bfloat16" else "float32"
            assert_close(found, exact, tolerance(kind, 120, 16))
    assert passes._compiled


def test_sums_together_are_those_one_by_one():
    if keras.backend.backend() != "jax":
        pytest.skip("what is compiled is compiled on JAX alone")
    x = np.random.default_rng(0).normal(size=(6, 5, 4)).astype("float32")
    positive = (x > 0).astype("int32")
    found = sums_together({"x": ops.convert_to_tensor(x), "n": ops.convert_to_tensor(positive)}, (0, 1))
    assert_close(numbers(found["x"]), np.float64(x).sum((0, 1)), tolerance("float32", 30))
    np.testing.assert_array_equal(ops.convert_to_numpy(found["n"]), positive.sum((0, 1)))


def test_an_option_that_the_compiler_does_not_know_is_left_out(monkeypatch):
    if keras.backend.backend() != "jax":
        pytest.skip("XLA's options are those of JAX")
    options = {"xla_backend_optimization_level": 0, "xla_no_such_option": True}
    monkeypatch.setattr(_quick_to_compile, "OPTIONS", options)
    assert quick_to_compile() == {"xla_backend_optimization_level": 0}
