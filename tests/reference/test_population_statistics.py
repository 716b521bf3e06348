"""The references against numbers by hand, and against each other."""

import numpy as np
import pytest
from tests.reference.population_statistics import (
    Block,
    Statistics,
    errors,
    population,
    precise_bn,
    settled_at_once,
    settled_one_by_one,
)


def test_population_by_hand():
    assert population([[1.0], [3.0], [8.0]]) == (4.0, 13.0)
    # 3 twice and 8 not at all is 1, 3, 3: mean 7/3, Σ(x − 7/3)² = 16/9 + 4/9 + 4/9 = 24/9, over m − 1 = 2.
    mean, variance = population([[1.0], [3.0], [np.nan]], [[1], [2], [0]])
    assert mean == pytest.approx(7 / 3)
    assert variance == pytest.approx(4 / 3)


def test_one_batch_at_once_differs_behind_a_layer_by_m_over_m_minus_1_alone():
    x = np.random.default_rng(0).normal(size=(50, 3))
    blocks = [Block(np.eye(3), 1.0, 0.0, lambda h: h)] * 2
    one_by_one = settled_one_by_one(blocks, x, 0.0)
    at_once = settled_at_once(blocks, [x], 0.0)
    np.testing.assert_allclose(one_by_one[0], at_once[0], rtol=1e-12)
    np.testing.assert_allclose(one_by_one[1].variance, 1.0, rtol=1e-12)
    np.testing.assert_allclose(at_once[1].variance, 50 / 49, rtol=1e-12)


def test_ghosts_are_batches_of_their_own():
    x = np.random.default_rng(0).normal(size=(8, 3))
    blocks = [Block(np.eye(3), 1.0, 0.0, np.tanh), Block(np.eye(3), 1.0, 0.0, np.tanh)]
    ghosts = settled_at_once(blocks, [x], 1e-3, ghost=4)
    batches = settled_at_once(blocks, [x[:4], x[4:]], 1e-3)
    np.testing.assert_allclose(ghosts, batches, rtol=1e-12)


def test_precise_bn_is_the_biased_variance():
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    mean, variance = precise_bn([x[:8], x[8:]])
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-5)


def test_errors_by_hand():
    exact = Statistics(np.array([1.0, 2.0]), np.array([4.0, 9.0]))
    assert errors(([2.0, 2.0], [4.0, 4.5]), exact) == (0.5, 0.5)
