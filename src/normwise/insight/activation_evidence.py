"""activation_evidence: what an activation function took and gave, as the doctor's rules look at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from normwise.core.evidence import ActivationEvidence
from normwise.core.probe import ActivationSeen
from normwise.core.saturation import SATURATED
from normwise.insight._features import Floats
from normwise.insight._row_moments import row_moments
from normwise.insight.saturation import CAN_DIE, DEAD_BELOW

LARGE = 5.0
"""From this size on a pre-activation is counted."""

DEAD_QUANTILE = 0.95


def activation_sums(seen: ActivationSeen, xp: ModuleType | Any = np) -> dict[str, Any]:
    """What is counted and summed of one call, a unit each.

    Args:
        seen: What it took and gave, (rows, …, units): units are on the last axis.
        xp: `numpy`, or `keras.ops` in traced code.
    """
    z, y = (
        values.reshape(values.shape[0], -1, values.shape[-1] if values.ndim > 1 else 1)
        for values in (seen.inputs, seen.outputs)
    )
    axes = (0, 1)
    moments = row_moments(z, axes)
    sums = {
        "values": xp.full((), moments.size, "int64" if xp is np else "int32"),
        "beyond": xp.sum(xp.abs(z) >= LARGE, axes),
        "mean": moments.mean,
        "m2": moments.m2,
    }
    if seen.function in SATURATED:
        sums["saturated"] = xp.sum(SATURATED[seen.function](y), axes)
    if seen.function in CAN_DIE:
        below = y < DEAD_BELOW
        sums["below"] = xp.sum(below, axes)
        sums["last_below"] = xp.max(xp.where(below, y, -math.inf), axes)
        sums["first_above"] = xp.min(xp.where(below, math.inf, y), axes)
    return sums


def activation_evidence(call: str, seen: ActivationSeen, sums: Mapping[str, Floats]) -> ActivationEvidence:
    """The statistics of one call, positions counting like rows.

    Args:
        call: The name of the call.
        seen: Its layer and its function.
        sums: Of it, as `activation_sums` gives them, in float64.

    Example:
        >>> z = np.array([[6.0, -1.0], [-6.0, -2.0]])
        >>> seen = ActivationSeen("a", "relu", z, np.maximum(z, 0.0))
        >>> found = activation_evidence("a", seen, activation_sums(seen))
        >>> found.beyond_five, found.saturated, found.dead, found.units, found.values
        (0.5, 0.75, 0.5, 2, 2)
    """
    values, means = int(sums["values"]), sums["mean"]
    # Of outputs that are not finite the statistics are not, either.
    with np.errstate(all="ignore"):
        mean = float(means.mean())
        variance = (sums["m2"] / values + np.square(means - mean)).mean()
        return ActivationEvidence(
            call=call,
            layer=seen.path,
            function=seen.function,
            units=len(means),
            values=values,
            beyond_five=float(sums["beyond"].mean() / values),
            saturated=float(sums["saturated"].mean() / values) if "saturated" in sums else math.nan,
            dead=_dead(sums, values) if "below" in sums else math.nan,
            mean=mean,
            std=float(np.sqrt(variance)),
        )


def _dead(sums: Mapping[str, Floats], values: int) -> float:
    """The share of the units with q₉₅ < 1e-5, q₉₅ being interpolated between the two values around it.

    Values below 1e-5 come first: without sorting it is known whether q₉₅ lies among them. If it lies between
    the last of them and the first of the others, these two are known too.
    """
    place = DEAD_QUANTILE * (values - 1)
    first, part = math.floor(place), place - math.floor(place)
    with np.errstate(all="ignore"):  # ∞ − ∞ where all or none are below
        between = sums["last_below"] + part * (sums["first_above"] - sums["last_below"])
    at_the_edge = (sums["below"] == first + 1) & ((between < DEAD_BELOW) if part else True)
    return float(((sums["below"] > first + 1) | at_the_edge).mean())
