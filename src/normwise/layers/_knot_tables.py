"""Knots and their probabilities, laid out for a search by bisection and one look-up."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FIELDS = ("start", "end", "rate", "low", "high", "rise", "middle", "middle_above")
"""Of what lies from a knot to the next: see `_rows`."""

Knots = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class KnotTables(NamedTuple):
    """One row a knot, `width` rows a column: first what lies below the first knot, last what lies above.

    `edges` are the knots less the column's `origin`; ∞ after the last. Both tables are flat, column after
    column.
    """

    origin: NDArray[Any]
    edges: NDArray[Any]
    rows: NDArray[Any]
    width: int

    @classmethod
    def of(cls, columns: list[Knots], unseen: float, dtype: str) -> KnotTables:
        """The tables in a precision.

        Args:
            columns: Per column its knots, which rise, and their probabilities from below and from above.
            unseen: The probability that a column without knots has everywhere.
            dtype: ``"float32"`` or ``"float64"``.
        """
        origin = np.array([_origin(knots, dtype) for knots, _, _ in columns], dtype)
        told_apart = [_distinct(c, o, dtype) for c, o in zip(columns, origin, strict=True)]
        # A power of two, so that every step of the bisection is one.
        width = 1 << max(len(knots) for knots, _, _ in told_apart).bit_length()
        edges = np.full((len(columns), width), np.inf, dtype)
        rows = np.zeros((len(columns), width, len(FIELDS)))
        for i, (knots, low, high) in enumerate(told_apart):
            edges[i, 0], edges[i, 1 : len(knots) + 1] = -np.inf, knots
            rows[i, : len(knots) + 1] = _rows(knots, low, high) if len(knots) else _everywhere(unseen)
        largest = float(np.finfo(dtype).max)
        flat = np.minimum(rows, largest).astype(dtype).reshape(-1, len(FIELDS))
        return cls(origin, edges.reshape(-1, 1), flat, width)


def _origin(knots: NDArray[np.float64], dtype: str) -> float:
    """The knot that is nearest to 0, if all others are nearer to it than it is to 0; else 0.

    Subtracting it from any value between the knots is then exact; and where it is 0, floats are finest where
    the knots need it.
    """
    nearest = float(np.abs(knots).min(initial=np.inf)) if len(knots) else 0.0
    far = len(knots) > 0 and float(np.ptp(knots)) < nearest
    return float(knots[np.abs(knots).argmin()].astype(dtype)) if far else 0.0


def _distinct(column: Knots, origin: Any, dtype: str) -> Knots:
    """The knots about their origin, those that `dtype` cannot tell apart made one."""
    knots, low, high = column
    # A tie is met by the values that are equal to it, which arrive in this precision too.
    met = np.where(low < high, knots.astype(dtype), knots)
    about = np.maximum.accumulate((met - np.float64(origin)).astype(dtype)) if len(knots) else met
    first = np.flatnonzero(np.diff(about, prepend=-np.inf) > 0)
    last = np.append(first[1:], len(about)) - 1 if len(first) else first
    return about[first].astype(np.float64), low[first], high[last]


def _rows(knots: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> Any:
    """Row 0 lies below the knots; row k + 1 from knot k to the next one, the last above all.

    Within a row the probability is ``low + rise·(x − start)·rate``, and what is left to 1, as precise near
    its own end, ``high + rise·(end − x)·rate``; at x = start they are `middle` and `middle_above`.
    """
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    start, end = padded[:-1], padded[1:]
    gap = end - start
    rate = np.divide(1.0, gap, out=np.zeros_like(gap), where=gap > 0)
    begin, stop = np.append(0.0, high), np.append(low, 1.0)
    # Nothing rises below the first knot and above the last: there the probability is that of the end.
    begin[-1], stop[0] = 1.0, 0.0
    middle = np.append(0.0, (low + high) / 2)
    above = np.append(1.0, ((1.0 - low) + (1.0 - high)) / 2)
    return np.stack([start, end, rate, begin, 1.0 - stop, stop - begin, middle, above], axis=1)


def _everywhere(probability: float) -> Any:
    p, q = probability, 1.0 - probability
    return np.array([[0.0, 0.0, 0.0, p, q, 0.0, p, q]])
