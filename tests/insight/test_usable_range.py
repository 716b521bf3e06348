"""Usable ranges of learning rates and of initialization scales."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.insight import initialization_scales, usable_range
from normwise.insight.usable_range import median_loss

THIRDS = [10 ** (k / 3 - 4) for k in range(16)]


def test_cells_of_an_even_grid_are_counted():
    losses = [[0.9]] * 16
    losses[5:9] = [[0.2], [0.1], [0.2], [0.21]]
    assert usable_range(THIRDS, losses, 0.2) == pytest.approx(1.0)
    assert usable_range(THIRDS, losses, 0.1) == pytest.approx(1 / 3)
    assert usable_range(THIRDS, losses, 0.05) == 0.0
    assert usable_range(THIRDS, losses, 0.9) == pytest.approx(16 / 3)


def test_cells_of_an_uneven_grid_reach_halfway():
    # Cells, in decades: 1 outwards and inwards of the first; ½ + 1; 1 + 1.
    values, low, high = [1.0, 10.0, 1000.0], [0.0], [1.0]
    assert usable_range(values, [low, high, high], 0.5) == pytest.approx(1.0)
    assert usable_range(values, [high, low, high], 0.5) == pytest.approx(1.5)
    assert usable_range(values, [high, high, low], 0.5) == pytest.approx(2.0)


def test_the_median_of_the_seeds_decides_and_what_did_not_stay_finite_is_no_use():
    nan, inf = np.nan, np.inf
    losses = [[0.1, 0.1, 9.0], [0.1, nan, inf], [nan, 0.1, 0.1]]
    assert usable_range([1.0, 10.0, 100.0], losses, 0.2) == pytest.approx(2.0)
    assert median_loss([0.1, inf, inf]) == inf


@given(st.floats(1e-6, 1e6), st.lists(st.floats(0, 1), min_size=2, max_size=12), st.integers(1, 4))
def test_it_is_of_ratios_and_seldom_off_by_more_than_a_cell(unit, ends, per_decade):
    """A smooth loss whose usable range is known: off by a cell at most, half at each end."""
    grid = 10 ** (np.arange(-6 * per_decade, 6 * per_decade + 1) / per_decade)
    left, right = -5 * min(ends), 5 * max(ends)
    losses = [[0.0 if left <= np.log10(v) <= right else 1.0] for v in grid]
    width = usable_range(unit * grid, losses, 0.5)
    assert abs(width - (right - left)) <= 1 / per_decade + 1e-9


def test_initialization_scales_are_trained_and_told():
    tried = []

    def train(scale):
        tried.append(scale)
        return [scale, 2 * scale, np.nan if scale > 5 else 3 * scale]

    curve, width = initialization_scales(train, [0.1, 1.0, 10.0], 2.0, "raw")
    assert tried == [0.1, 1.0, 10.0]
    assert curve.y == (0.2, 2.0, 20.0)
    assert curve.low == (0.1, 1.0, 10.0)
    assert curve.high == (pytest.approx(0.3), 3.0, np.inf)
    assert (curve.variant, curve.x_name, width.variant, width.unit) == (
        *("raw", "initialization scale"),
        *("raw", "decades"),
    )
    assert width.value == pytest.approx(2.0)
    assert "at most 2;" in width.definition


def test_what_is_no_range():
    with pytest.raises(ValueError, match=r"the values are \[1.0\]; expected two or more that rise"):
        usable_range([1.0], [[0.1]], 1.0)
    with pytest.raises(ValueError, match=r"the values are \[1.0, 1.0\]"):
        usable_range([1.0, 1.0], [[0.1], [0.1]], 1.0)
    with pytest.raises(ValueError, match=r"the values are \[0.0, 1.0\]"):
        usable_range([0.0, 1.0], [[0.1], [0.1]], 1.0)
    with pytest.raises(ValueError, match="there are 2 values and 1 rows of losses"):
        usable_range([1.0, 2.0], [[0.1]], 1.0)
