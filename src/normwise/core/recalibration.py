"""Recalibration: which statistics were set, how far each layer's moved, and what was left as it was."""

from __future__ import annotations

import dataclasses

from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class RecalibratedLayer(Record):
    """One layer whose moving statistics were set to those of the data.

    μ and σ² are the new mean and variance of a channel, μ₀ and σ₀² those from before. Channels that hardly
    vary, σ² = 0, have no σ to measure by and are left out, as are those where μ₀ or σ₀ was no number; where
    all are, the numbers are NaN.

    Args:
        path: The layer's path.
        values: How many values a channel was measured on, positions of images and sequences included; of
            values with weights their sum, and of channels that differ the least.
        calls: How often one batch calls the layer: above 1 it is shared, and its statistics are those of all
            its calls together.
        mean_shift: Median over channels of |μ − μ₀| / σ.
        largest_mean_shift: The largest.
        std_ratio: Median over channels of σ / σ₀.
        smallest_std_ratio: The smallest.
        largest_std_ratio: The largest; infinity where σ₀ was 0.
    """

    path: str
    values: float
    calls: int
    mean_shift: float
    largest_mean_shift: float
    std_ratio: float
    smallest_std_ratio: float
    largest_std_ratio: float


@dataclasses.dataclass(frozen=True)
class SkippedLayer(Record):
    """A layer whose moving statistics were left as they were.

    Args:
        path: The layer's path.
        reason: Why.
    """

    path: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Recalibration(Record):
    """What `normwise.recalibrate` did.

    Args:
        layers: One a layer, in the order in which the model calls them.
        skipped: Those that keep moving statistics and were not recalibrated.
        sequential: Whether each layer was measured with the layers before it computing by their new
            statistics.
        passes: How often the data were gone through.
        batches: The batches of one pass.

    Example:
        >>> moved = RecalibratedLayer("norm", 50.0, 1, 0.1, 0.3, 1.0, 0.9, 1.1)
        >>> found = Recalibration((moved,), (), sequential=False, passes=1, batches=2)
        >>> Recalibration.from_json(found.to_json()) == found
        True
    """

    layers: tuple[RecalibratedLayer, ...]
    skipped: tuple[SkippedLayer, ...]
    sequential: bool
    passes: int
    batches: int
