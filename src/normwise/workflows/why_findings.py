"""What the verdict of `why_table` says of the features and the first layer, before any training."""

from __future__ import annotations

import math
from collections.abc import Iterable

from normwise.core.measurement import Measurement
from normwise.core.saturation import SATURATED_FROM
from normwise.core.why_record import Sentence, Variant, WhyRecord
from normwise.workflows.why_compare import HELPS, HURTS, NO_DIFFERENCE

MUCH = 10.0
"""Standard deviations, or condition numbers, that differ by less than so many times are called alike."""
COLLINEAR = 10.0
"""A variance inflation factor above it is that of a column which the others tell (Marquardt 1970)."""
SHARE = 0.05
"""Shares of saturated activations that differ by less are called alike."""


def findings(record: WhyRecord) -> Iterable[Sentence]:
    """Of what was measured; what was not is left out."""
    yield from _spread(record)
    yield from _condition(record)
    yield from _collinear(record)
    yield from _saturation(record, "saturation", "raw", "scaled")
    yield from _saturation(record, "saturation_normalized", "raw", "raw_bn")


def _spread(record: WhyRecord) -> Iterable[Sentence]:
    """Of the features that vary."""
    known = [f for f in record.features if 0 < f.std < math.inf]
    if len(known) < 2:
        return
    largest, smallest = (pick(known, key=lambda f: f.std) for pick in (max, min))
    spread = largest.std / smallest.std
    words = {"largest": largest.name, "smallest": smallest.name}
    yield Sentence("feature_spread", {"spread": spread}, words, HELPS if spread > MUCH else NO_DIFFERENCE)


def _condition(record: WhyRecord) -> Iterable[Sentence]:
    names = {"condition_number_linear_hessian": "", "linear_descent_steps": "steps_"}
    numbers = {
        f"{names[m.name]}{'before' if m.variant == 'raw' else 'after'}": m.value
        for m in record.measurements
        if m.name in names
    }
    # Of columns that repeat one another both are infinite; the next sentence names one.
    if numbers and math.isfinite(numbers["after"]):
        before, after = numbers["before"], numbers["after"]
        effect = HELPS if before > MUCH * after else HURTS if after > MUCH * before else NO_DIFFERENCE
        yield Sentence("condition_number", numbers, {}, effect)


def _collinear(record: WhyRecord) -> Iterable[Sentence]:
    """Where columns repeat one another: there scaling them one by one cannot make the bowl round."""
    factors = [m for m in record.measurements if m.name == "variance_inflation_factor"]
    kappas = [m.value for m in record.measurements if _is_of_scaled(m, "condition_number_covariance")]
    worst = max(factors, key=lambda m: m.value, default=None)
    if worst is not None and worst.value > COLLINEAR and kappas:
        numbers = {"inflation": worst.value, "condition": kappas[0]}
        yield Sentence("collinear", numbers, {"column": worst.column}, NO_DIFFERENCE)


def _is_of_scaled(measurement: Measurement, name: str) -> bool:
    return measurement.name == name and measurement.variant == "scaled"


def _saturation(record: WhyRecord, key: str, before: str, after: str) -> Iterable[Sentence]:
    # Of relu half the outputs are 0 by design; what is flat on one side alone is not judged by it.
    if record.activation.partition(",")[0] not in SATURATED_FROM:
        return
    variants = {v.name: v for v in record.variants}
    shares = [_first_saturation(variants[name]) for name in (before, after)]
    if shares[0] is None or shares[1] is None:
        return
    gain = shares[0] - shares[1]
    effect = HELPS if gain > SHARE else HURTS if gain < -SHARE else NO_DIFFERENCE
    yield Sentence(key, {"before": shares[0], "after": shares[1]}, {}, effect)


def _first_saturation(variant: Variant) -> float | None:
    """The mean over the units of the first hidden layer, before the first step."""
    series = next((s for s in variant.series if s.name == "saturation"), None)
    return float(series.values[0].mean()) if series is not None else None
