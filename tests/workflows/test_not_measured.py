"""What no pass sees is told by name, and no rule calls it clean."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import normwise


def rows(*shape):
    return np.random.default_rng(0).normal(size=(64, *shape)).astype("float32")


class Bare(keras.Model):
    """A model that calls its activation as a function."""

    def __init__(self, function):
        super().__init__(name="net")
        self.function = function
        self.hidden = layers.Dense(4, name="hidden")
        self.norm = layers.BatchNormalization(name="norm")
        self.last = layers.Dense(1, name="last")

    def call(self, x):
        return self.last(self.function(self.norm(self.hidden(x))))


def told(model, x):
    diagnosis = normwise.diagnose(model, x)
    return diagnosis.unseen, {check.code: (check.status, check.reason) for check in diagnosis.checks}


@pytest.mark.parametrize("function", [ops.relu, keras.activations.relu], ids=["operation", "activation"])
def test_a_function_that_a_call_calls(function):
    model, x = Bare(function), rows(3)
    model(x)
    unseen, checks = told(model, x)
    sentence = (
        'what the activation functions "relu" take is not measured: they are called as functions, or inside'
        " of a loop over time steps, or not at all"
    )
    assert unseen == (sentence,)
    assert checks["NRM202"] == ("skipped", sentence)
    assert checks["NRM408"][0] != "skipped"  # the normalization was measured


def test_layers_inside_of_a_time_distributed():
    inner = keras.Sequential(
        [layers.Dense(4), layers.BatchNormalization(name="norm"), layers.ReLU(name="relu")], name="inner"
    )
    model = keras.Sequential(
        [keras.Input((6, 3)), layers.TimeDistributed(inner, name="steps"), layers.Dense(1)]
    )
    unseen, checks = told(model, rows(6, 3))
    assert [sentence.split(" take is")[0] for sentence in unseen] == [
        'what the batch normalizations "steps/inner/norm"',
        'what the activation functions "steps/inner/relu"',
    ]
    assert {checks[code] for code in ("NRM403", "NRM408")} == {("skipped", unseen[0])}
    assert checks["NRM202"] == ("skipped", unseen[1])


def test_a_normalization_in_the_cell_of_a_recurrent_layer():
    class Cell(layers.SimpleRNNCell):
        def __init__(self, **kwargs):
            super().__init__(4, **kwargs)
            self.norm = layers.BatchNormalization(name="norm")

        def call(self, x, states, training=False):
            given, states = super().call(self.norm(x, training=training), states, training=training)
            return given, states

    model = keras.Sequential(
        [keras.Input((6, 3)), layers.RNN(Cell(name="cell"), name="rnn"), layers.Dense(1)]
    )
    unseen, checks = told(model, rows(6, 3))
    assert "rnn/cell/norm" in unseen[0]
    assert checks["NRM403"] == ("skipped", unseen[0])


def test_of_what_is_measured_or_hidden_nothing_is_said():
    x = keras.Input((6, 3))
    h = layers.MultiHeadAttention(2, 2)(x, x)
    h = layers.LSTM(4)(layers.ReLU()(layers.BatchNormalization()(h)))
    model = keras.Model(x, layers.Dense(1, activation="sigmoid")(ops.relu(h)))
    assert told(model, rows(6, 3))[0] == ()


def test_one_row():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="hidden"), layers.BatchNormalization(), layers.Dense(1)]
    )
    diagnosis = normwise.diagnose(model, rows(3)[:1])
    reason = "one row was given: a mean and a variance need more; give some hundred"
    skipped = {
        check.code for check in diagnosis.checks if (check.status, check.reason) == ("skipped", reason)
    }
    assert {"NRM101", "NRM102", "NRM105", "NRM202", "NRM403", "NRM408"} <= skipped
    assert [(found.code, found.layer) for found in diagnosis.findings] == [("NRM301", "hidden")]
