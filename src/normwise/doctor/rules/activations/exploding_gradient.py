"""exploding-gradient: the first layer's gradient is many times the last one's, or a gradient is not finite.

## What it detects
The norm of the loss's gradient by the first trained kernel, divided by the size of the input, over that of
the last one: above 70, where that gradient is also larger than its weights; or a kernel whose gradient is 100
times as large as its weights; or one that is NaN or infinite, which is an error. Networks of three kernels or
more.

## Why it matters
A step of any useful size throws the first layers out of where they were; the loss becomes NaN.

## Example
```python
wide = keras.initializers.RandomNormal(stddev=1.0)
hidden = [keras.layers.Dense(64, "relu", kernel_initializer=wide) for _ in range(8)]
keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(1)])
```

## Remedy
He or Glorot initialization, `clipnorm` of the optimizer, scaled targets, connections around blocks.

## False alarms
Targets that are large and not scaled make all gradients large. Batch normalization itself makes gradients
grow with depth at initialization in networks without connections around blocks, and they shrink with the
first steps.

## Sources
The ratio 70 of norms is that of Zhang et al. 2021, "AUTOTRAINER", ICSE. Yang et al. 2019, "A mean field
theory of batch normalization", arXiv:1902.08129. The rule is in preview.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, GradientEvidence
from normwise.doctor.gradients import ends, input_size, kernels
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import Rule

RATIO = 70.0
OF_WEIGHTS = 100.0
REMEDY = by_hand("Initialize the kernels smaller, clip gradients by clipnorm, scale the targets.")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Gradients that grow on the way."""
    first, last = ends(evidence)
    size = input_size(evidence)
    gradients = kernels(evidence)
    broken = [g for g in gradients if not math.isfinite(g.norm)]
    if broken:
        yield _not_finite(broken[0])
        return
    of_weights = {g: _of_weights(g) / (size if g is first else 1.0) for g in gradients}
    worst = max(gradients, key=lambda g: of_weights[g])
    ratio = first.norm / size / last.norm if last.norm > 0 else 0.0
    words = f"‖∂L/∂W‖ is {first.norm:.2g} for {first.variable} and {last.norm:.2g} for {last.variable}"
    if ratio > RATIO and of_weights[first] > 1:
        yield EXPLODING_GRADIENT.finding(
            layer=first.layer,
            value=ratio,
            threshold=RATIO,
            sample_size=evidence.rows,
            evidence=f"{words}; the input's size is {size:.2g}.",
            remedy=REMEDY,
        )
    elif of_weights[worst] > OF_WEIGHTS:
        yield EXPLODING_GRADIENT.finding(
            layer=worst.layer,
            value=of_weights[worst],
            threshold=OF_WEIGHTS,
            unit="times the weights",
            sample_size=evidence.rows,
            evidence=f"‖∂L/∂W‖ is {worst.norm:.2g} for {worst.variable}, and ‖W‖ {worst.weight_norm:.2g}.",
            remedy=REMEDY,
        )


def _of_weights(g: GradientEvidence) -> float:
    return g.norm / g.weight_norm if g.weight_norm > 0 else 0.0


def _not_finite(g: GradientEvidence) -> Finding:
    return EXPLODING_GRADIENT.finding(
        layer=g.layer,
        value=math.inf,
        threshold=RATIO,
        severity="error",
        confidence="exact",
        evidence=f"The gradient of {g.variable} is NaN or infinite.",
        remedy=REMEDY,
    )


EXPLODING_GRADIENT = Rule(
    "NRM204", "exploding-gradient", "warning", "heuristic", ("gradients",), check, preview=True
)
