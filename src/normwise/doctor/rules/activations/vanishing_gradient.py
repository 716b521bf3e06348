"""vanishing-gradient: the first layer's gradient is a thousandth of the last one's.

## What it detects
The norm of the loss's gradient by the first trained kernel, divided by that of the last one: below 0.001, in
networks of three kernels or more. Or no kernel with any gradient, while something is left to learn: a
cross-entropy above 0.05, another loss above a twentieth of what it is where every row is told the mean of the
targets. So it is where a large step, or large weights, made logits so large that probabilities are 0 and 1 to
rounding: Keras clips these, and what is clipped has no gradient. So it is also where every unit is dead.

## Why it matters
The first layers hardly move, so that the last ones learn from features that are random.

## Example
```python
keras.Sequential([keras.Input((14,))] + [keras.layers.Dense(32, activation="sigmoid") for _ in range(12)])
```

## Remedy
Batch normalization before each activation, ReLU for sigmoid, connections around blocks. Where no kernel has a
gradient: smaller initial weights and steps, scaled inputs, and `from_logits=True` in the loss, which is not
clipped.

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
from normwise.doctor.losses import least_loss
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

RATIO = 1e-3
REMEDY = (
    "Put a batch normalization before each activation, or take ReLU and skip connections; scale the input."
)
CLIPPED = (
    "Begin again with smaller weights, a smaller learning rate and scaled inputs; take from_logits=True."
)


def check(evidence: Evidence) -> Iterator[Finding]:
    """Gradients that get lost on the way."""
    known = kernels(evidence)
    norms = [g.norm for g in known]
    if not all(math.isfinite(norm) for norm in norms):
        raise NotApplicableError("a gradient is not finite")
    if known and not any(norms):
        loss = evidence.loss.in_training if evidence.loss else math.nan
        if not loss > least_loss(evidence):
            raise NotApplicableError(
                "no kernel has a gradient: nothing is left to learn, or the loss is not known"
            )
        yield _finding(evidence, known[0], 0.0, _nothing(evidence, loss), CLIPPED)
        return
    first, last = ends(evidence)
    if last.norm > 0 and first.norm / last.norm < RATIO:
        yield _finding(
            evidence,
            first,
            first.norm / last.norm,
            f"‖∂L/∂W‖ is {first.norm:.2g} for {first.variable} and {last.norm:.2g} for {last.variable}.",
            REMEDY,
        )


def _nothing(evidence: Evidence, loss: float) -> str:
    """In words that nothing has a gradient, and how large the logits are where these are known."""
    last = evidence.activations[-1] if evidence.activations else None
    logits = ""
    if last and last.function in ("softmax", "sigmoid"):
        size = math.hypot(last.mean, last.std)
        logits = f"; what the {last.function} of {last.call} takes has the size {size:.3g}"
    return f"No kernel has a gradient, at a loss of {loss:.4g}{logits}."


def _finding(
    evidence: Evidence, first: GradientEvidence, ratio: float, sentence: str, remedy: str
) -> Finding:
    return VANISHING_GRADIENT.finding(
        layer=first.layer,
        value=ratio,
        threshold=RATIO,
        sample_size=evidence.rows,
        evidence=sentence,
        remedy=by_hand(remedy),
    )


VANISHING_GRADIENT = Rule(
    "NRM203", "vanishing-gradient", "warning", "heuristic", ("gradients",), check, preview=True
)
