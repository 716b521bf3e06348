"""The gradients of kernels, as the rules about them compare them."""

from __future__ import annotations

import math

import numpy as np

from normwise.core.evidence import Evidence, GradientEvidence
from normwise.doctor.rule import NotApplicableError
from normwise.doctor.sampling import channels

FEWEST_KERNELS = 3
"""With fewer there is no way for a gradient to get lost on."""
NAMES = ("kernel", "depthwise_kernel", "pointwise_kernel")


def kernels(evidence: Evidence) -> list[GradientEvidence]:
    """The gradients of trained kernels, in their order: those of biases, γ and β are of another size."""
    return [g for g in evidence.gradients if g.name in NAMES]


def ends(evidence: Evidence) -> tuple[GradientEvidence, GradientEvidence]:
    """The first and the last kernel.

    Raises:
        NotApplicableError: If there are fewer than three.
    """
    found = kernels(evidence)
    if len(found) < FEWEST_KERNELS:
        raise NotApplicableError(f"fewer than {FEWEST_KERNELS} kernels are trained")
    return found[0], found[-1]


def input_size(evidence: Evidence) -> float:
    """√E[x²] over all values that the first layers take, if it is above 1; else, or where it is not known, 1.

    The first gradient grows with it. It is not called large for being divided by a small one: behind a batch
    normalization it does not depend on the size at all.
    """
    squares = [np.mean(channels(x.means) ** 2 + channels(x.stds) ** 2) for x in evidence.inputs if x.columns]
    size = math.sqrt(np.mean(squares)) if squares else 1.0
    return size if 1 < size < math.inf else 1.0
