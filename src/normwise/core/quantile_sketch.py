"""QuantileSketch: the quantiles of any number of values from a few thousand, with a certain bound."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.core.errors import RecordError
from normwise.core.records import Record

Values = NDArray[np.float64]
FOLD = 3
"""One value of so many stands for all of them. Odd, so that there is one in the middle."""
SMALLEST = FOLD
CHUNK = 1 << 13
"""Values sorted at once: few enough to stay in the processor's cache."""
DEEPEST = 40
"""Levels that a saved sketch may have: the weights of more would not fit in 64 bits."""
NOTHING = np.empty(0)


@dataclasses.dataclass(frozen=True)
class QuantileSketch(Record):
    """Some of the values of one column, each standing for 3ʰ neighbours, merged in any order.

    Level h holds sorted values of weight ``3ʰ``. A level of more than `size` values is *collapsed*: of each
    three neighbours the middle one moves up a level. Up to two, the largest, have no third and stay.

    The bound. Let R(x) be how many values are ≤ x, and E(x) the sum of the weights of the kept values ≤ x. A
    collapse at weight w puts the middle one of three neighbours, with weight 3w, in their place. Only the
    three around x matter: 0, 1, 2 or 3 of them are ≤ x, and E then counts 0, 0, 3w or 3w instead of 0, w, 2w
    or 3w. So each collapse moves E(x) by at most w, whatever the data, and

        |E(x) − R(x)| ≤ error = Σ w over all collapses, for every x, and so for the values < x.

    A merge adds the errors of both sides. `quantile` goes in a line from one kept value to the next, which
    adds at most half the larger weight. Hence, counted and not assumed,

        rank_error = (error + (w + 1)/2)/count, w the largest weight;  0 while nothing was collapsed.

    A collapse takes `size` − 1 values at least, so before any value is seen, and for every order of merges,

        rank_error ≤ (2.5 + log₃(count/size))/(size − 1) + 1/count:

    2.7e-3 for 50 million values at size 4,096. The error that is met is mostly a few times smaller, because
    middle values are off to either side alike. At most ``size·(2 + log₃(count/size))`` values are kept.

    Args:
        size: The most values that a level keeps; so many values at least are exact.
        count: How many values were seen.
        error: Σ w over all collapses, in values.
        minimum: The smallest value seen, exactly; +inf where there is none, which changes no minimum.
        maximum: The largest; −inf where there is none.
        levels: The kept values as bytes (float64, little-endian, sorted), level by level.

    Example:
        >>> sketch = QuantileSketch.of(np.arange(1001.0), size=100)
        >>> sketch.quantile([0.0, 0.5, 1.0]).tolist(), round(sketch.rank_error, 3)
        ([0.0, 500.0, 1000.0], 0.027)
        >>> halves = QuantileSketch.of([1.0, 2.0]).merge(QuantileSketch.of([3.0, 4.0]))
        >>> halves.quantile(0.5), halves.cdf(2.0), halves.rank_error
        (array(2.5), array(0.5), 0.0)

    Source:
        Manku, Rajagopalan & Lindsay 1998, "Approximate medians and other order statistics in one pass and
        with limited memory", §3 (COLLAPSE); here three by three, and the bound is counted, not assumed.
    """

    size: int
    count: int = 0
    error: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    levels: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise ValueError(f"a quantile sketch has size={self.size}; expected {SMALLEST} or more")

    @classmethod
    def of(cls, values: ArrayLike, size: int = 4096) -> Self:
        """The sketch of an array of finite values; `update` says what it raises."""
        return cls(size).update(values)

    @classmethod
    def empty(cls, size: int = 4096) -> Self:
        """The sketch of no values: the neutral element of `merge`."""
        return cls(size)

    def update(self, values: ArrayLike) -> Self:
        """The sketch of the values seen so far and of these.

        Args:
            values: Finite numbers in an array of any shape.

        Raises:
            ValueError: If one is NaN or infinite: leave those out, they have no rank.
        """
        array = np.asarray(values)
        # float32 sorts twice as fast, and widens without loss.
        array = array.ravel() if array.dtype == np.float32 else array.ravel().astype(np.float64, copy=False)
        sketch = self
        for start in range(0, len(array), CHUNK):
            # Plus 0, so that −0 is 0 and equal sketches have equal bytes.
            chunk = np.sort(array[start : start + CHUNK]).astype(np.float64) + 0.0
            low, high = float(chunk[0]), float(chunk[-1])
            if not (math.isfinite(low) and math.isfinite(high)):
                raise ValueError(
                    f"a quantile sketch takes finite values, got {low if math.isinf(low) else high}; leave"
                    " NaN and infinities out"
                )
            sketch = sketch._joined([chunk], len(chunk), 0, low, high, self.size)
        return sketch

    def merge(self, other: QuantileSketch) -> Self:
        """The sketch of the values of both. Of two sizes it has the smaller one.

        ``a.merge(b) == b.merge(a)``. Another grouping of many sketches may keep other values; the bound holds
        for every one.
        """
        size = min(self.size, other.size)
        return self._joined(other._arrays(), other.count, other.error, other.minimum, other.maximum, size)

    def _joined(
        self, levels: list[Values], count: int, error: int, minimum: float, maximum: float, size: int
    ) -> Self:
        if not count and size == self.size:
            return self
        pairs = itertools.zip_longest(self._arrays(), levels, fillvalue=NOTHING)
        settled, added = _settle([_union(a, b) for a, b in pairs], size)
        return type(self)(
            size,
            self.count + count,
            self.error + error + added,
            min(self.minimum, minimum),
            max(self.maximum, maximum),
            settled,
        )

    def _arrays(self) -> list[Values]:
        return [np.frombuffer(level, "<f8") for level in self.levels]

    @property
    def rank_error(self) -> float:
        """What `cdf`, and the ranks of `quantile`, are off by at most: certain, as a share of `count`."""
        if not self.error:
            return 0.0
        heaviest = FOLD ** max(h for h, level in enumerate(self.levels) if level)
        return float((self.error + (heaviest + 1) / 2) / self.count)

    def points(self) -> tuple[Values, Values]:
        """The kept values, sorted, and how many values each stands for."""
        arrays = self._arrays()
        values = np.concatenate([NOTHING, *arrays])
        order = np.argsort(values, kind="stable")
        weights = np.repeat(float(FOLD) ** np.arange(len(arrays)), [len(a) for a in arrays])
        return values[order], weights[order]

    def cdf(self, x: ArrayLike) -> Values:
        """The share of values ≤ x, for each x; NaN where x is NaN, or no value was seen."""
        at = np.asarray(x, np.float64)
        values, weights = self.points()
        below = np.concatenate([[0.0], np.cumsum(weights)])[np.searchsorted(values, at, side="right")]
        return np.where(np.isnan(at), np.nan, below / self.count if self.count else np.nan)

    def quantile(self, probabilities: ArrayLike) -> Values:
        """The quantiles, by linear interpolation between the kept values: `numpy.quantile`'s while exact.

        A kept value stands in the middle of the ranks of its weight; rank 0 is the minimum, rank count − 1
        the maximum.

        Args:
            probabilities: From 0 to 1, an array of any shape.

        Returns:
            An array of that shape, in the values' unit, never falling as the probability grows; NaN where no
            value was seen.

        Raises:
            ValueError: If a probability is not from 0 to 1.
        """
        p = np.asarray(probabilities, np.float64)
        if not np.all((p >= 0) & (p <= 1)):
            raise ValueError(f"probabilities go from 0 to 1, got {p[~((p >= 0) & (p <= 1))].flat[0]}")
        if not self.count:
            return np.full(p.shape, np.nan)
        rank = p * (self.count - 1)
        found = _interpolated(rank, *self._ranks())
        return np.where(rank <= 0, self.minimum, np.where(rank >= self.count - 1, self.maximum, found))

    def _ranks(self) -> tuple[Values, Values]:
        values, weights = self.points()
        middle = np.cumsum(weights) - (weights + 1) / 2
        return (
            np.concatenate([[0.0], middle, [self.count - 1.0]]),
            np.concatenate([[self.minimum], values, [self.maximum]]),
        )

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The sketch in a decoded JSON object.

        Raises:
            RecordError: Also if its values are not sorted, not finite, or not as many as its count.
        """
        try:
            sketch = super().from_dict(data)
            sketch._check_values()
        except ValueError as error:
            raise RecordError(str(error)) from error
        return sketch

    def _check_values(self) -> None:
        if len(self.levels) > DEEPEST or any(len(level) % 8 for level in self.levels):
            lengths = [len(level) for level in self.levels]
            raise RecordError(f"a quantile sketch has levels of {lengths} bytes; expected 8 bytes a value")
        seen = sum(FOLD**h * len(level) // 8 for h, level in enumerate(self.levels))
        if seen != self.count:
            raise RecordError(f"a quantile sketch has count={self.count}, but its values stand for {seen}")
        for h, level in enumerate(self._arrays()):
            if not (np.isfinite(level).all() and (np.diff(level) >= 0).all()):
                raise RecordError(f"level {h} of a quantile sketch is not sorted, or not finite")
        # A value of weight 3ʰ went through one collapse at least on each level below.
        least = sum(FOLD**h for h in range(len(self.levels) - 1))
        if self.error < least or (self.error and len(self.levels) < 2):
            expected = f"{least} or more" if self.error < least else "0, because nothing was collapsed"
            raise RecordError(f"a quantile sketch has error={self.error}; expected {expected}")
        values, _ = self.points()
        if len(values) and not (self.minimum <= values[0] and values[-1] <= self.maximum):
            raise RecordError(
                f"a quantile sketch goes from {self.minimum} to {self.maximum}, but holds {values[0]} and"
                f" {values[-1]}"
            )


def _settle(levels: list[Values], size: int) -> tuple[tuple[bytes, ...], int]:
    """Collapses each level of more than `size` values into the next; and what that adds to the error."""
    settled: list[bytes] = []
    error, carried = 0, NOTHING
    while levels or len(carried):
        values = _union(levels.pop(0) if levels else NOTHING, carried)
        carried = NOTHING
        if len(values) > size:
            whole = len(values) - len(values) % FOLD
            carried, values = values[FOLD // 2 : whole : FOLD], values[whole:]
            error += FOLD // 2 * FOLD ** len(settled)
        settled.append(values.astype("<f8", copy=False).tobytes())
    return tuple(settled), error


def _union(a: Values, b: Values) -> Values:
    if not len(a) or not len(b):
        return a if len(a) else b
    # Two sorted runs: the stable sort only merges them.
    return np.sort(np.concatenate([a, b]), kind="stable")


def _interpolated(rank: Values, ranks: Values, values: Values) -> Values:
    after = np.clip(np.searchsorted(ranks, rank), 1, len(ranks) - 1)
    low, high = values[after - 1], values[after]
    width = ranks[after] - ranks[after - 1]
    share = (rank - ranks[after - 1]) / np.where(width > 0, width, 1.0)
    # By halves, which float64's largest numbers bear; clipped, so that rounding never makes it fall.
    between = (low / 2 + (high / 2 - low / 2) * share) * 2
    return np.clip(between, low, high)
