"""The reference against numbers worked by hand and against finite differences."""

import numpy as np
from tests.reference.batch_normalization import (
    algorithm_1,
    algorithm_2_inference,
    algorithm_2_statistics,
    exponential_statistics,
    gradients,
)
from tests.reference.tolerance import assert_close, tolerance

EXACT = tolerance("float64", n=100)


def test_algorithm_1_by_hand():
    y, mean, variance = algorithm_1([[1.0], [3.0]], gamma=2.0, beta=5.0, epsilon=3.0)
    assert_close(mean, [2.0], EXACT)
    assert_close(variance, [1.0], EXACT)
    assert_close(y, [[4.0], [6.0]], EXACT)


def test_algorithm_2_by_hand():
    batches = [np.array([[1.0], [3.0]]), np.array([[0.0], [4.0]])]
    mean, variance = algorithm_2_statistics(batches, momentum=0.5)
    assert_close(mean, [2.0], EXACT)
    assert_close(variance, [(0.5 * 2.0 + 1.0 * 8.0) / 1.5], EXACT)
    assert_close(algorithm_2_inference([[4.0]], 3.0, 1.0, mean, variance, 3.0), [[1 + 6 / 3]], EXACT)
    mean, variance = exponential_statistics(batches, 0.5, 0.0, 1.0)
    assert_close(mean, [0.25 * 0 + 0.25 * 2 + 0.5 * 2], EXACT)
    assert_close(variance, [0.25 * 1 + 0.25 * 2 + 0.5 * 8], EXACT)


def test_gradients_by_finite_differences():
    rng = np.random.default_rng(0)
    x, dl_dy, gamma = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=3)
    found = gradients(dl_dy, x, gamma, epsilon=0.1)

    def loss(x, gamma, beta):
        return (algorithm_1(x, gamma, beta, 0.1).y * dl_dy).sum()

    step = 1e-5
    # Central differences: error of order step² + ε/step.
    allowed = 100 * (step**2 + 2**-52 / step)
    for i in np.ndindex(5, 3):
        bump = np.zeros((5, 3))
        bump[i] = step
        assert_close(
            (loss(x + bump, gamma, 0) - loss(x - bump, gamma, 0)) / (2 * step), found.x[i], allowed * 10
        )
    for c in range(3):
        bump = step * np.eye(3)[c]
        slope = (loss(x, gamma + bump, 0) - loss(x, gamma - bump, 0)) / (2 * step)
        assert_close(slope, found.gamma[c], allowed)
        assert_close((loss(x, gamma, bump) - loss(x, gamma, -bump)) / (2 * step), found.beta[c], allowed)
