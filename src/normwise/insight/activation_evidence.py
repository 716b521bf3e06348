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
from normwise.insight._row_moments import moments_about, powers_about, row_moments, sums_together
from normwise.insight.saturation import CAN_DIE

LARGE = 5.0
"""From this size on a pre-activation is counted."""

DEAD = 0.95
"""A unit is dead that is 0 for so many of the values, or more."""


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
    counts = {name: flags.sum(axes) for name, flags in _counted(seen.function, z, y).items()}
    return {"values": np.full((), moments.size), "mean": moments.mean, "m2": moments.m2, **counts}


def _counted(function: str, z: Any, y: Any) -> dict[str, Any]:
    """What is counted, as truth values."""
    flags = {"beyond": abs(z) >= LARGE}
    if function in SATURATED:
        flags["saturated"] = SATURATED[function](y)
    if function in CAN_DIE:
        flags["zero"] = y == 0
    return flags


def _traced_sums(function: str, z: Any, y: Any, axes: tuple[int, ...]) -> dict[str, Any]:
    from normwise.kernels.batch_moments import origin_of

    origin = origin_of(z, axes, z.dtype)
    counted = {name: flags.astype("int32") for name, flags in _counted(function, z, y).items()}
    sums = sums_together({**powers_about(z, origin), **counted}, axes)
    values = np.full((), z.shape[0] * z.shape[1])
    return {"values": values, "origin": origin.squeeze(axes), **sums}


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
            dead=float((sums["zero"] >= DEAD * values).mean()) if "zero" in sums else math.nan,
            mean=mean,
            std=float(np.sqrt(variance)),
        )
