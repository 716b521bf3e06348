"""`normwise.fit` against `Model.fit`: History, weights, optimizer, metrics, seeds, NumPy's generator."""

import pytest
from tests.training.both_ways import assert_same, both
from tests.training.fit_cases import CASES, SLOW


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES]
)
def test_the_same_as_keras(name):
    case = CASES[name]
    assert_same(*both(case.build, case.data, **case.options))


def test_the_slow_ones_are_cases():
    assert set(SLOW) < set(CASES)
    assert len(set(CASES) - set(SLOW)) >= 25
