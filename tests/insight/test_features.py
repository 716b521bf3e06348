"""Spread, condition numbers, bowl and descent, against closed forms and descents walked step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.core.descent import WITHIN, steps_needed
from normwise.core.measurement import Bowl
from normwise.insight import bowl, condition_numbers, descent_steps, feature_spread
from normwise.insight.descent import steps

CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
NAMES = ["age", "fnlwgt"]


def values(found):
    return {(m.name, m.column): m.value for m in found}


def test_spread_and_shares_at_a_large_offset():
    found = values(feature_spread(CORNERS * [3.0, 300.0] + 1e6, NAMES, "raw"))
    assert found["feature_std", "age"] == pytest.approx(3.0, rel=1e-9)
    assert found["feature_std", "fnlwgt"] == pytest.approx(300.0, rel=1e-9)
    assert found["feature_spread", ""] == pytest.approx(100.0, rel=1e-9)
    assert found["share_of_variance", "fnlwgt"] == pytest.approx(1e4 / (1e4 + 1), rel=1e-9)
    assert {m.variant for m in feature_spread(CORNERS, NAMES, "raw")} == {"raw"}


def test_a_constant_column_is_left_out_of_the_spread():
    x = np.column_stack([CORNERS, np.full(4, 0.1)])
    found = values(feature_spread(x, [*NAMES, "same"]))
    assert found["feature_std", "same"] == 0.0
    assert found["share_of_variance", "same"] == 0.0
    assert found["feature_spread", ""] == 1.0
    alone = values(feature_spread(x[:, [0, 2]], ["age", "same"]))
    assert np.isnan(alone["feature_spread", ""])


def test_condition_numbers_of_a_known_matrix():
    x = CORNERS * [5.0, 0.5]
    found = values(condition_numbers(x, NAMES))
    assert found["condition_number_covariance", ""] == pytest.approx(100.0, rel=1e-12)
    # With a mean of (3, 4), E[xxᵀ] is the covariance and mean meanᵀ.
    moved = values(condition_numbers(x + np.array([3.0, 4.0]), NAMES))
    eigenvalues = np.linalg.eigvalsh(np.diag([25.0, 0.25]) + np.outer([3.0, 4.0], [3.0, 4.0]))
    assert moved["condition_number_second_moments", ""] == pytest.approx(eigenvalues[1] / eigenvalues[0])
    assert moved["condition_number_covariance", ""] == pytest.approx(100.0, rel=1e-12)


def with_covariance_of(singular, offset=0.0, rows=400):
    """Rows whose covariance has exactly these numbers squared as its eigenvalues, and whose means are
    `offset`."""
    random = np.random.default_rng(1)
    drawn = random.normal(size=(rows, len(singular)))
    functions, _ = np.linalg.qr(drawn - drawn.mean(axis=0))
    turn, _ = np.linalg.qr(random.normal(size=(len(singular), len(singular))))
    return offset + np.sqrt(rows) * functions @ np.diag(singular) @ turn


@pytest.mark.parametrize(("offset", "allowed"), [(0.0, 1e-12), (1e6, 1e-9)])
def test_the_covariance_of_known_eigenvalues_far_from_0(offset, allowed):
    found = values(condition_numbers(with_covariance_of([30.0, 7.0, 2.0, 0.5], offset), list("abcd")))
    assert found["condition_number_covariance", ""] == pytest.approx(3600.0, rel=allowed)


@pytest.mark.parametrize("offset", [1e4, 1e6, 1e7])
def test_second_moments_far_from_0(offset):
    # E[xxᵀ] = I + offset²·11ᵀ: its eigenvalues are 1 + 2·offset² and 1.
    found = values(condition_numbers(with_covariance_of([1.0, 1.0], offset), NAMES))
    assert found["condition_number_second_moments", ""] == pytest.approx(1 + 2 * offset**2, rel=1e-8)


@pytest.mark.parametrize("unit", [1e7, 1e9, 1e12])
def test_a_small_unit_is_no_dependence(unit):
    found = values(condition_numbers(with_covariance_of([1.0, 1.0]) * [unit, 1.0], NAMES))
    assert found["condition_number_covariance", ""] == pytest.approx(unit**2, rel=1e-3)
    assert bowl(with_covariance_of([1.0, 1.0]) * [unit, 1.0], np.arange(400), NAMES).condition_number < np.inf


def test_a_small_spread_beside_a_large_mean_is_a_spread():
    found = values(feature_spread(np.column_stack([CORNERS[:, 0] + 2e12, CORNERS[:, 1]]), NAMES))
    assert found["feature_std", "age"] == 1.0
    assert found["feature_spread", ""] == 1.0


def test_columns_that_depend_on_each_other():
    x = np.column_stack([CORNERS, CORNERS.sum(axis=1)])
    assert values(condition_numbers(x, [*NAMES, "sum"]))["condition_number_covariance", ""] == np.inf
    twice = bowl(CORNERS[:, [0, 0]] * [1, 2], CORNERS[:, 0], NAMES)
    assert twice.condition_number == np.inf
    assert {m.value for m in descent_steps(twice)} == {np.inf}


def loss(x, y, w):
    """From the definition: half the mean squared error with the best intercept."""
    y = (y - y.mean()) / y.std()
    error = y - x @ w
    return 0.5 * np.square(error - error.mean()).mean()


def test_the_bowl_is_the_loss():
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 2)) * [2.0, 30.0] + [5.0, -1e3]
    y = x[:, 0] + random.normal(size=50)
    found = bowl(x, y, NAMES, ("age", "fnlwgt"))
    assert found.columns == ("age", "fnlwgt")
    hessian, optimum = np.reshape(found.hessian, (2, 2)), np.array(found.optimum)
    for w in ([0.0, 0.0], [1.0, -0.3], [0.2, 0.01]):
        away = np.array(w) - optimum
        assert found.loss + away @ hessian @ away / 2 == pytest.approx(loss(x, y, np.array(w)), rel=1e-9)
    assert loss(x, y, optimum) == pytest.approx(found.loss, rel=1e-9)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_stretching_a_feature_stretches_the_bowl(i, j):
    stretch, y = np.array([2.0**i, 2.0**j]), CORNERS[:, 0] + 0.5 * CORNERS[:, 1]
    before = bowl(CORNERS, y, NAMES, ("age", "fnlwgt"))
    after = bowl(CORNERS * stretch, y, NAMES, ("age", "fnlwgt"))
    np.testing.assert_allclose(
        np.reshape(after.hessian, (2, 2)), np.reshape(before.hessian, (2, 2)) * np.outer(stretch, stretch)
    )
    np.testing.assert_allclose(after.optimum, np.array(before.optimum) / stretch, rtol=1e-9)


def walked(found, start):
    """Gradient descent, step by step."""
    hessian, away, count = np.reshape(found.hessian, (2, 2)), np.array(start), 0
    rate = 2 / np.linalg.eigvalsh(hessian).sum()
    first = away @ hessian @ away
    while away @ hessian @ away > WITHIN * first:
        away, count = away - rate * hessian @ away, count + 1
    return count


@pytest.mark.parametrize("kappa", [1.0, 3.0, 100.0, 2500.0])
def test_steps_are_those_of_a_walk(kappa):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    hessian = turn @ np.diag([kappa, 1.0]) @ turn.T
    found = Bowl(("a", "b"), tuple(hessian.ravel()), (1.0, 2.0), 0.1, kappa, 10, "", "", "raw")
    starts = np.random.default_rng(0).normal(size=(20, 2))
    counts = [max(1, walked(found, start)) for start in starts]
    assert [steps(found, start) for start in starts] == pytest.approx(counts, abs=1)
    measured = {m.name: m.value for m in descent_steps(found)}
    assert measured["descent_steps"] == pytest.approx(np.median(counts), abs=1)
    assert measured["descent_steps_most"] <= measured["predicted_descent_steps"] + 1
    assert measured["descent_steps_least"] >= measured["predicted_descent_steps"] - 1
    # Both axes shrink alike, so every start takes as long: 1.15 κ steps for each factor of 10 of the error.
    assert steps_needed(kappa) == pytest.approx(max(1.0, 1.15 * kappa), rel=0.02, abs=1.5)


@pytest.mark.parametrize(
    ("x", "names", "words"),
    [
        (np.ones((1, 2)), NAMES, r"x has shape \(1, 2\); expected \(rows, features\) with two rows"),
        (CORNERS, ["age"], "1 names were given for the 2 columns of x"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), NAMES, 'column "fnlwgt" of x holds nan in row 1'),
    ],
)
@pytest.mark.parametrize("measure", [feature_spread, condition_numbers, lambda x, n: bowl(x, x[:, 0], n)])
def test_what_cannot_be_measured(measure, x, names, words):
    with pytest.raises(ValueError, match=words):
        measure(x, names)


def test_targets_and_pairs_that_do_not_fit():
    with pytest.raises(ValueError, match="y has 3 rows and x 4"):
        bowl(CORNERS, np.arange(3), NAMES)
    with pytest.raises(ValueError, match="y is constant"):
        bowl(CORNERS, np.ones(4), NAMES)
    with pytest.raises(ValueError, match=r"\['agee'\] are no columns of x; expected two of \['age'"):
        bowl(CORNERS, CORNERS[:, 0], NAMES, ("agee", "age"))
    with pytest.raises(ValueError, match="1 of the columns of x vary"):
        bowl(CORNERS * [1, 0], CORNERS[:, 0], NAMES)
    with pytest.raises(ValueError, match="none of the 2 columns of x varies"):
        condition_numbers(np.ones((4, 2)), NAMES)


def test_more_steps_than_anybody_would_walk_are_counted():
    for kappa in (1e6, 1.7e9):
        found = Bowl(("a", "b"), (kappa, 0.0, 0.0, 1.0), (0.0, 0.0), 0.0, kappa, 10, "", "")
        measured = {m.name: m.value for m in descent_steps(found)}
        assert measured["descent_steps"] == pytest.approx(measured["predicted_descent_steps"], rel=1e-6)
    endless = Bowl(("a", "b"), (1e20, 0.0, 0.0, 1.0), (0.0, 0.0), 0.0, 1e20, 10, "", "")
    assert descent_steps(endless)[0].value == np.inf


@pytest.mark.parametrize(("large", "small", "kappa"), [(1e30, 1e-33, 1e126), (1e150, 1e-150, np.inf)])
def test_columns_far_apart_in_size_have_a_condition_number(large: float, small: float, kappa: float) -> None:
    x = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * [large, small]
    assert [m.value for m in condition_numbers(x, ["a", "b"])] == pytest.approx([kappa] * 2)


def test_a_column_lost_in_the_digits_of_another_makes_it_infinite() -> None:
    x = np.random.default_rng(0).normal(size=(128, 3)) * [1e30, 1e-33, 1.0]
    assert [m.value for m in condition_numbers(x, ["a", "b", "c"])] == [np.inf] * 2
