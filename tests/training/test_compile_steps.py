"""Which programs are loops, and which are one step at a time."""

import jax
import keras
import numpy as np
import pytest

import normwise
from normwise.training import compile_steps
from normwise.training.compile_steps import compile_loop, compile_one, slow_in_a_loop


def lowered(function, *arguments):
    return jax.jit(function).lower(*arguments)


def images():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 40)


def network():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_convolutions_are_told_from_other_programs():
    x, w = np.ones((1, 8, 8, 1), "float32"), np.ones((3, 3, 1, 2), "float32")
    assert slow_in_a_loop(lowered(keras.ops.conv, x, w))
    assert not slow_in_a_loop(lowered(lambda x: x @ x.T, np.ones((3, 3), "float32")))


def test_steps_one_by_one_end_where_a_loss_is_not_finite():
    calls = []

    class Lowered:
        def compile(self):
            def one(state, _, i):
                calls.append(int(i))
                return state + 1, {"loss": i}, i < 3

            return one

    steps = compile_one(Lowered())
    assert steps(10, None, np.int32(1), np.int32(3)) == (12, {"loss": 2}, 3, True)
    assert steps(0, None, np.int32(1), np.int32(9)) == (3, {"loss": 3}, 4, False)
    assert calls == [1, 2, 1, 2, 3]


def test_a_state_that_is_kept_outlives_the_steps():
    program = jax.jit(lambda state, _, i: (state + 1, {"loss": i}, i < 9), donate_argnums=0)
    state = jax.numpy.ones(3)
    lowered = program.lower(state, None, np.int32(0))
    assert compile_one(lowered, keep=True)(state, None, 0, 2)[0].tolist() == [3.0, 3.0, 3.0]
    assert not state.is_deleted()
    compile_one(lowered)(state, None, 0, 2)
    assert state.is_deleted()


def test_an_option_that_xla_does_not_have_is_left_out(monkeypatch):
    program = lowered(lambda x: x + 1, np.ones(3, "float32"))
    monkeypatch.setattr(compile_steps, "IN_ORDER", {"xla_no_such_option": "1"})
    assert compile_loop(program)(np.ones(3, "float32")).tolist() == [2.0, 2.0, 2.0]


def test_another_fault_of_the_compiler_is_told():
    class Lowered:
        def compile(self, compiler_options=None):
            raise jax.errors.JaxRuntimeError("out of memory")

    with pytest.raises(jax.errors.JaxRuntimeError, match="out of memory"):
        compile_loop(Lowered())


def test_a_convolutional_network_trains_as_by_keras():
    x, y = images()
    options = {"batch_size": 16, "epochs": 2, "validation_split": 0.2, "verbose": 0}
    theirs, ours = network(), network()
    keras.utils.set_random_seed(1)
    expected = theirs.fit(x, y, **options)
    keras.utils.set_random_seed(1)
    found = normwise.fit(ours, x, y, **options)
    assert found.history == expected.history
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(mine.value, other.value)
