"""activation_evidence: what an activation function took and gave, as the doctor's rules look at it."""

from __future__ import annotations

import numpy as np

from normwise.core.evidence import ActivationEvidence
from normwise.core.probe import ActivationSeen
from normwise.core.saturation import SATURATED
from normwise.insight._evidence_pass import numbers
from normwise.insight._features import Floats
from normwise.insight.saturation import CAN_DIE, DEAD_BELOW

LARGE = 5.0
"""From this size on a pre-activation is counted."""


def activation_evidence(call: str, seen: ActivationSeen) -> ActivationEvidence:
    """The statistics of one call, units being on the last axis and positions counting like rows.

    Args:
        call: The name of the call.
        seen: What it took and gave, (rows, …, units).

    Example:
        >>> z = np.array([[6.0, -1.0], [-6.0, -2.0]])
        >>> seen = ActivationSeen("a", "relu", z, np.maximum(z, 0.0))
        >>> found = activation_evidence("a", seen)
        >>> found.beyond_five, found.saturated, found.dead, found.units, found.values
        (0.5, 0.75, 0.5, 2, 2)
    """
    z, y = (_by_unit(numbers(values)) for values in (seen.inputs, seen.outputs))
    flat = SATURATED.get(seen.function)
    # Of outputs that are not finite the statistics are not, either.
    with np.errstate(all="ignore"):
        return ActivationEvidence(
            call=call,
            layer=seen.path,
            function=seen.function,
            units=z.shape[1],
            values=len(z),
            beyond_five=float((np.abs(z) >= LARGE).mean()),
            saturated=float(flat(y).mean()) if flat else float("nan"),
            dead=_dead(y) if seen.function in CAN_DIE else float("nan"),
            mean=float(z.mean()),
            std=float(z.std()),
        )


def _by_unit(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)


def _dead(y: Floats) -> float:
    """The share of the units with q₉₅ < 1e-5; quantiles only of those that may be such."""
    candidates = (y < DEAD_BELOW).mean(axis=0) > 0.9
    if not candidates.any():
        return 0.0
    return float((np.percentile(y[:, candidates], 95, axis=0) < DEAD_BELOW).sum() / y.shape[1])
