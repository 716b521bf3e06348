"""Losses: which difference matters, whatever the unit."""

from __future__ import annotations

import math

from normwise.core.evidence import Evidence

NATS = 0.05
"""Of a cross-entropy: 5% in the probability."""
OF_CONSTANT = 0.05
"""Of other losses: a twentieth of what the mean of the targets has, told for every row."""


def least_loss(evidence: Evidence) -> float:
    """The loss, or the difference of losses, below which nothing is left to mend; 0 where nothing says."""
    if "crossentropy" in evidence.model.loss.lower().replace("_", ""):
        return NATS
    constant = evidence.loss.of_constant if evidence.loss else math.nan
    return OF_CONSTANT * constant if 0 < constant < math.inf else 0.0
