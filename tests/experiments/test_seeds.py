"""The range of the seeds decides what is a difference."""

from __future__ import annotations

import doctest
import math

import pytest
from benchmarks import results
from experiments import paper_tables, seeds
from experiments.seeds import apart, middle, spread, verdict


@pytest.mark.parametrize("module", [results, paper_tables, seeds], ids=lambda m: m.__name__)
def test_examples(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0


def test_never_is_more_than_any_number() -> None:
    assert middle([1, None, None]) == math.inf
    assert verdict([1, 2], [3, None]) == "held"
    assert verdict([1, None], [3, None]) == "within the spread"
    assert verdict([None], [3]) == "the contrary"


def test_ranges_that_touch_are_not_apart() -> None:
    assert apart([1, 2], [2.1, 3])
    assert not apart([1, 2], [2, 3])


def test_one_value_has_no_range() -> None:
    assert spread([0.5], "{:.1f}".format) == "0.5"
    assert spread([None], "{:.1f}".format) == "never"
