"""Gradient descent over a plane whose loss is known on a grid."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from normwise.core.descent import WITHIN
from normwise.insight._features import Floats

MOST_STEPS = 3_000
STANDSTILL = 1e-9
"""Of the shorter reach of the plane: a shorter step is none."""
RATES = 2.0 ** (np.arange(-4, 7) / 2)
"""Times 2/s, at which gradient descent is just stable where the curvature is s, the sharpest of the plane:
in a valley that is less sharp larger rates are stable too."""


class Plane(NamedTuple):
    """The loss on a grid: `losses` is (first, second)."""

    first: Floats
    second: Floats
    losses: Floats


class Descents(NamedTuple):
    """Gradient descent from several starts at one rate.

    Args:
        rate: The learning rate.
        lowest: The lowest loss of the plane.
        steps: Steps of each start until it arrived, 1 or more; infinity where it did not.
        paths: (steps + 1, 2) of each start.
    """

    rate: float
    lowest: float
    steps: Floats
    paths: tuple[Floats, ...]


def descend(plane: Plane, starts: int, seed: int) -> Descents:
    """From random starts at the rate, of those tried, at which more than half of them arrive soonest.

    Tried are rates that are stable at the lowest place. Of equals it is the one at which more have arrived,
    then the smaller one.
    """
    from scipy.interpolate import RectBivariateSpline

    spline = RectBivariateSpline(*plane)
    low, high = (np.array([axis[end] for axis in plane[:2]]) for end in (0, -1))
    begin = np.random.default_rng(seed).uniform(low, high, (starts, 2))
    place, lowest = _lowest(spline, plane)
    # Where it is not stable at the lowest place, descents that come there do not stay.
    most_rate = 2 / max(_sharpest(spline, *place), np.finfo(np.float64).tiny)
    goal = lowest + WITHIN * (spline.ev(*begin.T) - lowest)

    def walk(rate: float, enough: int, most: int) -> tuple[Floats, Floats]:
        """Steps until each start arrived, and the places of all after each step, (steps + 1, starts, 2).

        Until `enough` have arrived, `most` steps are taken, or what has not arrived stands still.
        """
        places, steps = [begin], np.full(starts, np.inf)
        for step in range(1, most + 1):
            here = places[-1]
            slope = np.stack([spline.ev(*here.T, dx=1), spline.ev(*here.T, dy=1)], axis=-1)
            places.append(np.clip(here - rate * slope, low, high))
            steps[np.isinf(steps) & (spline.ev(*places[-1].T) <= goal)] = step
            still = np.abs(places[-1] - here).max(axis=1, initial=0.0) <= STANDSTILL * high.min()
            if np.isfinite(steps).sum() >= enough or (still | np.isfinite(steps)).all():
                break
        return steps, np.stack(places)

    half, most = starts // 2 + 1, MOST_STEPS
    tried: list[tuple[float, int, float]] = []
    rates = RATES * 2 / _sharpest(spline, plane.first, plane.second)
    for rate in rates[rates <= most_rate]:
        steps, _ = walk(rate, half, most)
        soonest = np.sort(steps)[half - 1]
        tried.append((float(soonest), int(np.isinf(steps).sum()), float(rate)))
        most = int(min(most, soonest))
    best = min(tried)[2]
    steps, places = walk(best, starts, MOST_STEPS)
    ends = np.where(np.isinf(steps), len(places) - 1, steps).astype(int)
    return Descents(best, lowest, steps, tuple(places[: end + 1, i] for i, end in enumerate(ends)))


def _lowest(spline: Any, plane: Plane) -> tuple[Floats, float]:
    """Where it is and how low, from the lowest place of the grid down the spline."""
    from scipy.optimize import minimize

    i, j = np.unravel_index(np.argmin(plane.losses), plane.losses.shape)
    scale = np.array([plane.first[-1], plane.second[-1]])

    def loss(place: Floats) -> tuple[float, Floats]:
        a, b = place * scale
        slope = np.array([float(spline.ev(a, b, dx=1)), float(spline.ev(a, b, dy=1))])
        return float(spline.ev(a, b)), slope * scale

    start = np.array([plane.first[i], plane.second[j]]) / scale
    found = minimize(loss, start, jac=True, bounds=[(-1, 1), (-1, 1)], method="L-BFGS-B")
    return np.clip(found.x, -1, 1) * scale, min(float(found.fun), float(plane.losses[i, j]))


def _sharpest(spline: Any, first: Floats, second: Floats) -> float:
    """The largest magnitude of a curvature at the places of a grid."""
    across, both, along = (spline(first, second, dx=dx, dy=2 - dx) for dx in (2, 1, 0))
    matrices = np.stack([np.stack([across, both], -1), np.stack([both, along], -1)], -1)
    return float(np.abs(np.linalg.eigvalsh(matrices)).max())
