"""usable_range: how many powers of ten of learning rates, or of initialization scales, are of use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from normwise.insight._features import Floats


def usable_range(values: Sequence[float], losses: Sequence[Sequence[float]], limit: float) -> float:
    """The width, in powers of ten, of the values whose median loss over the seeds is at most `limit`.

    Each value that was tried stands for its cell: halfway to its neighbours, in the logarithm; the first and
    the last reach as far outwards as inwards. So a single usable value of a grid of three a decade is a third
    of a decade, and the width is known to a cell. Usable values need not be side by side. A loss that is NaN
    counts as infinite.

    Args:
        values: What was tried, rising, above 0; two or more.
        losses: For each value the losses of its seeds.
        limit: The highest loss that is of use.

    Raises:
        ValueError: If the values do not rise from above 0, are fewer than two, or not as many as the losses.

    Example:
        >>> usable_range([0.01, 0.1, 1.0, 10.0], [[0.4], [0.1], [0.2], [float("nan")]], limit=0.2)
        2.0
    """
    tried = np.asarray(values, np.float64)
    if len(tried) < 2 or not (tried > 0).all() or not (np.diff(tried) > 0).all():
        raise ValueError(f"the values are {list(values)}; expected two or more that rise, from above 0")
    if len(losses) != len(tried):
        raise ValueError(f"there are {len(tried)} values and {len(losses)} rows of losses; expected as many")
    usable = np.array([median_loss(seeds) <= limit for seeds in losses])
    return float(_cells(np.log10(tried))[usable].sum())


def median_loss(losses: Iterable[float]) -> float:
    """The median over seeds, a loss that is NaN counting as infinite.

    Example:
        >>> median_loss([0.1, math.nan, 0.3]), median_loss([0.1, math.nan, math.nan])
        (0.3, inf)
    """
    return float(np.median(np.nan_to_num(list(losses), nan=math.inf, posinf=math.inf)))


def _cells(places: Floats) -> Floats:
    """The width of each place's cell."""
    gaps = np.diff(places)
    widths: Floats = (np.concatenate([gaps[:1], gaps]) + np.concatenate([gaps, gaps[-1:]])) / 2
    return widths
