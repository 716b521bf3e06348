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
from normwise.insight._row_moments import moments_about, row_moments, sums_about, together
from normwise.insight.saturation import CAN_DIE, DEAD_BELOW

LARGE = 5.0
"""From this size on a pre-activation is counted."""

DEAD_QUANTILE = 0.95


def activation_sums(seen: ActivationSeen) -> dict[str, Any]:
    """What is counted and summed of one call, a unit each.

    Args:
        seen: What it took and gave, (rows, …, units): units are on the last axis. NumPy arrays in float64,
            or arrays that JAX traces: of these `sums_on_host` makes the same.
    """
    z, y = (
        values.reshape(values.shape[0], -1, values.shape[-1] if values.ndim > 1 else 1)
        for values in (seen.inputs, seen.outputs)
    )
    axes = (0, 1)
    if not isinstance(z, np.ndarray):
        return _traced_sums(seen.function, z, y, axes)
    moments = row_moments(z, axes)
    terms = _terms(seen.function, z, y, np)
    sums = {name: getattr(np, _NUMPYS[way])(values, axes) for name, (values, way) in terms.items()}
    return {"values": np.full((), moments.size), "mean": moments.mean, "m2": moments.m2, **sums}


_NUMPYS = {"add": "sum", "max": "max", "min": "min"}


def _terms(function: str, z: Any, y: Any, xp: ModuleType | Any) -> dict[str, tuple[Any, str]]:
    """What is reduced, and how: "add", "max" or "min"."""
    counted = "int64" if xp is np else "int32"
    terms = {"beyond": (xp.abs(z) >= LARGE, "add")}
    if function in SATURATED:
        terms["saturated"] = (SATURATED[function](y), "add")
    if function in CAN_DIE:
        below = y < DEAD_BELOW
        terms["below"] = (below, "add")
        terms["last_below"] = (xp.where(below, y, -math.inf), "max")
        terms["first_above"] = (xp.where(below, math.inf, y), "min")
    return {name: (v.astype(counted) if way == "add" else v, way) for name, (v, way) in terms.items()}


def _traced_sums(function: str, z: Any, y: Any, axes: tuple[int, ...]) -> dict[str, Any]:
    from keras import ops

    from normwise.kernels.batch_moments import origin_of

    origin = origin_of(z, axes, z.dtype)
    sums = together({**sums_about(z, origin), **_terms(function, z, y, ops)}, axes)
    return {"values": ops.full((), z.shape[0] * z.shape[1], "int32"), "origin": origin.squeeze(axes), **sums}


def sums_on_host(sums: Mapping[str, Floats]) -> dict[str, Floats]:
    """The sums as `activation_sums` gives them of NumPy arrays."""
    if "origin" not in sums:
        return dict(sums)
    with np.errstate(all="ignore"):
        found = moments_about(int(sums["values"]), *(sums[n] for n in ("origin", "shifted", "squares")))
    return {**sums, "mean": found.mean, "m2": found.m2}


def activation_evidence(call: str, seen: ActivationSeen, sums: Mapping[str, Floats]) -> ActivationEvidence:
    """The statistics of one call, positions counting like rows.

    Args:
        call: The name of the call.
        seen: Its layer and its function.
        sums: Of it, as `activation_sums` gives them of NumPy arrays, in float64.

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
