"""Powers that make a distribution more symmetric, on blocks of an array and on columns of any table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.scaling.engines import EXPRESSIONS, Columns, expm1, log1p, where

Vector = NDArray[np.float64]
let = EXPRESSIONS.let


class YeoJohnson(NamedTuple):
    """``y = s·((1 + |x|)^l − 1)/l``, s the sign of x, l = λ for x ≥ 0 and 2 − λ below.

    ``s·log(1 + |x|)`` where l = 0, and x itself where l = 1. One λ for the values of 0 and above, one for
    those below: Yeo and Johnson take λ and 2 − λ.

    Source:
        Yeo & Johnson 2000, "A new family of power transformations to improve normality or symmetry", eq. 2.1.
    """

    above: Vector
    below: Vector
    by_block: bool = True

    @classmethod
    def of(cls, lambdas: Vector) -> YeoJohnson:
        """The transformation of these λ, one a column.

        Example:
            >>> YeoJohnson.of(np.array([0.5])).of_block(np.array([[3.0], [0.0], [-3.0]])).ravel()
            array([ 2.        ,  0.        , -4.66666667])
        """
        return cls(lambdas, 2.0 - lambdas)

    @classmethod
    def joined(cls, parts: Sequence[YeoJohnson]) -> YeoJohnson:
        """One transformation of the columns of all, one after the other."""
        return cls(
            np.concatenate([part.above for part in parts]), np.concatenate([part.below for part in parts])
        )

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64."""
        power = np.where(block < 0, self.below, self.above)
        grown = np.log1p(np.abs(block))
        some = np.where(power == 0, 1.0, power)
        size = np.where(power == 0, grown, np.expm1(some * grown) / some)
        # Of a value far from 0, a logarithm and back would cost digits.
        return np.asarray(np.where(power == 1, block, np.copysign(size, block)))

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        x, negative = _signed(x)
        power, some = _powers(negative, self)
        grown = let(log1p(let(EXPRESSIONS.absolute(x))))
        size = where(power.equals(0.0), grown, expm1(some * grown) / some)
        return where(power.equals(1.0), x, where(negative, -size, size))

    def inverse(self) -> YeoJohnsonInverse:
        """The way back."""
        return YeoJohnsonInverse(self.above, self.below)


NO_INVERSE = (
    "has no inverse: it is beyond all that the power of its column gives. Expected values that transform "
    "gave, or such as lie between them."
)
NO_LOGARITHM = (
    'has no log(1 + x). Expected values above −1, as fit did: clip them first, or take method="yeo-johnson".'
)


class YeoJohnsonInverse(NamedTuple):
    """``x = s·((1 + l·|y|)^(1/l) − 1)``; NaN where no x has that y, as l·|y| ≤ −1 there."""

    above: Vector
    below: Vector
    by_block: bool = True
    without_value: str = NO_INVERSE

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64."""
        power = np.where(block < 0, self.below, self.above)
        some = np.where(power == 0, 1.0, power)
        inside = some * np.abs(block)
        with np.errstate(invalid="ignore", divide="ignore"):
            grown = np.where(power == 0, np.abs(block), np.log1p(inside) / some)
        size = np.where((power != 0) & (inside <= -1.0), np.nan, np.expm1(grown))
        return np.asarray(np.where(power == 1, block, np.copysign(size, block)))

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        y, negative = _signed(x)
        power, some = _powers(negative, self)
        size = let(EXPRESSIONS.absolute(y))
        inside = let(where(power.equals(0.0), 0.0, some * size))
        known = let(where(inside <= -1.0, np.nan, inside))
        size = expm1(where(power.equals(0.0), size, log1p(known) / some))
        return where(power.equals(1.0), y, where(negative, -size, size))


class Log1p(NamedTuple):
    """``y = log(1 + x)``, for x > −1."""

    by_block: bool = True
    without_value: str = NO_LOGARITHM

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64; NaN for x ≤ −1."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(block > -1.0, np.log1p(block), np.nan))

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        return log1p(let(where(x <= -1.0, np.nan, x)))


class Expm1(NamedTuple):
    """``x = exp(y) − 1``."""

    by_block: bool = True

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64, in its place."""
        return np.asarray(np.expm1(block, out=block))

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        return expm1(x)


class Then(NamedTuple):
    """One formula after another."""

    first: Any
    second: Any
    by_block: bool = True

    @property
    def without_value(self) -> str:
        """What numbers lack that become NaN, for an error; nothing where all have a value."""
        return str(getattr(self.first, "without_value", "") or getattr(self.second, "without_value", ""))

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64."""
        return np.asarray(self.second.of_block(self.first.of_block(block)))

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        found: Columns = self.second.of_columns(self.first.of_columns(x))
        return found


def _signed(x: Columns) -> tuple[Columns, Columns]:
    """The columns, and where they are negative: to most engines NaN is larger than any number, and is not."""
    x = let(x)
    return x, let(x < 0.0)


def _powers(negative: Columns, formula: YeoJohnson | YeoJohnsonInverse) -> tuple[Columns, Columns]:
    """The power of each value, and one that can be divided by."""
    power = let(where(negative, formula.below, formula.above))
    return power, let(where(power.equals(0.0), 1.0, power))
