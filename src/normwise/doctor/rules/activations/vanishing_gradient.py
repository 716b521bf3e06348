"""vanishing-gradient: the first layer's gradient is a thousandth of the last one's.

## What it detects
The norm of the loss's gradient by the first trained kernel, divided by that of the last one: below 0.001, in
networks of three kernels or more; or no kernel with any gradient while the loss is above 0.05, as behind a
softmax that is fully saturated.

## Why it matters
The first layers hardly move, so that the last ones learn from features that are random.

## Example
```python
keras.Sequential([keras.Input((14,))] + [keras.layers.Dense(32, activation="sigmoid") for _ in range(12)])
```

## Remedy
Batch normalization before each activation, ReLU for sigmoid, connections around blocks.

## False alarms
Adaptive optimizers, such as Adam, divide the gradient's size away. A branch that starts at 0. Trained
networks near their optimum, where all gradients are small.

## Sources
Glorot & Bengio 2010, section 4. The ratio 0.001 of norms is that of Zhang et al. 2021, "AUTOTRAINER", ICSE,
which also asks for a first norm below 0.0001: that depends on the unit of the loss and is left out. The rule
is in preview.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, GradientEvidence
from normwise.doctor.gradients import ends, kernels
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

RATIO = 1e-3
FITTED = 0.05
"""A loss from which on something is left to learn."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Gradients that get lost on the way."""
    first, last = ends(evidence)
    norms = [g.norm for g in kernels(evidence)]
    if not all(math.isfinite(norm) for norm in norms):
        raise NotApplicableError("a gradient is not finite")
    if not any(norms):
        loss = evidence.loss.in_training if evidence.loss else math.nan
        if not loss > FITTED:
            raise NotApplicableError(
                "no kernel has a gradient: nothing is left to learn, or the loss is not known"
            )
        yield _finding(evidence, first, 0.0, f"No kernel has a gradient, at a loss of {loss:.4g}.")
    elif last.norm > 0 and first.norm / last.norm < RATIO:
        yield _finding(
            evidence,
            first,
            first.norm / last.norm,
            f"‖∂L/∂W‖ is {first.norm:.2g} for {first.variable} and {last.norm:.2g} for {last.variable}.",
        )


def _finding(evidence: Evidence, first: GradientEvidence, ratio: float, sentence: str) -> Finding:
    return VANISHING_GRADIENT.finding(
        layer=first.layer,
        value=ratio,
        threshold=RATIO,
        sample_size=evidence.rows,
        evidence=sentence,
        remedy=by_hand(
            "Put a batch normalization before each activation, or take ReLU and skip connections; scale the"
            " input."
        ),
    )


VANISHING_GRADIENT = Rule(
    "NRM203", "vanishing-gradient", "warning", "heuristic", ("gradients",), check, preview=True
)
