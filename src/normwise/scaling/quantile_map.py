"""The empirical distribution of each column as a map to [0, 1] or to a normal distribution, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from normwise.core.normal_distribution import probability, quantile
from normwise.scaling.engines import EXPRESSIONS, Columns, clip, where

Vector = NDArray[np.float64]
TAIL = 1e-7
"""A probability is at least so far from 0 and from 1 before it becomes a normal quantile: within ±5.2."""


class Knots(NamedTuple):
    """A column's distinct quantiles, and the probability below and up to each: the two differ for a tie.

    Args:
        values: Ascending; empty for a constant column, which becomes 0.
        low: The share of the rows below each.
        high: The share of the rows up to each.
    """

    values: Vector
    low: Vector
    high: Vector

    @classmethod
    def of(cls, quantiles: Vector, probabilities: Vector) -> Knots:
        """The knots of quantiles that are in order.

        Example:
            >>> Knots.of(np.array([0.0, 0.0, 0.0, 5.0]), np.array([0.0, 0.25, 0.75, 1.0]))
            Knots(values=array([0., 5.]), low=array([0., 1.]), high=array([0.75, 1.  ]))
        """
        values, first = np.unique(quantiles, return_index=True)
        last = np.append(first[1:], len(quantiles)) - 1
        return cls(values, probabilities[first], probabilities[last])


class QuantileMap(NamedTuple):
    """Linear between the knots; the middle of its two probabilities at a knot; 0 and 1 beyond the ends."""

    knots: tuple[Knots, ...]
    normal: bool
    by_block: bool = True

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64."""
        out = np.empty_like(block)
        for i, knots in enumerate(self.knots):
            out[:, i] = _probability(block[:, i], knots)
        if self.normal:
            out = ndtri(np.clip(out, TAIL, 1.0 - TAIL))
            for i in self._constants():
                out[:, i] = np.where(np.isnan(block[:, i]), np.nan, 0.0)
        return out

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        x = EXPRESSIONS.let(x)
        parts = [
            _probability_expression(part, knots) for part, knots in zip(x.parts, self.knots, strict=True)
        ]
        y = Columns(parts, x.steps)
        if self.normal:
            known = EXPRESSIONS.let(y)
            y = quantile(EXPRESSIONS.let(clip(known, TAIL, 1.0 - TAIL)), operations=EXPRESSIONS)
            flat = np.array([0.0 if i in self._constants() else 1.0 for i in range(len(parts))])
            y = y * flat
        return where((x - x).equals(0.0), y, x)

    def _constants(self) -> list[int]:
        return [i for i, knots in enumerate(self.knots) if not len(knots.values)]


class QuantileMapInverse(NamedTuple):
    """The quantile of each probability, linear between the knots; the constant of a constant column."""

    quantiles: NDArray[np.float64]
    probabilities: Vector
    constants: Vector
    normal: bool
    by_block: bool = True

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64."""
        p = _to_the_ends(ndtr(block), np.where) if self.normal else block
        out = np.empty_like(block)
        for i, quantiles in enumerate(self.quantiles):
            if np.isnan(self.constants[i]):
                out[:, i] = np.interp(p[:, i], self.probabilities, quantiles)
            else:
                out[:, i] = np.where(np.isnan(p[:, i]), np.nan, self.constants[i])
        return out

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        x = EXPRESSIONS.let(x)
        if self.normal:
            p = EXPRESSIONS.let(_to_the_ends(EXPRESSIONS.let(probability(x, EXPRESSIONS)), where))
        else:
            p = x
        parts = [
            _piecewise(part, self.probabilities, q, q) if np.isnan(constant) else part * 0.0 + float(constant)
            for part, q, constant in zip(p.parts, self.quantiles, self.constants.tolist(), strict=True)
        ]
        return where((x - x).equals(0.0), Columns(parts, x.steps), x)


def _to_the_ends(p: Any, where: Any) -> Any:
    """0 and 1 where the forward map cut probabilities off, float32's rounding of ±5.2 allowed for."""
    near = TAIL * 1.00001
    return where(p <= near, 0.0, where(p > 1.0 - near, 1.0, p))


def _probability(x: Vector, knots: Knots) -> Vector:
    if not len(knots.values):
        return np.where(np.isnan(x), np.nan, 0.0)
    ties = knots.low != knots.high
    if not ties.any():
        return np.asarray(np.interp(x, knots.values, knots.low))
    # Each knot twice: np.interp steps from the one probability to the other there.
    p = np.asarray(np.interp(x, np.repeat(knots.values, 2), np.ravel((knots.low, knots.high), order="F")))
    tied, middle = knots.values[ties], (knots.low[ties] + knots.high[ties]) / 2
    at = np.minimum(np.searchsorted(tied, x), len(tied) - 1)
    return np.where(tied[at] == x, middle[at], p)


def _probability_expression(x: nw.Expr, knots: Knots) -> nw.Expr:
    if not len(knots.values):
        return x * 0.0
    ties = {float(v): float((a + b) / 2) for v, a, b in zip(*knots, strict=True) if a != b}
    p = _piecewise(x, knots.values, knots.high, knots.low)
    for value, middle in ties.items():
        p = nw.when(x == value).then(middle).otherwise(p)
    return p


def _piecewise(x: nw.Expr, at: Vector, rising: Vector, arriving: Vector) -> nw.Expr:
    """Linear from (at[k], rising[k]) to (at[k + 1], arriving[k + 1]), by a tree of comparisons."""

    def segment(k: int) -> nw.Expr:
        slope = float((arriving[k + 1] - rising[k]) / (at[k + 1] - at[k]))
        return (x - float(at[k])) * slope + float(rising[k])

    def tree(first: int, last: int) -> nw.Expr:
        if last - first == 1:
            return segment(first)
        middle = (first + last) // 2
        return nw.when(x < float(at[middle])).then(tree(first, middle)).otherwise(tree(middle, last))

    low, high = float(arriving[0]), float(rising[-1])
    inner = nw.when(x > float(at[-1])).then(high).otherwise(tree(0, len(at) - 1))
    return nw.when(x < float(at[0])).then(low).otherwise(inner)
