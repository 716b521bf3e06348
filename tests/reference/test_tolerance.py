"""The comparison fails when it should."""

import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance


def test_close_values_pass():
    assert_close([1.0, 2.0 + 1e-7], [1.0, 2.0], 1e-6)
    assert_close(np.zeros((0, 3)), np.zeros((0, 3)), 0.0)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ([1.0, 2.1], [1.0, 2.0], r"relative error 0\.05, allowed 1e-06"),
        ([1e-5], [0.0], "relative error 1e-05"),
        ([1.0, np.nan], [1.0, 2.0], "1 of 2 values are not finite"),
        ([np.inf], [np.inf], "the reference is not finite"),
        ([1.0, 2.0], [[1.0, 2.0]], r"shape \(2,\), expected \(1, 2\)"),
        ([1.0], [1.0, 1.0], r"shape \(1,\), expected \(2,\)"),
    ],
)
def test_what_is_not_close_fails(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected, 1e-6)


def test_tolerance_grows_with_rows_conditioning_and_epsilon():
    assert tolerance("float32") == 3 * 2**-23
    assert tolerance("float32", n=100) == 12 * 2**-23
    assert tolerance("float16", conditioning=2.0) == 6 * 2**-10
    assert tolerance("float64") < tolerance("float32") < tolerance("float16") < tolerance("bfloat16")
