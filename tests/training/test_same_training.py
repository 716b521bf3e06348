"""What is compared of two trainings, and how differences are said."""

import keras
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from normwise.training.keras_trainer import EpochBatches
from normwise.training.same_training import describe_training, differences

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def described(layers=None, loss="mse", **arguments):
    layers = layers or [keras.layers.Dense(3), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile("sgd", loss)
    batches = EpochBatches(x=np.zeros((10, 2)), y=np.zeros((10, 1)), batch_size=4)
    model._symbolic_build(iterator=batches)
    return describe_training(model, batches, **{"shuffle": True, "initial_epoch": 0, **arguments})


def test_the_names_that_keras_counts_up_do_not_matter():
    assert keras.layers.Dense(1).name != keras.layers.Dense(1).name
    assert differences(described(), described()) == []


def test_a_nested_layer_is_compared_by_itself():
    def nested(activation):
        return [keras.Sequential([keras.layers.Dense(3, activation=activation)]), keras.layers.Dense(1)]

    (clause,) = differences(described(nested("tanh")), described(nested("relu")))
    assert clause.endswith("activation was 'tanh' and is 'relu'")


def test_frozen_weights_are_another_training():
    found = differences(
        described(), described([keras.layers.Dense(3, trainable=False), keras.layers.Dense(1)])
    )
    assert "model layers 1 trainable was True and is False" in found
    assert "model weights were 4 and are 2" in found


def test_functions_are_told_apart_by_their_names():
    def loss(y, p):
        return keras.ops.mean((y - p) ** 2)

    assert differences(described(loss=loss), described(loss=loss)) == []
    assert differences(described(loss=[loss]), described(loss=["mse"])) == ["loss 0 was 'loss' and is 'mse'"]


def test_long_values_are_cut():
    assert differences({"a": "x" * 100}, {"a": 1}) == [f"a was '{'x' * 59}… and is 1"]


@given(PLAIN, PLAIN)
def test_no_difference_means_equal(a, b):
    assert differences(a, a) == []
    assert bool(differences({"k": a}, {"k": b})) == (a != b)
