"""With rows the folded model is measured, and what makes it differ is kept."""

import re

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.folding import float64, outputs, randomized, rows

import normwise
from normwise.core.errors import ModelError
from normwise.deploy import plan_folding
from normwise.deploy.affine import Affine
from normwise.deploy.normalization_maps import normalization_map


def model_of(*norms):
    # No unit dies, behind which nothing could differ.
    keras.utils.set_random_seed(0)
    inner = [layer for norm in norms for layer in (layers.LeakyReLU(0.5), norm, layers.Dense(4))]
    return randomized(keras.Sequential([keras.Input((4,)), layers.Dense(4), *inner], name="chain"))


def norm(name):
    return layers.BatchNormalization(name=name)


def test_the_difference_is_said():
    model = model_of(norm("a"), norm("b"))
    x = rows(model, 16)
    result = normwise.fold(model, x)
    (expected,), (actual,) = outputs(model, x), outputs(result.model, x)
    assert result.difference == np.abs(actual - expected).max() / np.abs(expected).max()
    assert 0.0 < result.difference < 1e-5
    assert [record.how for record in result.folded] == ["after", "after"]


def test_several_inputs_and_outputs_are_measured():
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    a, b = (norm(f"n{i}")(layers.Dense(3)(x)) for i, x in enumerate((one, two)))
    model = randomized(keras.Model({"one": one, "two": two}, {"a": a, "b": b}))
    assert normwise.fold(model, rows(model)).difference < 1e-5


@pytest.mark.parametrize("wrong", [*([i] for i in range(5)), [1, 2], [0, 3, 4], range(5)])
def test_those_that_make_outputs_differ_are_found_and_kept(wrong, monkeypatch):
    """The maps of some are falsified; what is made of the others is right."""
    names = [f"n{i}" for i in wrong]

    def falsified(layer, path, shape):
        right = normalization_map(layer, path, shape)
        return Affine(1.1 * right.scale, right.shift) if path in names else right

    monkeypatch.setattr(plan_folding, "normalization_map", falsified)
    model = model_of(*(norm(f"n{i}") for i in range(5)))
    result = normwise.fold(model, rows(model, 16))
    assert [record.layer for record in result.kept] == names
    for record in result.kept:
        found = re.fullmatch(
            r"folded, it makes the outputs differ by ([\d.e-]+) of the largest on x", record.reason
        )
        assert float(found[1]) > 1e-3
    assert [record.layer for record in result.folded] == [f"n{i}" for i in range(5) if i not in wrong]
    assert result.difference <= 1e-5


def test_what_no_rounding_accounts_for_is_kept_though_its_map_is_right():
    """At 3e4 standard deviations from 0, Keras' layer itself has lost most digits; a Dense loses others."""
    model = randomized(keras.Sequential([keras.Input((4,)), norm("far"), layers.Dense(3, "tanh")]))
    model.layers[0].moving_mean.assign(np.full(4, 3e4))
    x = 3e4 + np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    result = normwise.fold(model, x)
    assert [record.layer for record in result.kept] == ["far"]
    assert [record.layer for record in normwise.fold(model).folded] == ["far"]


def test_float64_is_held_to_more():
    with float64():
        model = randomized(
            keras.Sequential(
                [keras.Input((4,)), layers.Dense(4), normwise.BatchNormalization(), layers.ReLU()]
            )
        )
        assert normwise.fold(model, rows(model)).difference < 1e-14
        # Keras' own layer computes in float32 even there, on JAX and torch, and so is not what is folded.
        model = model_of(norm("a"))
        result = normwise.fold(model, rows(model))
        assert [record.layer for record in (result.kept or result.folded)] == ["a"]
        assert result.difference <= 1e-10


def test_outputs_that_are_not_finite():
    model = model_of(norm("a"))
    x = rows(model)
    x[1, 2] = np.nan
    message = r'output 0 of the model "chain" has 4 of 12 values that are not finite on x'
    with pytest.raises(ModelError, match=message):
        normwise.fold(model, x)


def test_no_rows_measure_nothing():
    model = model_of(norm("a"))
    with pytest.raises(
        ModelError, match=r"the arrays of x have \[0\] rows; expected one number of them, above 0"
    ):
        normwise.fold(model, rows(model)[:0])


def test_rows_that_do_not_fit():
    model = model_of(norm("a"))
    (size,) = model.input_shape[1:]
    message = rf'x has an array of shape \(5, {size + 1}\) for the input "\w+"; expected \(None, {size}\)'
    with pytest.raises(ModelError, match=message):
        normwise.fold(model, np.zeros((5, size + 1)))
    with pytest.raises(ModelError, match=f"x holds {3 * size} arrays; expected one for each of 1 inputs"):
        normwise.fold(model, np.zeros((3, size)).tolist())


def test_of_many_rows_some_are_taken():
    seen = []

    @keras.saving.register_keras_serializable("tests")
    class Counted(layers.Layer):
        def call(self, x):
            if isinstance(x.shape[0], int):  # and no symbol
                seen.append(x.shape[0])
            return x

    model = randomized(keras.Sequential([keras.Input((4,)), Counted(), layers.Dense(3), norm("a")]))
    normwise.fold(model, np.random.default_rng(0).normal(size=(1000, 4)))
    # On torch symbols are small numbers.
    assert max(seen) == 256


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="texts are inputs on TensorFlow alone")
def test_rows_of_text():
    word = keras.Input((1,), dtype="string")
    codes = layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")(word)
    model = randomized(keras.Model(word, norm("a")(layers.Dense(3)(codes))))
    assert normwise.fold(model, np.array([["a"], ["b"], ["z"]])).difference < 1e-5


def test_a_layer_that_is_not_the_same_again():
    @keras.saving.register_keras_serializable("tests")
    class Grown(layers.Layer):
        made = 0

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            Grown.made += 1
            self.number = Grown.made

        def call(self, x):
            return x * self.number

    model = keras.Sequential([keras.Input((4,)), Grown(), layers.Dense(3)], name="chain")
    message = r'a copy of the model "chain" gives other outputs than the model itself, by \d.* of the largest'
    with pytest.raises(ModelError, match=message):
        normwise.fold(model, rows(model))
