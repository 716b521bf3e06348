"""Losses, scores and the gain over a constant, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from normwise.workflows.why_gain import constant_row_losses, gain_over_constant
from normwise.workflows.why_outputs import row_losses
from normwise.workflows.why_variant import held_out_scores

RNG = np.random.default_rng(1)
Z, Y, WANTED = RNG.normal(size=(50, 3)), RNG.integers(0, 3, 50), RNG.normal(size=50)
TRAINING, NUMBERS = RNG.integers(0, 3, 40), RNG.normal(3, 2, 40)


def test_row_losses() -> None:
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(row_losses(Z, Y), -np.log(p[np.arange(50), Y]), rtol=1e-12)
    np.testing.assert_allclose(row_losses(Z + 1e3, Y), row_losses(Z, Y), rtol=1e-10)
    np.testing.assert_allclose(row_losses(Z[:, :1], WANTED), (Z[:, 0] - WANTED) ** 2, rtol=1e-12)


def test_the_constant_is_the_best_on_the_training_rows() -> None:
    shares = [np.mean(k == TRAINING) for k in range(3)]
    expected = [-math.log(shares[k]) for k in Y]
    np.testing.assert_allclose(constant_row_losses(TRAINING, Y, 3), expected, rtol=1e-12)
    squares = (WANTED - np.mean(NUMBERS)) ** 2
    np.testing.assert_allclose(constant_row_losses(NUMBERS, WANTED, 0), squares, rtol=1e-12)


def test_the_gain_is_paired_row_by_row() -> None:
    """Rows that are hard for both make no error."""
    hard = np.random.default_rng(2).uniform(0, 100, 50)
    gain, error = gain_over_constant(hard + 1, [hard + 0.5, hard - 0.5])
    assert (gain.value, error.value) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    gain, error = gain_over_constant(WANTED, [np.zeros(50)])
    assert gain.value == pytest.approx(np.mean(WANTED), rel=1e-12)
    assert error.value == pytest.approx(np.std(WANTED, ddof=1) / math.sqrt(50), rel=1e-12)
    assert (gain.name, error.name) == ("gain_over_constant", "gain_over_constant_error")


def test_held_out_scores() -> None:
    loss, accuracy = held_out_scores(Z, Y)
    assert loss == pytest.approx(row_losses(Z, Y).mean(), rel=1e-12)
    assert accuracy == np.mean(Z.argmax(axis=1) == Y)
    loss, r2 = held_out_scores(Z[:, :1], WANTED)
    assert r2 == pytest.approx(1 - np.mean((Z[:, 0] - WANTED) ** 2) / np.var(WANTED), rel=1e-12)
    assert np.isnan(held_out_scores(np.full((2, 2), np.nan), np.array([0, 1]))).all()
