"""reconfigured, copy_model, scale_inputs, raise_precision, lower_dropout: other arguments, same weights."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.graph.models import MODELS, data, outputs, randomized, values
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

from normwise import Dropout, FeatureScaling
from normwise.graph.copy_model import copy_model
from normwise.graph.lower_dropout import lower_dropout, lowered_rate
from normwise.graph.raise_precision import raise_precision
from normwise.graph.reconfigure import reconfigured
from normwise.graph.record_model import record_model
from normwise.graph.scale_inputs import scale_inputs


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_is_equal_and_shares_nothing(name):
    old = randomized(MODELS[name]())
    new = copy_model(old)
    assert values(new) == values(old)
    assert not {id(v) for v in old.variables} & {id(v) for v in new.variables}
    if name != "channels first":  # which Keras' convolutions on the CPU do not run
        for one, other in zip(outputs(old, data(old)), outputs(new, data(old)), strict=True):
            assert_close(other, one, tolerance("float32"))


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """One with a configuration of its own."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.norm, self.out = layers.BatchNormalization(), layers.Dense(width)

    def call(self, inputs, training=False):
        return self.out(self.norm(inputs, training=training))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


class WithoutConfig(keras.Model):
    """One whose constructor Keras cannot know."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_a_subclassed_model_is_made_from_its_configuration():
    old = Subclassed(3)
    old(normal((4, 2)))
    new = copy_model(old)
    assert_close(outputs(new, normal((4, 2)))[0], outputs(old, normal((4, 2)))[0], tolerance("float32"))
    old.norm.moving_mean.assign([5.0, 5.0])
    assert numpy(new.norm.moving_mean).tolist() == [0.0, 0.0]


def test_a_model_without_a_configuration_is_refused():
    old = WithoutConfig(lambda x: x)
    old(normal((4, 2)))
    with pytest.raises(
        ValueError, match=r"the WithoutConfig \".*\" cannot be rebuilt from its configuration"
    ):
        copy_model(old)


def test_other_arguments_of_one_layer_in_a_nested_model():
    inner = keras.Sequential([keras.Input((5,)), layers.Dropout(0.5), layers.Dense(3)], name="inner")
    old = keras.Sequential([keras.Input((5,)), inner, layers.Dense(2)])
    new = reconfigured(old, {id(inner.layers[0]): {"rate": 0.25}})
    assert (new.layers[0].layers[0].rate, inner.layers[0].rate) == (0.25, 0.5)
    assert [value for _, value in values(new)] == [value for _, value in values(old)]


def scaling(center, scale, name):
    return FeatureScaling(center, scale, name=name)


def test_an_input_is_scaled_once_for_all_that_takes_it():
    one, two = keras.Input((2,), name="one"), keras.Input((3,), name="two")
    y = layers.Concatenate()([layers.Dense(2)(one), layers.Dense(2)(one), layers.Dense(2)(two), one * 2.0])
    old = keras.Model({"one": one, "two": two}, y)
    new = scale_inputs(old, {0: scaling([1.0, 2.0], [0.5, 4.0], "scaled")})
    assert [layer.name for layer in new.layers if isinstance(layer, FeatureScaling)] == ["scaled"]
    assert list(new.input) == ["one", "two"]
    a, b = normal((4, 2)), normal((4, 3))
    expected = outputs(old, {"one": (a - [1.0, 2.0]) * [0.5, 4.0], "two": b})[0]
    assert_close(outputs(new, {"one": a, "two": b})[0], expected, tolerance("float32", n=3, conditioning=8))


def test_a_sequential_model_begins_with_the_scaling():
    old = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="hidden")], name="net")
    old.compile(keras.optimizers.SGD(0.25), "mse")
    new = scale_inputs(old, {0: scaling([1.0, 2.0], [0.5, 4.0], "scaled")})
    assert [layer.name for layer in new.layers] == ["scaled", "hidden"]
    assert (type(new), new.name, float(numpy(new.optimizer.learning_rate))) == (keras.Sequential, "net", 0.25)
    a = normal((4, 2))
    assert_close(
        outputs(new, a)[0],
        outputs(old, (a - [1.0, 2.0]) * [0.5, 4.0])[0],
        tolerance("float32", n=2, conditioning=8),
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_statistics_in_float32_and_the_same_outputs(dtype):
    norm = layers.BatchNormalization(name="norm", dtype=dtype)
    old = randomized(keras.Sequential([keras.Input((5,)), layers.Dense(4, dtype=dtype), norm]))
    new, policies, left = raise_precision(old, [norm.name])
    assert (policies, left) == ({norm.name: (dtype, f"mixed_{dtype}")}, {})
    assert {v.dtype for v in new.layers[1].variables} == {"float32"}
    assert (new.layers[1].compute_dtype, new.layers[0].dtype_policy.name) == (dtype, dtype)
    x = normal((16, 5))
    for training in (False, True):
        one, other = outputs(old, x, training=training)[0], outputs(new, x, training=training)[0]
        assert_close(numpy(other), numpy(one), tolerance(dtype, conditioning=4))


def test_what_has_no_low_statistics_is_left():
    old = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(name="norm")])
    new, policies, left = raise_precision(old, [old.layers[0].name])
    assert new is old
    assert policies == {}
    assert "is a BatchNormalization with variables of float32" in left[old.layers[0].name]


def excess(rate, values):
    """By how much dropout at a rate widens a variance, over many draws."""
    random = np.random.default_rng(0)
    kept = random.random((400, *values.shape)) >= rate
    return (values * kept / (1 - rate)).var() / values.var()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_the_lowered_rate_keeps_the_ratio_below_the_threshold(rate):
    values = np.maximum(np.random.default_rng(1).normal(size=2000), 0.0)
    new = lowered_rate(rate, excess(rate, values), 1.2)
    assert 1.0 < excess(new, values) < 1.2
    # 0.8 of the excess that is allowed, to the share that 800,000 draws of a heavy-tailed square leave open.
    assert abs(excess(new, values) - 1.16) < 0.01 or new == rate


def noisy(kind=layers.Dropout):
    x = keras.Input((5,))
    y = kind(0.5, name="early")(layers.Dense(6, "relu")(x))
    y = layers.ReLU()(layers.BatchNormalization(name="first")(y))
    y = layers.Add()(
        [layers.Dense(6)(kind(0.4, name="drop")(y)), layers.Dense(6)(kind(0.2, name="other")(y))]
    )
    return keras.Model(x, layers.Dense(2)(layers.BatchNormalization(name="second")(y)))


@pytest.mark.parametrize("kind", [layers.Dropout, layers.GaussianDropout, Dropout])
def test_the_dropouts_up_to_the_normalization_before_are_lowered(kind):
    old = noisy(kind)
    new, rates, left = lower_dropout(old, record_model(old), {"second": (2.0, 1.2)})
    assert (sorted(rates["second"]), left) == (["drop", "other"], {})
    # r/(1 − r) times 0.8·0.2/1: 0.10667 of 0.66667, 0.04 of 0.25, to two digits.
    assert rates["second"] == {"drop": (0.4, 0.096), "other": (0.2, 0.038)}
    assert [new.get_layer(name).rate for name in ("early", "drop", "other")] == [0.5, 0.096, 0.038]
    x = normal((16, 5))
    assert_close(outputs(new, x)[0], outputs(old, x)[0], tolerance("float32"))


def test_a_dropout_by_its_own_path_and_the_lower_of_two_rates():
    old = noisy()
    ratios = {"second": (2.0, 1.2), "drop": (5.0, 1.2)}
    rates = lower_dropout(old, record_model(old), ratios).rates
    assert rates["drop"]["drop"] == (0.4, 0.026)


def test_dropout_that_is_not_lowered():
    old = noisy(layers.AlphaDropout)
    new, _, left = lower_dropout(old, record_model(old), {"first": (2.0, 1.2)})
    assert new is old
    assert left == {"first": "early is a AlphaDropout, whose rate says something else"}
    plain = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(name="norm")])
    path = plain.layers[0].name
    assert lower_dropout(plain, record_model(plain), {path: (2.0, 1.2)}).left == {
        path: f"no dropout layer before {path} was found"
    }
