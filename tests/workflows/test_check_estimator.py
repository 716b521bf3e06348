"""scikit-learn's own checks of an estimator; those that fail on purpose are listed with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from normwise import TabularClassifier, TabularRegressor

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")]

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row given twice may fall into two batches, or into validation too; a row of weight 2 does not"
    ),
}


@parametrize_with_checks(
    [
        TabularClassifier(random_state=0),
        TabularRegressor(random_state=0),
    ],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learns_check(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
