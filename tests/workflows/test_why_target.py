"""The common target of `why`, against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.core.probe import Series
from normwise.core.why_record import SweepPoint
from normwise.workflows.why_target import (
    best_rate,
    grid_decades,
    lowest,
    steps_to_target,
    target_loss,
)

LOSSES = st.floats(0.0, 1e6)


def sweep(*losses: tuple[float, ...]) -> list[SweepPoint]:
    """Two rates a decade, from 0.01."""
    return [SweepPoint(0.01 * 10 ** (i / 2), values) for i, values in enumerate(losses)]


@given(LOSSES, LOSSES)
def test_the_target_is_within_reach_of_the_best(constant: float, best: float) -> None:
    target = target_loss(constant, best)
    assert target >= best * (1 - 1e-12) - 1e-9
    if best < constant:
        assert (constant - target) == pytest.approx(0.9 * (constant - best), rel=1e-9, abs=1e-9)
    else:
        assert target == best


def test_steps_are_those_before_the_first_measurement_that_is_there() -> None:
    def losses(*values: float) -> Series:
        return Series("validation_loss", "", "", "", tuple(range(0, 5 * len(values), 5)), (), values)

    assert steps_to_target(losses(0.9, 0.5, 0.4, 0.3, 0.9), 0.4) == 10
    assert steps_to_target(losses(0.4, 0.9), 0.4) == 0
    assert math.isnan(steps_to_target(losses(0.9, math.nan), 0.4))


def test_losses_that_did_not_stay_finite() -> None:
    assert math.isnan(lowest([0.1, math.nan]))
    assert math.isnan(lowest([0.1, math.inf]))
    assert lowest([0.3, 0.1, 0.2]) == 0.1


def test_the_best_rate_is_that_of_the_lowest_median_not_of_the_luckiest_seed() -> None:
    lucky = sweep((0.30, 0.30, 0.30), (0.0, 0.5, 0.5), (math.nan, math.nan, 0.1), (0.30, 0.30, 0.30))
    assert best_rate(lucky) == 0.01
    assert best_rate(sweep((math.nan,), (math.nan,))) == 0.01


def test_the_grid_is_known_by_its_spacing() -> None:
    assert grid_decades(sweep((0.9,), (0.2,), (0.1,))) == 0.5
    assert grid_decades(sweep((0.9,))) == 0.0
