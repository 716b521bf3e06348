"""The scaling references on numbers worked out by hand."""

import numpy as np
from tests.reference.scaling import by_column, normalized, quantile, standardized, weighted_quantile


def test_standardized_by_hand():
    assert standardized([1.0, 3.0, np.nan], [1.0, 3.0]).tolist()[:2] == [-1.0, 1.0]
    assert standardized([7.0, 8.0], [7.0, 7.0]).tolist() == [0.0, 0.0]


def test_normalized_by_hand():
    assert normalized([2.0, 3.0, 6.0], [2.0, 4.0]).tolist() == [0.0, 0.5, 2.0]
    assert normalized([2.0, 4.0], [2.0, 4.0], low=-1, high=1).tolist() == [-1.0, 1.0]


def test_by_column_keeps_columns_apart():
    assert by_column(normalized, [[0.0, 5.0], [2.0, 15.0]]).tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_weights_by_hand():
    assert standardized([1.0, 3.0, 9.0], [1.0, 3.0, 9.0], weights=[2, 2, 0]).tolist() == [-1.0, 1.0, 7.0]
    assert normalized([1.0, 3.0], [1.0, 2.0, 9.0], weights=[1, 1, 0]).tolist() == [0.0, 2.0]
    # Ranks: 1 at 0 to 1, 2 at 1 to 1.5, 4 at 1.5 to 3; h = 1 for the median.
    assert weighted_quantile([4.0, 1.0, 2.0], [1.5, 1.0, 0.5], 0.5) == 3.0
    assert weighted_quantile([4.0, 1.0, 2.0], [1.5, 1.0, 0.5], 0.25) == 0.5 + 0.5 * 2.0
    assert quantile([1.0, 2.0, 2.0, 4.0], 0.9) == weighted_quantile([1.0, 2.0, 4.0], [1, 2, 1], 0.9)
