"""Hessian eigenvalues against dense Hessians in float64 and matrices of known spectrum."""

import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.tolerance import assert_close
from tests.reference.two_layers import hessian

from normwise.core.errors import TrainingError
from normwise.insight import hessian_eigenvalues
from normwise.insight.hessian_eigenvalues import TOLERANCE, extreme_eigenvalues

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

from tests.insight.two_layer_networks import EPSILON, assert_unchanged, data, network, state_of, theta_of


def turned(spectrum, seed=0):
    """A symmetric matrix of these eigenvalues, and its eigenvectors."""
    size = len(spectrum)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    return turn @ np.diag(spectrum) @ turn.T, turn


SPECTRA = {
    "indefinite": np.linspace(-3.0, 10.0, 120),
    "ill-conditioned": np.concatenate([[1e6, 3e5], np.geomspace(1.0, 1e-3, 100), [-2e5]]),
    "negative": -np.arange(1.0, 101.0),
    "positive": np.arange(1.0, 101.0),
    "mostly 0": np.concatenate([np.zeros(95), [1.0, 2.0, -1.0]]),
    "small": np.linspace(-1.0, 1.0, 7),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_matrices_of_known_spectrum(name):
    matrix, _ = turned(SPECTRA[name])
    known, size = np.sort(SPECTRA[name]), len(matrix)
    found = extreme_eigenvalues(lambda v: matrix @ v, size, count=2)
    allowed = TOLERANCE * np.abs(known).max()
    np.testing.assert_allclose(found.top.values, known[::-1][:2], atol=allowed)
    np.testing.assert_allclose(found.bottom.values, known[:2], atol=allowed)
    for values, vectors, residuals in (found.top, found.bottom):
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), atol=1e-6)
        left = np.linalg.norm(matrix @ vectors - vectors * values, axis=0)
        np.testing.assert_allclose(left, residuals, atol=1e-12 * np.abs(known).max())
        assert (residuals <= allowed).all()


@given(st.integers(2, 60), st.integers(0, 10**6))
def test_any_size_and_a_matrix_of_0(size, seed):
    spectrum = np.random.default_rng(seed).normal(size=size)
    matrix, _ = turned(spectrum, seed)
    found = extreme_eigenvalues(lambda v: matrix @ v, size, 1, seed)
    allowed = TOLERANCE * np.abs(spectrum).max()
    assert abs(found.top.values[0] - spectrum.max()) <= allowed
    assert abs(found.bottom.values[0] - spectrum.min()) <= allowed
    none = extreme_eigenvalues(np.zeros_like, size, 1)
    assert none.top.values[0] == none.bottom.values[0] == none.top.residuals[0] == 0.0


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("units", [3, 10])
def test_a_network_against_its_dense_hessian(normalized, units):
    model, (x, y) = network(normalized, units), data()
    before = state_of(model)
    found = hessian_eigenvalues(model, x, y, count=2, variant="raw")
    dense = hessian(theta_of(model), x, y, units, *([EPSILON] if normalized else []))
    known = np.linalg.eigvalsh(dense)
    assert [(m.name, m.variant, m.sample_size) for m in found] == [
        ("hessian_eigenvalue_largest", "raw", 64),
        ("hessian_eigenvalue_largest_2", "raw", 64),
        ("hessian_eigenvalue_smallest", "raw", 64),
        ("hessian_eigenvalue_smallest_2", "raw", 64),
    ]
    expected = [known[-1], known[-2], known[0], known[1]]
    # The value is within the residual; the products round to float32.
    assert_close([m.value for m in found], expected, TOLERANCE)
    assert all("residual ‖Hv − λv‖ = " in m.definition and "NOT" not in m.definition for m in found)
    assert_unchanged(before)


def test_what_did_not_converge_says_so(monkeypatch):
    # The package's attribute of this name is the function.
    module = sys.modules["normwise.insight.hessian_eigenvalues"]
    monkeypatch.setattr(module, "RESTARTS", 1)
    monkeypatch.setattr(module, "VECTORS", 3)
    model, (x, y) = network(), data()
    found = hessian_eigenvalues(model, x, y)
    assert all(np.isnan(m.value) for m in found)
    assert all("; not found in " in m.definition for m in found)


def test_what_cannot_be_measured():
    model, (x, y) = network(), data()
    with pytest.raises(ValueError, match="0 eigenvalues were asked for at each end; expected from 1 to 51"):
        hessian_eigenvalues(model, x, y, count=0)
    model.trainable_variables[-1].assign([1e19])
    with pytest.raises(TrainingError, match="the loss of the model net on these rows is inf"):
        hessian_eigenvalues(model, x, y)
