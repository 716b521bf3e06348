"""bias-before-normalization: a bias that the batch normalization behind it takes away again.

## What it detects
A linear layer with a trainable bias whose output only batch normalizations take, each of which normalizes the
same channels by the batch. The batch's mean holds the bias, and is subtracted: BN(Wu + b) = BN(Wu).

## Why it matters
The bias learns nothing, since its gradient is 0 but for rounding; it costs memory and an addition for each
value, and weight decay alone moves it, and the moving mean with it.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),
        keras.layers.Dense(64),  # use_bias=True is Keras' default
        keras.layers.BatchNormalization(),
    ]
)
```

## Remedy
``use_bias=False``. In a trained network the bias is moved into the moving mean, μ ← μ − b, which leaves what
it computes as it is.

## False alarms
A layer whose normalization will be taken out or frozen later needs its bias then.

## Sources
Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.core.model_record import LayerRecord
from normwise.doctor.calls import only_normalized
from normwise.doctor.remedies import carried_out
from normwise.doctor.rule import NotApplicableError, Rule


def check(evidence: Evidence) -> Iterator[Finding]:
    """Linear layers whose bias has no effect."""
    model = evidence.model
    biased = [layer for layer in model.layers if layer.kind == "linear" and _has_trainable_bias(layer)]
    if not biased:
        raise NotApplicableError("no linear layer has a trainable bias")
    for layer in biased:
        if takers := only_normalized(model, layer):
            bias = layer.variable("bias")
            assert bias is not None
            yield BIAS_BEFORE_NORMALIZATION.finding(
                layer=layer.path,
                value=bias.shape[0],
                threshold=0,
                unit="biases",
                evidence=f"{layer.path} has {bias.shape[0]} biases, and only {', '.join(takers)} takes what"
                " it"
                " gives, which subtracts the batch's mean.",
                remedy=carried_out(
                    "drop bias", "NRM301", f"Leave out the bias of {layer.path}: use_bias=False.", "safe"
                ),
            )


def _has_trainable_bias(layer: LayerRecord) -> bool:
    bias = layer.variable("bias")
    return bias is not None and bias.trainable and len(bias.shape) == 1


BIAS_BEFORE_NORMALIZATION = Rule("NRM301", "bias-before-normalization", "warning", "exact", ("calls",), check)
