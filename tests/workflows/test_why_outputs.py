"""Outputs as logits, and the loss that is compared, against their definitions."""

from __future__ import annotations

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance

from normwise.graph.rebuild import rebuild
from normwise.workflows.why_outputs import ComparedLoss, Outputs, as_logits, row_losses

RNG = np.random.default_rng(1)
SCORES, CLASSES = RNG.normal(size=(20, 3)), RNG.integers(0, 3, 20)
SHARES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
ONE, SECOND = SCORES[:, :1], RNG.integers(0, 2, 20)
SIGMOID = 1 / (1 + np.exp(-ONE))
OF_SECOND = np.where(SECOND == 1, SIGMOID[:, 0], 1 - SIGMOID[:, 0])
CASES: dict[Outputs, tuple[np.ndarray, np.ndarray, np.ndarray]] = {
    "logits": (SCORES, CLASSES, -np.log(SHARES[np.arange(20), CLASSES])),
    "probabilities": (SHARES, CLASSES, -np.log(SHARES[np.arange(20), CLASSES])),
    "logit": (ONE, SECOND, -np.log(OF_SECOND)),
    "probability": (SIGMOID, SECOND, -np.log(OF_SECOND)),
    "number": (ONE, SCORES[:, 1], (ONE[:, 0] - SCORES[:, 1]) ** 2),
}


@pytest.mark.parametrize("kind", CASES)
def test_the_loss_of_each_row(kind: Outputs) -> None:
    outputs, y, expected = CASES[kind]
    np.testing.assert_allclose(row_losses(as_logits(outputs, kind), y), expected, rtol=1e-10)
    traced = row_losses(as_logits(jnp.asarray(outputs, "float32"), kind), jnp.asarray(y))
    assert_close(np.asarray(traced), expected, tolerance("float32", 3, 16))


def test_a_probability_of_nothing_is_no_infinity() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    losses = row_losses(as_logits(certain, "probabilities"), np.array([1, 1]))
    np.testing.assert_allclose(losses, [-np.log(1e-7), 0], atol=1e-6)


@pytest.mark.parametrize("kind", CASES)
def test_the_metric_is_their_mean_over_all_batches(kind: Outputs) -> None:
    outputs, y, expected = CASES[kind]
    metric = rebuild(ComparedLoss(kind))
    for rows in (slice(0, 14), slice(14, 20)):
        # As Keras hands them over: numbers of classes may come as floats, and in a column.
        metric.update_state(jnp.asarray(y[rows, None], "float32"), jnp.asarray(outputs[rows], "float32"))
    assert float(metric.result()) == pytest.approx(expected.mean(), rel=1e-5)
    assert metric.name == ComparedLoss.log
    assert isinstance(metric, keras.metrics.Metric)
