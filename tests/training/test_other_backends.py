"""`normwise.fit` on whichever backend the process has; on torch and TensorFlow it is Keras' own."""

import keras
import numpy as np
import pytest

import normwise
from normwise.core.errors import NormwiseWarning
from normwise.training import not_compiled

BACKEND = keras.backend.backend()


def model():
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    return {"x": x, "y": x[:, :1], "batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}


@pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")
def test_the_same_as_keras(data):
    ours, theirs = model(), model()
    history, expected = (
        normwise.fit(ours, **data, validation_split=0.2),
        theirs.fit(**data, validation_split=0.2),
    )
    assert list(history.history) == ["loss", "val_loss"]
    for name, values in expected.history.items():
        assert np.array_equal(history.history[name], values)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.array_equal(mine, other)


@pytest.mark.skipif(BACKEND == "jax", reason="here the epoch is compiled")
def test_it_is_said_once_that_the_compiled_epoch_needs_jax(data, monkeypatch, recwarn):
    monkeypatch.setattr(not_compiled, "_SAID", set())
    normwise.fit(model(), **data)
    normwise.fit(model(), **data)
    said = [str(w.message) for w in recwarn if w.category is NormwiseWarning]
    assert said == [
        "This model is trained by Keras' own fit, because the compiled epoch needs JAX, and the backend here "
        f'is "{BACKEND}".'
    ]
