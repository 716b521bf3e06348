"""activation_evidence: what an activation function took and gave, as the doctor's rules look at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from normwise.core.evidence import ActivationEvidence
from normwise.core.probe import ActivationSeen
from normwise.core.saturation import SATURATED
from normwise.insight._features import Floats
from normwise.insight.saturation import CAN_DIE, DEAD_BELOW

LARGE = 5.0
"""From this size on a pre-activation is counted."""

DEAD_QUANTILE = 0.95


def activation_sums(seen: ActivationSeen) -> dict[str, Any]:
    """What is counted and summed of one call, a unit each, by functions that the backend can trace.

    Args:
        seen: What it took and gave, (rows, …, units): units are on the last axis.
    """
    from keras import ops

    from normwise.insight._row_moments import by_row, row_moments

    z, y = (by_row(ops.convert_to_tensor(values)) for values in (seen.inputs, seen.outputs))
    rows, positions, _ = z.shape
    axes = (0, 1)
    _, mean, m2, _ = row_moments(z, axes)
    sums = {
        "values": ops.full((), rows * positions, "int32"),
        "beyond": _count(ops.abs(z) >= LARGE, axes),
        "mean": mean,
        "m2": m2,
    }
    if seen.function in SATURATED:
        sums["saturated"] = _count(SATURATED[seen.function](y), axes)
    if seen.function in CAN_DIE:
        below = y < DEAD_BELOW
        sums["below"] = _count(below, axes)
        sums["last_below"] = ops.max(ops.where(below, y, -math.inf), axes)
        sums["first_above"] = ops.min(ops.where(below, math.inf, y), axes)
    return sums


def activation_evidence(call: str, seen: ActivationSeen, sums: Mapping[str, Floats]) -> ActivationEvidence:
    """The statistics of one call, positions counting like rows.

    Args:
        call: The name of the call.
        seen: Its layer and its function.
        sums: Of it, as `activation_sums` gives them, in float64.

    Example:
        >>> from keras import ops
        >>> from normwise.insight._evidence_pass import numbers
        >>> z = np.array([[6.0, -1.0], [-6.0, -2.0]], "float32")
        >>> seen = ActivationSeen("a", "relu", z, np.maximum(z, 0.0))
        >>> sums = {name: numbers(values) for name, values in activation_sums(seen).items()}
        >>> found = activation_evidence("a", seen, sums)
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


def _count(which: Any, axes: tuple[int, ...]) -> Any:
    from keras import ops

    return ops.sum(ops.cast(which, "int32"), axes)


def _dead(sums: Mapping[str, Floats], values: int) -> float:
    """The share of the units with q₉₅ < 1e-5, q₉₅ being interpolated between the two values around it.

    Values below 1e-5 come first: without sorting it is known whether q₉₅ lies among them. If it lies between
    the last of them and the first of the others, these two are known too.
    """
    place = DEAD_QUANTILE * (values - 1)
    first, part = math.floor(place), place - math.floor(place)
    between = sums["last_below"] + part * (sums["first_above"] - sums["last_below"])
    at_the_edge = (sums["below"] == first + 1) & ((between < DEAD_BELOW) if part else True)
    return float(((sums["below"] > first + 1) | at_the_edge).mean())
