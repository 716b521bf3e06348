"""Columns of a table on any engine as if they were one array, so that a formula is written once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from normwise.core.normal_distribution import Operations


class Steps:
    """A frame that grows, step by step, the columns which a formula needs more than once.

    An expression that another one holds twice is built and computed twice, and so on in powers of two: what
    is used again becomes a column first.
    """

    def __init__(self, frame: nw.LazyFrame[Any]) -> None:
        self.frame = frame
        self.made: list[str] = []

    def let(self, columns: Columns) -> Columns:
        """The columns, computed once however often they are used."""
        taken = set(self.frame.collect_schema())
        first = len(self.made)
        names = [f"normwise {first + i}" for i in range(len(columns.parts))]
        while not taken.isdisjoint(names):
            names = [f"{name}_" for name in names]
        self.frame = self.frame.with_columns(
            part.alias(name) for part, name in zip(columns.parts, names, strict=True)
        )
        self.made += names
        return Columns([nw.col(name) for name in names], self)


class Columns:
    """One expression a column; arithmetic is column by column, constants are one number or one a column."""

    def __init__(self, parts: Sequence[nw.Expr], steps: Steps) -> None:
        self.parts = list(parts)
        self.steps = steps

    def each(self, function: Callable[..., nw.Expr], *others: Any) -> Columns:
        """A function of each column and of what belongs to it."""
        spread = (_spread(other, len(self.parts)) for other in others)
        return Columns([function(*parts) for parts in zip(self.parts, *spread, strict=True)], self.steps)

    def __add__(self, other: Any) -> Columns:
        return self.each(operator.add, other)

    def __sub__(self, other: Any) -> Columns:
        return self.each(operator.sub, other)

    def __mul__(self, other: Any) -> Columns:
        return self.each(operator.mul, other)

    def __truediv__(self, other: Any) -> Columns:
        return self.each(operator.truediv, other)

    def __radd__(self, other: Any) -> Columns:
        return self.each(lambda part, value: value + part, other)

    def __rsub__(self, other: Any) -> Columns:
        return self.each(lambda part, value: value - part, other)

    def __rmul__(self, other: Any) -> Columns:
        return self.each(lambda part, value: value * part, other)

    def __rtruediv__(self, other: Any) -> Columns:
        return self.each(lambda part, value: value / part, other)

    def __neg__(self) -> Columns:
        return self * -1.0

    def __lt__(self, other: Any) -> Columns:
        return self.each(operator.lt, other)

    def __le__(self, other: Any) -> Columns:
        return self.each(operator.le, other)

    def __gt__(self, other: Any) -> Columns:
        return self.each(operator.gt, other)

    def __or__(self, other: Any) -> Columns:
        return self.each(operator.or_, other)

    def __invert__(self) -> Columns:
        return self.each(operator.invert)

    def equals(self, other: Any) -> Columns:
        """Where each column equals a value."""
        return self.each(operator.eq, other)


def _spread(value: Any, count: int) -> Sequence[Any]:
    if isinstance(value, Columns):
        return value.parts
    if callable(value):
        return [value] * count
    numbers: list[float] = np.broadcast_to(np.asarray(value, np.float64), (count,)).tolist()
    return numbers


def where(condition: Columns, then: Any, otherwise: Any) -> Columns:
    """One column where a condition holds, another elsewhere."""
    return condition.each(lambda c, a, b: nw.when(c).then(a).otherwise(b), then, otherwise)


def clip(y: Columns, low: float, high: float) -> Columns:
    """The columns within limits, their NaN kept: to most engines NaN is larger than any number."""
    return where((y - y).equals(0.0), y.each(lambda part: part.clip(low, high)), y)


EXPRESSIONS = Operations(
    where,
    lambda y: y.each(nw.Expr.sqrt),
    lambda y: y.each(nw.Expr.log),
    lambda y: y.each(nw.Expr.exp),
    lambda y: y.each(nw.Expr.abs),
    lambda y: y.steps.let(y),
)
"""What `normwise.core.normal_distribution` needs, for columns of any engine."""


def log1p(x: Columns) -> Columns:
    """log(1 + x), to the last digits for small x too, by the operations that every engine has.

    Source:
        Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", theorem 4.
    """
    u = EXPRESSIONS.let(x + 1.0)
    tiny = u.equals(1.0)
    safe = EXPRESSIONS.let(where(tiny, 2.0, u))
    return where(tiny, x, EXPRESSIONS.log(safe) * x / (safe - 1.0))


def expm1(x: Columns) -> Columns:
    """exp(x) − 1, likewise; Kahan's rearrangement of it."""
    x = EXPRESSIONS.let(x)
    u = EXPRESSIONS.let(EXPRESSIONS.exp(x))
    plain = u.equals(1.0) | (u - 1.0).equals(-1.0) | (x > 1.0)
    safe = EXPRESSIONS.let(where(plain, 2.0, u))
    return where(plain, where(u.equals(1.0), x, u - 1.0), (safe - 1.0) * x / EXPRESSIONS.log(safe))
