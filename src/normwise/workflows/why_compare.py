"""Two variants compared by what their seeds gave: a difference counts only beyond the seeds' spread."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from normwise.core.why_record import Sentence, Variant
from normwise.workflows.why_target import grid_decades

HELPS, HURTS, NO_DIFFERENCE, NOT_MEASURED = "helps", "hurts", "no_difference", "not_measured"
ERRORS = 2.0
"""A difference of metrics within so many standard errors may be the chance of the held-out rows."""
MOST = 0.75
"""One variant reaches the target and another does not, if more than this share of the seeds more reach it."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of some values and their range; what was not reached counts as infinite."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a seed."""
        numbers = [math.inf if math.isnan(value) else value for value in values]
        return cls(float(np.median(numbers)), min(numbers), max(numbers))


def change(before: Spread, after: Spread, least: float) -> float:
    """after − before of the medians, or 0 where it is not certain.

    It is certain if it is more than `least`, and either the ranges do not overlap or it exceeds the wider of
    them.

    Example:
        >>> change(Spread(5.0, 4.0, 6.0), Spread(2.0, 1.0, 3.0), least=1.0)
        -3.0
        >>> change(Spread(5.0, 1.0, 6.0), Spread(2.0, 1.0, 3.0), least=1.0)
        0.0
    """
    difference = after.median - before.median
    apart = after.high < before.low or before.high < after.low
    wider = max(before.high - before.low, after.high - after.low)
    certain = abs(difference) > least and (apart or abs(difference) > wider)
    return difference if certain else 0.0


def metric_error(metric: str, value: float, rows: int) -> float:
    """The standard error of a metric that was measured on so many held-out rows.

    accuracy: sqrt(a (1 − a) / n); r2: 2 sqrt(r2) (1 − r2) / sqrt(n), of a large sample.

    Source: Olkin & Finn 1995, "Correlations redux", Psychological Bulletin 118, 155-164, for r2.

    Example:
        >>> metric_error("accuracy", 0.9, 100)
        0.03
    """
    if metric == "accuracy":
        return round(math.sqrt(value * (1 - value) / rows), 12)
    share = min(max(value, 0.0), 1.0)
    return 2 * math.sqrt(share) * (1 - share) / math.sqrt(rows)


def compare_steps(
    subject: str, before: Variant, after: Variant, budget: float, resolution: float
) -> Sentence:
    """What became of the steps to the target.

    Where steps go with 1/rate, a best rate that is one place off on the grid makes a factor of its spacing: a
    smaller one is none.
    """
    old, new = (Spread.of([t.steps_to_target for t in v.trainings]) for v in (before, after))
    seeds = len(before.trainings)
    old_missed, new_missed = (
        sum(math.isnan(t.steps_to_target) for t in v.trainings) for v in (before, after)
    )
    numbers = _numbers(old, new, seeds) | {
        "budget": budget,
        "resolution": resolution,
        "factor": 10 ** grid_decades(before.sweep),
        "before_missed": float(old_missed),
        "after_missed": float(new_missed),
        "ratio": old.median / new.median if 0 < new.median < math.inf else math.nan,
    }
    finding, effect = _steps(old, new, numbers)
    return Sentence(f"{subject}_steps_{finding}", numbers, {}, effect)


def _steps(old: Spread, new: Spread, numbers: dict[str, float]) -> tuple[str, str]:
    if math.isinf(old.median) and math.isinf(new.median):
        return NOT_MEASURED, NOT_MEASURED
    fewer_missed = numbers["before_missed"] - numbers["after_missed"]
    if abs(fewer_missed) > MOST * numbers["seeds"]:
        return ("reaches", HELPS) if fewer_missed > 0 else ("no_longer_reaches", HURTS)
    if math.isinf(old.median) or math.isinf(new.median):
        return "undecided", NO_DIFFERENCE
    less, more = sorted((old.median, new.median))
    alike = more <= less * numbers["factor"]
    effect = NO_DIFFERENCE if alike else _effect(-change(old, new, numbers["resolution"]))
    return effect, effect


def compare_metric(subject: str, before: Variant, after: Variant, metric: str, rows: int) -> Sentence:
    """What became of the metric on the held-out rows."""
    values = [[t.metric for t in v.trainings] for v in (before, after)]
    old, new = (Spread.of(v) for v in values)
    numbers = _numbers(old, new, len(before.trainings)) | {"rows": float(rows)}
    if not np.isfinite(values).all():
        shown = {name: math.nan if math.isinf(n) else n for name, n in numbers.items()}
        return Sentence(f"{subject}_metric_{NOT_MEASURED}", shown, {"metric": metric}, NOT_MEASURED)
    error = max(metric_error(metric, spread.median, rows) for spread in (old, new))
    numbers |= {"difference": new.median - old.median, "error": error}
    effect = _effect(change(old, new, ERRORS * error))
    return Sentence(f"{subject}_metric_{effect}", numbers, {"metric": metric}, effect)


def compare_rates(
    subject: str, before: Variant, after: Variant, tolerance: float, resolution: float
) -> Sentence:
    """What became of the usable learning rates: a difference of one rate that was tried is none."""
    old, new = before.usable_decades, after.usable_decades
    numbers = {
        "before": old,
        "after": new,
        "resolution": resolution,
        "tolerance": tolerance,
        "low": before.sweep[0].learning_rate,
        "high": before.sweep[-1].learning_rate,
    }
    difference = new - old
    effect = _effect(difference if abs(difference) > 1.5 * resolution else 0.0)
    return Sentence(f"{subject}_rates_{effect}", numbers, {}, effect)


def _effect(gain: float) -> str:
    return HELPS if gain > 0 else HURTS if gain < 0 else NO_DIFFERENCE


def _numbers(old: Spread, new: Spread, seeds: int) -> dict[str, float]:
    return {
        "before": old.median,
        "after": new.median,
        "before_low": old.low,
        "before_high": old.high,
        "after_low": new.low,
        "after_high": new.high,
        "seeds": float(seeds),
    }
