"""The gap between training and inference, on whichever backend the process has, against its closed form."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.insight.networks import EPSILON, left_as_it_is, network, randomized, reference, rows
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import TrainingError
from normwise.insight import inference_gap

KINDS = [layers.BatchNormalization, normwise.BatchNormalization]


def three(found):
    return {layer: [m.value for m in found if m.layer == layer] for layer in {m.layer: 0 for m in found}}


def expected(mean, variance, moving_mean, moving_variance):
    """y − ỹ = γ((x − μ)(1/s − 1/s̃) − (μ − μ̃)/s̃) with s = √(σ² + ε), and σ(y) = |γ|σ/s: β and γ cancel."""
    s, moving = np.sqrt(variance + EPSILON), np.sqrt(moving_variance + EPSILON)
    square = variance * (1 / s - 1 / moving) ** 2 + ((mean - moving_mean) / moving) ** 2
    return [
        np.median(np.sqrt(square) * s / np.sqrt(variance)),
        np.median(np.abs(mean - moving_mean) / np.sqrt(variance)),
        np.median(moving_variance / variance),
    ]


@pytest.mark.parametrize("kind", ["keras", "normwise"])
def test_a_network_with_dropout_and_fused_activations(kind):
    functions = ["tanh", "relu"]
    model, x = network(functions, kind), rows(100)
    with left_as_it_is(model):
        found = inference_gap(model, x, "trained")
    made = reference(model, functions)
    dense_network.forward(made, x)
    norms = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    by_layer = three(found)
    assert list(by_layer) == [layer.path for layer in norms]
    for layer, one in zip(norms, made, strict=False):
        moving = [
            np.float64(ops.convert_to_numpy(v.value)) for v in (layer.moving_mean, layer.moving_variance)
        ]
        allowed = tolerance("float32", 100, 16)
        assert_close(by_layer[layer.path], expected(one.mean, one.variance, *moving), allowed)
    assert [(m.name, m.unit, m.sample_size, m.variant) for m in found[:3]] == [
        ("inference_gap", "σ", 100, "trained"), ("mean_gap", "σ", 100, "trained"),
        ("variance_ratio", "", 100, "trained"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_gap_where_the_moving_statistics_are_the_batches(kind):
    layer = kind(name="norm")
    model = keras.Sequential([keras.Input((3,)), layer])
    x = rows()
    layer.moving_mean.assign(x.mean(0))
    layer.moving_variance.assign(x.var(0))
    gap, mean, ratio = (m.value for m in inference_gap(model, x))
    assert gap <= tolerance("float32", len(x), 4)
    assert mean <= tolerance("float32", len(x), 4)
    assert ratio == pytest.approx(1.0, rel=tolerance("float32", len(x)))


def test_a_frozen_layer_computes_alike_however_far_its_statistics_are():
    layer = normwise.BatchNormalization(trainable=False)
    model = keras.Sequential([keras.Input((3,)), layer])
    x = rows()
    gap, mean, _ = (m.value for m in inference_gap(model, x))
    assert gap == 0.0
    assert mean == pytest.approx(np.median(np.abs(x.mean(0)) / x.std(0)), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [1, -1])
def test_channels_of_images_in_a_nested_model_that_is_called_twice(kind, axis):
    inner = keras.Sequential([keras.Input((2, 4, 2)), kind(axis=axis, name="norm")], name="inner")
    inputs = keras.Input((2, 4, 2))
    model = randomized(keras.Model(inputs, inner(inner(inputs)), name="outer"))
    norm = inner.layers[0]
    x = rows(12, 16).reshape(12, 2, 4, 2) * [3.0, 0.5]
    with left_as_it_is(model):
        found = inference_gap(model, x)
    # Channels last, as float64.
    first = np.moveaxis(x, axis, -1).reshape(-1, 2)
    gamma, beta, *moving = (np.float64(ops.convert_to_numpy(v.value)) for v in norm.variables[:4])
    second = gamma * (first - first.mean(0)) / np.sqrt(first.var(0) + EPSILON) + beta
    by_layer = three(found)
    assert list(by_layer) == [norm.path, f"{norm.path}#2"]
    for place, values in zip(by_layer, (first, second), strict=True):
        wanted = expected(values.mean(0), values.var(0), *moving)
        assert_close(by_layer[place], wanted, tolerance("float32", len(values), 16))
    assert {m.sample_size for m in found} == {12 * 8}


def test_constant_channels_are_left_out():
    model = keras.Sequential([keras.Input((2,)), layers.BatchNormalization()])
    x = rows(8, 2)
    alone = [
        m.value
        for m in inference_gap(keras.Sequential([keras.Input((1,)), layers.BatchNormalization()]), x[:, :1])
    ]
    x[:, 1] = 3.0
    assert [m.value for m in inference_gap(model, x)] == pytest.approx(alone, rel=1e-5)
    x[:, 0] = 1.0
    assert np.isnan([m.value for m in inference_gap(model, x)]).all()


def test_a_model_of_ones_own_class():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm, self.drop = layers.BatchNormalization(), layers.Dropout(0.5)

        def call(self, x, training=None):
            return self.norm(self.drop(x, training=training))

    model, x = Own(), rows()
    model(x)
    (by_layer,) = three(inference_gap(model, x)).values()
    mean, variance = np.float64(x).mean(0), np.float64(x).var(0)
    assert_close(by_layer, expected(mean, variance, 0.0, 1.0), tolerance("float32", len(x), 4))


def test_what_has_no_gap():
    with pytest.raises(
        TrainingError, match="the model net has no layer with moving statistics; expected a B"
    ):
        inference_gap(network(["tanh"]), rows())
    with pytest.raises(TrainingError, match="the model raw is not built"):
        inference_gap(keras.Sequential([layers.BatchNormalization()], name="raw"), rows())
    with pytest.raises(ValueError, match="x holds nan in row 0"):
        inference_gap(network(["tanh"], "keras"), np.full((2, 3), np.nan))
