"""The assertion that a model is as it was fails where it is not."""

import os

import pytest

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("the networks are those of measurements on JAX", allow_module_level=True)

from tests.insight.two_layer_networks import assert_unchanged, network, state_of


def test_a_change_is_found():
    model = network(normalized=True)
    before = state_of(model)
    assert_unchanged(before)
    model.non_trainable_variables[0].assign_add([1.0] * 10)
    with pytest.raises(AssertionError, match="moving_mean"):
        assert_unchanged(before)
