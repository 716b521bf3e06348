"""What several seeds gave, as one number with its range; None stands for what is not finite or never came."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median


def numbers(values: Iterable[float | None]) -> list[float]:
    """The values, None as infinity: it is worse than any number of steps, and any loss."""
    return [math.inf if value is None else float(value) for value in values]


def middle(values: Iterable[float | None]) -> float:
    """The median over the seeds."""
    return median(numbers(values))


def spread(values: Iterable[float | None], show: Callable[[float], str]) -> str:
    """The median, and in brackets the range where there is one.

    Example:
        >>> spread([1, 2, 4], "{:g}".format), spread([3, 3], "{:g}".format), spread([1, None], str)
        ('2 (1 to 4)', '3', 'never (1.0 to never)')
    """
    known = numbers(values)

    def shown(value: float) -> str:
        return show(value) if math.isfinite(value) else "never"

    low, mid, high = shown(min(known)), shown(median(known)), shown(max(known))
    return mid if low == high else f"{mid} ({low} to {high})"


def percent(value: float) -> str:
    """A share as it is read."""
    return f"{value:.1%}"


def apart(less: Sequence[float | None], more: Sequence[float | None]) -> bool:
    """Whether every seed of the one is below every seed of the other."""
    return max(numbers(less)) < min(numbers(more))


def verdict(less: Sequence[float | None], more: Sequence[float | None]) -> str:
    """Whether what is claimed to be less is less, beyond the range of the seeds.

    Example:
        >>> verdict([1, 2], [3, 4]), verdict([1, 3.5], [3, 4]), verdict([5, 6], [3, 4])
        ('held', 'within the spread', 'the contrary')
    """
    return "held" if apart(less, more) else "the contrary" if apart(more, less) else "within the spread"
