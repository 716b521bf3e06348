"""A model keeps its compiled programs for its next training, as long as they are those of that training."""

import copy
import functools

import keras
import numpy as np
import pytest
from tests.training.fit_cases import compiled, dense, numbers

import normwise
from normwise.training.kept_programs import NAME

ROWS = 50
OPTIONS = {"batch_size": 16, "verbose": 0}


def network():
    return compiled(dense(keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5, seed=1)))


def made(model, **options):
    """What a training compiled: the phase and the rows a step of each program, in order."""
    history = normwise.fit(model, **numbers(ROWS), **{**OPTIONS, **options})
    assert all(one.seconds > 0 and one.waited >= 0 for one in history.compilations)
    return [(one.phase, one.batch_size) for one in history.compilations]


def test_a_first_training_says_what_it_compiled_and_a_second_compiles_nothing():
    model = network()
    assert made(model, validation_split=0.2) == [("train", 16), ("train", 8), ("test", 10)]
    assert made(model, validation_split=0.2, epochs=3) == []
    # Three whole batches now, and not two.
    assert made(model) == [("train", 16), ("train", 2)]


def test_three_trainings_leave_what_three_of_keras_leave():
    left = []
    for fit in (normwise.fit, keras.Model.fit):
        keras.utils.set_random_seed(1)
        model = network()
        for _ in range(3):
            fit(model, **numbers(ROWS), **OPTIONS)
        left.append(model.get_weights())
    for mine, other in zip(*left, strict=True):
        np.testing.assert_array_equal(mine, other)


def compiled_anew(model):
    model.compile("adam", "mse")


def with_a_step_of_its_own(model):
    model.train_step = functools.partial(model.train_step)


def with_another_optimizer(model):
    model.optimizer = keras.optimizers.Adam()
    model.optimizer.build(model.trainable_variables)


@pytest.mark.parametrize("change", [compiled_anew, with_a_step_of_its_own, with_another_optimizer])
def test_another_training_is_compiled_anew(change):
    model = network()
    made(model)
    change(model)
    assert made(model) == [("train", 16), ("train", 2)]


def test_programs_are_neither_saved_nor_copied(tmp_path):
    model = network()
    made(model)
    assert NAME in vars(model)
    model.save(tmp_path / "model.keras")
    for other in (keras.models.load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        assert NAME not in vars(other)
        for mine, its in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, its)
        assert made(other) == [("train", 16), ("train", 2)]


def test_a_training_that_failed_leaves_programs_that_serve():
    model = network()

    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        made(model, callbacks=[keras.callbacks.LambdaCallback(on_train_begin=stop)])
    assert made(model) == [("train", 16), ("train", 2)]
    assert made(model) == []
