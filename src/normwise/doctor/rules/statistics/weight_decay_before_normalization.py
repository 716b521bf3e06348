"""weight-decay-before-normalization: weight decay on weights whose scale has no effect.

## What it detects
A trainable kernel with weight decay, the optimizer's or of a regularizer, of a linear layer whose output only
batch normalizations take.

## Why it matters
BN(a·Wu) = BN(Wu): decay does not simplify the function. It keeps the weights small, and so the effective
learning rate, which is as 1/‖W‖², large. That may be wanted, but it is a learning rate and no regularization.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),
        keras.layers.Dense(64, use_bias=False, kernel_regularizer="l2"),
        keras.layers.BatchNormalization(),
    ]
)
```

## Remedy
None is needed where the decay was tuned together with the learning rate. Else tune the learning rate and
leave the decay to the layers that no normalization follows.

## False alarms
Most published recipes decay these weights, with a learning rate that was tuned for it.

## Sources
van Laarhoven 2017, "L2 regularization versus batch and weight normalization", arXiv:1706.05350, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.calls import only_normalized
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule


def check(evidence: Evidence) -> Iterator[Finding]:
    """Kernels with decay before a normalization."""
    model = evidence.model
    linear = [layer for layer in model.layers if layer.kind == "linear"]
    if not linear:
        raise NotApplicableError("no linear layer")
    for layer in linear:
        decays = [
            v.decay for v in layer.variables if v.name.endswith("kernel") and v.trainable and v.decay > 0
        ]
        if decays and (takers := only_normalized(model, layer)):
            yield WEIGHT_DECAY_BEFORE_NORMALIZATION.finding(
                layer=layer.path,
                value=max(decays),
                threshold=0,
                evidence=f"The kernel of {layer.path} decays by {max(decays):g}, and only"
                f" {', '.join(takers)} takes"
                " what it gives, which undoes its scale.",
                remedy=by_hand(
                    f"Tune the learning rate instead, or leave {layer.path} out of weight decay; nothing"
                    " where both"
                    " were tuned together."
                ),
            )


WEIGHT_DECAY_BEFORE_NORMALIZATION = Rule(
    "NRM411", "weight-decay-before-normalization", "info", "exact", ("calls",), check
)
