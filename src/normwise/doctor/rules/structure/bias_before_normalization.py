"""bias-before-normalization: a bias that the batch normalization behind it takes away again.

## What it detects
A linear layer with a trainable bias whose output only batch normalizations take, each of which normalizes the
same channels by the batch. The batch's mean holds the bias, and is subtracted: BN(Wu + b) = BN(Wu).

## Why it matters
The bias learns nothing, since its gradient is 0 but for rounding; it costs memory and an addition for each
value, and weight decay alone moves it, and the moving mean with it.

## Example
```python
keras.Sequential([
    keras.Input((14,)),
    keras.layers.Dense(64),                  # use_bias=True is Keras' default
    keras.layers.BatchNormalization(),
])
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

from normwise.core.diagnosis import Finding, Remedy
from normwise.core.evidence import Evidence
from normwise.core.model_record import CallRecord, LayerRecord, ModelRecord
from normwise.doctor.rule import NotApplicableError, Rule


def check(evidence: Evidence) -> Iterator[Finding]:
    """Linear layers whose bias has no effect."""
    model = evidence.model
    biased = [layer for layer in model.layers if layer.kind == "linear" and _has_trainable_bias(layer)]
    if not biased:
        raise NotApplicableError("no linear layer has a trainable bias")
    for layer in biased:
        calls = [call for call in model.calls if call.layer == layer.path]
        takers = [taker for call in calls for taker in model.takers(call.name)]
        if takers and all(_is_subtracted(model, layer, call) for call in calls):
            bias = layer.variable("bias")
            assert bias is not None
            names = ", ".join(sorted({taker.layer for taker in takers}))
            yield BIAS_BEFORE_NORMALIZATION.finding(
                layer=layer.path,
                value=bias.shape[0],
                threshold=0,
                unit="biases",
                evidence=f"{layer.path} has {bias.shape[0]} biases, and only {names} takes what it gives, which"
                " subtracts the batch's mean.",
                remedy=Remedy(
                    "drop bias",
                    f"Leave out the bias of {layer.path}: use_bias=False.",
                    "fixed = normwise.apply_fixes(model, x, y, select=['NRM301']).model",
                    "safe",
                ),
            )


def _has_trainable_bias(layer: LayerRecord) -> bool:
    bias = layer.variable("bias")
    return bias is not None and bias.trainable and len(bias.shape) == 1


def _is_subtracted(model: ModelRecord, layer: LayerRecord, call: CallRecord) -> bool:
    """Whether all that takes a call of the layer subtracts its channels' means over the batch."""
    channels = 1 if layer.config.get("data_format") == "channels_first" else len(call.shape)
    takers = model.takers(call.name)
    return (
        not call.output
        and not call.function
        and bool(takers)
        and all(
            taker.kind == "batch normalization"
            and model.layer(taker.layer).trainable
            and _axes(model.layer(taker.layer), len(call.shape) + 1) == {channels}
            for taker in takers
        )
    )


def _axes(layer: LayerRecord, rank: int) -> set[int]:
    axis = layer.config.get("axis", -1)
    return {a % rank for a in (axis if isinstance(axis, (list, tuple)) else [axis])}


BIAS_BEFORE_NORMALIZATION = Rule("NRM301", "bias-before-normalization", "warning", "exact", ("calls",), check)
