"""vanishing-gradient: the first layer's gradient is a thousandth of the last one's.

## What it detects
The norm of the loss's gradient by the first trained kernel, divided by that of the last one: below 0.001, in
networks of three kernels or more. The first is divided by the size of the input, since a gradient is
proportional to it.

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

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.gradients import ends, input_size
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

RATIO = 1e-3


def check(evidence: Evidence) -> Iterator[Finding]:
    """Gradients that get lost on the way."""
    first, last = ends(evidence)
    size = input_size(evidence)
    if not (last.norm > 0 and last.norm < float("inf") and first.norm < float("inf")):
        raise NotApplicableError("the last kernel has no gradient, or one that is not finite")
    ratio = first.norm / size / last.norm
    if ratio < RATIO:
        yield VANISHING_GRADIENT.finding(
            layer=first.layer,
            value=ratio,
            threshold=RATIO,
            sample_size=evidence.rows,
            evidence=f"‖∂L/∂W‖ is {first.norm:.2g} for {first.variable} and {last.norm:.2g} for"
            f" {last.variable}; the"
            f" input's size is {size:.2g}.",
            remedy=by_hand(
                "Put a batch normalization before each activation, or take ReLU and skip connections."
            ),
        )


VANISHING_GRADIENT = Rule(
    "NRM203", "vanishing-gradient", "warning", "heuristic", ("gradients",), check, preview=True
)
