"""The record of what a probe measured."""

import numpy as np
import pytest

from normwise.core.errors import RecordError
from normwise.core.probe import Series


@pytest.fixture
def series():
    return Series("saturation", "dense", "", "a share", (0, 5), (2,), (0.0, 0.25, float("nan"), 1.0))


def test_values_have_a_row_a_step(series):
    np.testing.assert_array_equal(series.values, [[0.0, 0.25], [np.nan, 1.0]])


def test_it_comes_through_json(series):
    again = Series.from_json(series.to_json())
    np.testing.assert_array_equal(again.values, series.values)
    assert (again.name, again.place, again.steps, again.shape) == ("saturation", "dense", (0, 5), (2,))


def test_a_newer_version_is_refused(series):
    text = series.to_json().replace('"version": 1', '"version": 2')
    with pytest.raises(RecordError, match="has version 2; this normwise reads versions up to 1"):
        Series.from_json(text)
