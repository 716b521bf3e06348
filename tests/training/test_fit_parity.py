"""`normwise.fit` against `Model.fit`: History, weights, optimizer, metrics, seeds, NumPy's generator."""

import pytest
from tests.training.both_ways import assert_same, both
from tests.training.fit_cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_the_same_as_keras(name):
    case = CASES[name]
    ours, theirs = both(case.build, case.data, **case.options)
    assert_same(ours, theirs)
