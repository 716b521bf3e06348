"""Steps of gradient descent for models of all columns, against descents that are walked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from normwise.core.descent import WITHIN
from normwise.insight import linear_descent_steps, logistic_descent_steps
from normwise.insight.descent import STARTS, steps_along

RANDOM = np.random.default_rng(0)
STRETCH = np.array([1.0, 4.0, 0.3])
NAMES = ["a", "b", "c"]
X = RANDOM.normal(size=(300, 3)) * STRETCH + [0.5, -1.0, 0.0]
NOISY = X @ [1.0, 0.3, -2.0] + RANDOM.logistic(size=300) > 0


def by_name(found):
    return {m.name: m.value for m in found}


def walked(hessian, optimum, start):
    """Gradient descent on the quadratic, step by step, from the definition."""
    eigenvalues = np.linalg.eigvalsh(hessian)
    rate, w, count = 2 / (eigenvalues[0] + eigenvalues[-1]), np.array(start), 0
    first = (w - optimum) @ hessian @ (w - optimum)
    while (w - optimum) @ hessian @ (w - optimum) > WITHIN * first:
        w, count = w - rate * hessian @ (w - optimum), count + 1
    return count


def test_the_linear_model_is_walked_in_as_many_steps():
    rows = np.column_stack([X, np.ones(300)])
    hessian = rows.T @ rows / 300
    found = by_name(linear_descent_steps(X, NAMES, variant="raw"))
    eigenvalues, axes = np.linalg.eigh(hessian)
    kappa = eigenvalues[-1] / eigenvalues[0]
    assert found["condition_number_linear_hessian"] == pytest.approx(kappa, rel=1e-9)
    # The starts are given along the eigenvectors, of which the singular values have the falling order.
    errors = np.random.default_rng(0).normal(size=(STARTS, 4))
    optimum = RANDOM.normal(size=4)
    counts = [walked(hessian, optimum, optimum + axes[:, ::-1] @ e) for e in errors]
    assert found["linear_descent_steps"] == np.median(counts)
    assert found["linear_descent_steps_least"] == min(counts)
    assert found["linear_descent_steps_most"] == max(counts)
    assert max(counts) <= found["predicted_linear_descent_steps"]
    assert {(m.variant, m.sample_size) for m in linear_descent_steps(X, NAMES, variant="raw")} == {
        ("raw", 300)
    }


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=6), st.integers(0, 1000))
def test_steps_along_eigenvectors_are_those_of_a_walk(spectrum, seed):
    eigenvalues = np.array([*spectrum, max(spectrum) / 50])
    errors = np.random.default_rng(seed).normal(size=len(eigenvalues))
    count = walked(np.diag(eigenvalues), np.zeros(len(errors)), errors)
    # The walk rounds at each step, the closed form once.
    assert steps_along(eigenvalues, errors) == pytest.approx(max(1, count), abs=1)


def test_scaling_does_not_undo_a_dependence():
    alike = np.column_stack([X[:, 0], X[:, 0] + 1e-3 * X[:, 2]])
    scaled = (alike - alike.mean(axis=0)) / alike.std(axis=0)
    kappa = by_name(linear_descent_steps(scaled, NAMES[:2]))["condition_number_linear_hessian"]
    correlation = np.corrcoef(alike.T)[0, 1]
    assert kappa == pytest.approx((1 + correlation) / (1 - correlation), rel=1e-6)
    twice = np.column_stack([X[:, 0], 2 * X[:, 0], np.ones(300)])
    assert {m.value for m in linear_descent_steps(twice, NAMES)} == {np.inf}
    assert by_name(linear_descent_steps(X * [1, 1e9, 1], NAMES))["linear_descent_steps"] == np.inf


def logistic_optimum(x, y):
    """scikit-learn's, without a penalty; weights and intercept."""
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(x, y)
    return np.append(model.coef_[0], model.intercept_)


def test_the_logistic_hessian_is_that_at_the_optimum_and_near_it_as_many_steps_are_walked():
    rows = np.column_stack([X, np.ones(300)])
    optimum = logistic_optimum(X, NOISY)
    p = 1 / (1 + np.exp(-rows @ optimum))
    hessian = rows.T @ ((p * (1 - p))[:, None] * rows) / 300
    eigenvalues, axes = np.linalg.eigh(hessian)
    found = by_name(logistic_descent_steps(X, NOISY, NAMES))
    kappa = eigenvalues[-1] / eigenvalues[0]
    assert found["condition_number_logistic_hessian"] == pytest.approx(kappa, rel=1e-5)

    def gradient(w):
        return rows.T @ (1 / (1 + np.exp(-rows @ w)) - NOISY) / 300

    def loss(w):
        z = rows @ w
        return np.mean(np.logaddexp(0, z) - NOISY * z)

    rate, counts = 2 / (eigenvalues[0] + eigenvalues[-1]), []
    for error in np.random.default_rng(0).normal(size=(STARTS, 4)):
        w, count = optimum + 1e-3 * axes[:, ::-1] @ error, 0
        first = loss(w) - loss(optimum)
        while loss(w) - loss(optimum) > WITHIN * first:
            w, count = w - rate * gradient(w), count + 1
        counts.append(count)
    assert found["logistic_descent_steps"] == pytest.approx(np.median(counts), rel=0.02)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_units_and_offsets_do_not_move_the_optimum(unit):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    moved = unit * scaled
    found = by_name(logistic_descent_steps(moved, NOISY, NAMES))["condition_number_logistic_hessian"]
    optimum = logistic_optimum(scaled, NOISY)
    p = 1 / (1 + np.exp(-scaled @ optimum[:3] - optimum[3]))
    rows = np.sqrt(p * (1 - p))[:, None] * np.column_stack([moved, np.ones(300)])
    singular = np.linalg.svd(rows, compute_uv=False)
    assert found == pytest.approx((singular[0] / singular[-1]) ** 2, rel=1e-5)


def test_the_labels_of_the_classes_do_not_matter():
    assert logistic_descent_steps(X, NOISY, NAMES) == logistic_descent_steps(X, np.where(NOISY, 7, -3), NAMES)


def test_separable_classes_have_no_optimum():
    on_a_side = X[:, 0] > 0.5
    found = logistic_descent_steps(X, on_a_side, NAMES)
    assert all(np.isnan(m.value) for m in found)
    assert all("no optimum; a plane separates the classes" in m.definition for m in found)
    # Rows that lie on the plane: a column that is 1 for some of one class and 0 for all others.
    flag = np.column_stack([X, NOISY & (RANDOM.random(300) < 0.2)])
    assert all(np.isnan(m.value) for m in logistic_descent_steps(flag, NOISY, [*NAMES, "flag"]))
    # One row of the other class there, and it has one.
    flag[np.flatnonzero(~NOISY)[0], 3] = 1.0
    assert all(np.isfinite(m.value) for m in logistic_descent_steps(flag, NOISY, [*NAMES, "flag"]))


def test_columns_that_depend_on_each_other_have_no_steps():
    twice = np.column_stack([X, X[:, 0] - X[:, 1]])
    found = by_name(logistic_descent_steps(twice, NOISY, [*NAMES, "d"]))
    assert set(found.values()) == {np.inf}


def test_the_built_in_table_is_ill_conditioned_after_scaling_and_separable():
    table = load_breast_cancer()
    scaled = (table.data - table.data.mean(axis=0)) / table.data.std(axis=0)
    names = list(table.feature_names)
    raw, after = (
        by_name(linear_descent_steps(x, names))["condition_number_linear_hessian"]
        for x in (table.data, scaled)
    )
    assert raw > 1e10
    assert 1e4 < after < 1e6
    assert all(np.isnan(m.value) for m in logistic_descent_steps(scaled, table.target, names))


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match="y has 299 rows and x 300"):
        logistic_descent_steps(X, NOISY[1:], NAMES)
    with pytest.raises(ValueError, match=r'y holds 3 different values, "0\.0", "1\.0", "2\.0"; expected two'):
        logistic_descent_steps(X, np.arange(300) % 3, NAMES)
    with pytest.raises(ValueError, match="none of the 3 columns of x varies"):
        linear_descent_steps(np.ones((4, 3)), NAMES)
