"""The helper that says two trainings are the same fails where they are not."""

import copy

import pytest
from tests.training.small_training import assert_same, small_arrays, trained


def test_assert_same_fails_for_one_weight_and_for_one_loss():
    x, y, _ = small_arrays()
    found = trained(x, y)
    assert_same(found, copy.deepcopy(found))
    weights, losses = copy.deepcopy(found), copy.deepcopy(found)
    weights[0][0][1, 0] += 1e-6
    losses[1]["loss"][0] += 1e-6
    for other in (weights, losses):
        with pytest.raises(AssertionError):
            assert_same(found, other)
