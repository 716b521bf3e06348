"""The signed logarithmic axis: linear around zero, logarithmic beyond, for any sign and magnitude."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.report.text import number, power_of_ten


def unit_of(spreads: Sequence[float]) -> float:
    """The power of ten at or below the smallest positive spread, where the axis turns logarithmic.

    Example:
        >>> unit_of([0.0, 0.0026, 569.0])
        0.001
    """
    positive = [s for s in spreads if math.isfinite(s) and s > 0]
    return float(f"1e{math.floor(math.log10(min(positive)))}") if positive else 1.0


def place(value: float, unit: float) -> float:
    """Where a value stands on the axis: sign(x)·log₁₀(1 + |x|/unit).

    Example:
        >>> [round(place(x, 0.1), 3) for x in (-0.1, 0.0, 9.9)]
        [-0.301, 0.0, 2.0]
    """
    return math.copysign(math.log10(1 + abs(value) / unit), value)


def ticks(low: float, high: float, unit: float, limit: int) -> tuple[list[float], list[str]]:
    """Places and labels of at most `limit` marks between two values: zero, and powers of ten.

    Example:
        >>> ticks(0.0, 4000.0, 0.001, limit=5)[1]
        ['0', '0.01', '1', '100']
    """
    first = round(math.log10(unit))
    last = math.floor(math.log10(max(abs(low), abs(high), unit)))
    signs = [s for s, end in ((-1, -low), (1, high)) if end >= unit]
    first = min(first + 1, last)  # the unit itself stands too close to zero
    step = max(1, math.ceil((last - first + 1) * max(1, len(signs)) / max(1, limit - 1)))
    values = [0.0, *(s * 10.0**k for s in signs for k in range(first, last + 1, step))]
    room = (place(high, unit) - place(low, unit)) / (2 * max(1, limit))
    kept: list[float] = []
    for value in sorted(values, key=abs):
        apart = all(abs(place(value, unit) - place(other, unit)) >= room for other in kept)
        if apart and (low <= value <= high or value == 0):
            kept.append(value)
    kept.sort()
    return [place(v, unit) for v in kept], [_label(v) for v in kept]


def _label(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return number(value)
    return ("−" if value < 0 else "") + power_of_ten(round(math.log10(abs(value))))
