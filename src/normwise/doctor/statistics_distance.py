"""Distance: how far a layer's moving statistics are from those of data, beyond what chance explains."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from normwise.core.column_statistics import Floats
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.core.moments import Moments, merge
from normwise.doctor.sampling import (
    Channels,
    batch_values,
    channels,
    mean_error,
    shift,
    spread,
    variance_error,
    with_chance,
)


@dataclasses.dataclass(frozen=True)
class Distance:
    """How far moving statistics are off.

    Args:
        shift: Median over the channels of the distance of the means, in σ.
        spread: Median over the channels of the factor between the variances, 1 or more.
        shift_threshold: From where on `shift` is far.
        spread_threshold: From where on `spread` is.
        channels: How many channels.
    """

    shift: float
    spread: float
    shift_threshold: float
    spread_threshold: float
    channels: int

    @property
    def is_far(self) -> bool:
        """Whether the means or the variances are far apart."""
        return self._by_shift or self.spread > self.spread_threshold

    @property
    def _by_shift(self) -> bool:
        return self.shift > self.shift_threshold

    @property
    def value(self) -> float:
        """What is far."""
        return self.shift if self._by_shift else self.spread

    @property
    def threshold(self) -> float:
        """Its threshold."""
        return self.shift_threshold if self._by_shift else self.spread_threshold

    @property
    def unit(self) -> str:
        """Its unit."""
        return "σ" if self._by_shift else "times the variance"

    def sentence(self, path: str) -> str:
        """Both distances in words, without a full stop."""
        return (
            f"The moving mean of {path} is {self.shift:.2g} σ off the mean of what it takes, and the moving"
            " variance"
            f" off by a factor of {self.spread:.3g} (medians of {self.channels}"
            f" channel{'s' * (self.channels != 1)})"
        )


def distance(
    evidence: Evidence,
    calls: Sequence[NormalizationEvidence],
    shift_threshold: float,
    spread_threshold: float,
) -> Distance:
    """The distance of the moving statistics of one layer from what it takes in training.

    A layer that is called more than once is compared with the average over its calls, as its moving average
    takes one after the other, or with all that its calls take together, which is what recalibrating sets.
    With noise and dropout, since the moving average saw them, or without, as recalibrated statistics are:
    those are near that are near to one of these.

    Args:
        evidence: The evidence, for the batch size.
        calls: The layer's calls.
        shift_threshold: Of the means, in σ, chance left out.
        spread_threshold: Of the variances, a factor, chance left out.
    """

    found = [
        _distance(evidence, calls[0], *statistics, shift_threshold, spread_threshold)
        for statistics in (
            _average([n.noisy_mean for n in calls], [n.noisy_variance for n in calls]),
            _average([n.mean for n in calls], [n.variance for n in calls]),
            _together(calls),
        )
    ]
    return next((one for one in found if not one.is_far), found[0])


def _average(means: list[Floats], variances: list[Floats]) -> tuple[Channels, Channels]:
    """What a moving average, which takes the calls in turn, comes to."""
    return np.mean(channels(means), axis=0), np.mean(channels(variances), axis=0)


def _together(calls: Sequence[NormalizationEvidence]) -> tuple[Channels, Channels]:
    """Mean and variance of what all calls take, without noise: that of the means between calls is in it."""
    parts = [
        Moments(np.full(len(n.mean), n.values), channels(n.mean), n.values * channels(n.variance))
        for n in calls
    ]
    all_of_them = functools.reduce(merge, parts)
    return all_of_them.mean, all_of_them.variance()


def _distance(
    evidence: Evidence,
    n: NormalizationEvidence,
    mean: Channels,
    variance: Channels,
    shift_threshold: float,
    spread_threshold: float,
) -> Distance:
    """The distance from this mean and variance."""
    batch = batch_values(evidence, n)
    # The moving variance averages variances that divide by b: it is expected at 1 − 1/b of all.
    # Of one value it is 0, and small-batch tells it.
    divided = -math.log1p(-1 / batch) if batch > 1 else math.inf
    return Distance(
        shift(n, mean, variance),
        spread(n, variance),
        with_chance(shift_threshold, mean_error(evidence, n)),
        math.exp(with_chance(math.log(spread_threshold) + divided, variance_error(evidence, n))),
        len(n.moving_mean),
    )
