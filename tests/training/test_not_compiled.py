"""What cannot be compiled whole is Keras' own fit, and a warning says so once, with the reason."""

import warnings

import jax
import keras
import numpy as np
import pytest
import scipy.sparse
from tests.training.both_ways import assert_same, both
from tests.training.fit_cases import compiled, dense, numbers

import normwise
from normwise.core.errors import NormwiseWarning
from normwise.training import not_compiled


class OwnFit(keras.Sequential):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


class OwnEvaluate(keras.Sequential):
    def evaluate(self, *args, **kwargs):
        return super().evaluate(*args, **kwargs)


def layers():
    return [keras.Input((4,)), keras.layers.Dense(1)]


def sparse():
    return {**numbers(), "x": scipy.sparse.csr_matrix(numbers()["x"])}


REASONS = {
    "OwnFit has a fit() of its own": (lambda: compiled(OwnFit(layers())), numbers),
    "OwnEvaluate has a evaluate() of its own": (lambda: compiled(OwnEvaluate(layers())), numbers),
    "the model was compiled with run_eagerly=True": (lambda: compiled(dense(), run_eagerly=True), numbers),
    "the model was compiled with jit_compile=False": (lambda: compiled(dense(), jit_compile=False), numbers),
    "the data are sparse": (lambda: compiled(dense(), jit_compile=False), sparse),
}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(not_compiled, "_SAID", set())


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_said_and_keras_trains(reason):
    build, data = REASONS[reason]
    given = data()
    assert not_compiled.not_compiled(compiled(dense()), numbers()["x"]) is None
    assert any(said.startswith(reason) for said in not_compiled._reasons(build(), given["x"]))
    with pytest.warns(NormwiseWarning, match="This model is trained by Keras' own fit, because"):
        normwise.fit(build(), **given, epochs=1, batch_size=48, verbose=0)
    if reason != "the data are sparse":
        assert_same(*both(build, data, batch_size=48, validation_split=0.5))


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        (jax.disable_jit, "jax.disable_jit"),
        (lambda: jax.debug_nans(True), "jax_debug_nans"),
        (lambda: jax.debug_infs(True), "jax_debug_nans or jax_debug_infs"),
    ],
)
def test_switches_by_which_jax_looks_at_single_steps(switch, reason):
    with switch():
        assert not_compiled.not_compiled(compiled(dense()), numbers()["x"]).startswith(reason)
        with pytest.warns(NormwiseWarning, match=f"by Keras' own fit, because {reason}"):
            normwise.fit(compiled(dense()), **numbers(), verbose=0)


def test_it_is_said_once():
    with pytest.warns(NormwiseWarning):
        normwise.fit(compiled(dense(), jit_compile=False), **numbers(), verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normwise.fit(compiled(dense(), jit_compile=False), **numbers(), verbose=0)
    with pytest.warns(NormwiseWarning, match="run_eagerly"):
        normwise.fit(compiled(dense(), run_eagerly=True), **numbers(2), verbose=0)


def test_a_fit_of_its_own_that_asks_for_the_compiled_epoch():
    class Compiled(keras.Sequential):
        def fit(self, *args, **kwargs):
            return normwise.fit(self, *args, **kwargs)

    def by(kind):
        keras.utils.set_random_seed(0)
        return compiled(kind(layers())).fit(**numbers(), epochs=2, batch_size=16, verbose=0)

    found, expected = by(Compiled), by(keras.Sequential)
    assert found.compilations
    assert found.history["loss"] == pytest.approx(expected.history["loss"])


def test_nnx_mode(monkeypatch):
    """Keras decides for it when it is imported, so only the reason is asked for."""
    monkeypatch.setattr(not_compiled, "is_nnx_enabled", lambda: True)
    assert not_compiled.not_compiled(compiled(dense())).startswith("Keras runs in its NNX mode")


def test_data_that_are_not_sparse():
    assert not any(not_compiled._is_sparse(leaf) for leaf in (np.ones(3), None, "x", object()))
