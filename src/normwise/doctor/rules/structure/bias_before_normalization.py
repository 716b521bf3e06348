"""bias-before-normalization: a bias that the batch normalization behind it takes away again.

## What it detects
A linear layer with a trainable bias whose output only batch normalizations take, each of which normalizes the
same channels by the batch. The batch's mean holds the bias, and is subtracted: BN(Wu + b) = BN(Wu). So it is
where the output gets there by way of sums, as in residual networks, BN(v + Wu + b) = BN(v + Wu), or of
poolings.

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

from normwise.core.bias_reach import calls_of
from normwise.core.diagnosis import Finding, Remedy
from normwise.core.evidence import Evidence
from normwise.core.model_record import LayerRecord, ModelRecord
from normwise.doctor.calls import subtracting
from normwise.doctor.remedies import by_hand, carried_out
from normwise.doctor.rule import NotApplicableError, Rule


def check(evidence: Evidence) -> Iterator[Finding]:
    """Linear layers whose bias has no effect."""
    model = evidence.model
    biased = [layer for layer in model.layers if layer.kind == "linear" and _has_trainable_bias(layer)]
    if not biased:
        raise NotApplicableError("no linear layer has a trainable bias")
    for layer in biased:
        if takers := subtracting(model, layer):
            bias = layer.variable("bias")
            assert bias is not None
            yield BIAS_BEFORE_NORMALIZATION.finding(
                layer=layer.path,
                value=bias.shape[0],
                threshold=0,
                unit="biases",
                evidence=f"{layer.path} has {bias.shape[0]} biases, and only {', '.join(takers)} takes what"
                " it"
                f" gives{_by_way(model, takers, layer)}, which subtracts the batch's mean.",
                remedy=_remedy(model, layer),
            )


def _by_way(model: ModelRecord, takers: tuple[str, ...], layer: LayerRecord) -> str:
    own = {call.name for call in calls_of(model, layer)}
    direct = all(own & set(call.takes) for call in model.calls if call.layer in takers)
    return "" if direct else ", by way of sums or poolings"


def _remedy(model: ModelRecord, layer: LayerRecord) -> Remedy:
    text = f"Leave out the bias of {layer.path}: use_bias=False."
    if not any(call.layer == layer.path for call in model.calls):  # a TimeDistributed calls it
        return by_hand(text)
    return carried_out("drop bias", "NRM301", text, "safe")


def _has_trainable_bias(layer: LayerRecord) -> bool:
    bias = layer.variable("bias")
    return bias is not None and bias.trainable and len(bias.shape) == 1


BIAS_BEFORE_NORMALIZATION = Rule("NRM301", "bias-before-normalization", "warning", "exact", ("calls",), check)
