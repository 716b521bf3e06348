"""normalization-after-activation: a batch normalization takes what an activation function gave.

## What it detects
A batch normalization that takes the output of an activation, directly or behind dropout, pooling or a
reshape.

## Why it matters
What a ReLU gives is skewed and half zeros: normalizing it fixes mean and variance, but not a shape like the
normal one that a linear layer's sums have. The bias of the layer before is then of use.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.BatchNormalization(),
    ]
)
```

## Remedy
Try the other order: `Dense(64, use_bias=False)`, `BatchNormalization()`, `ReLU()`, and keep what validates
better.

## False alarms
Many: either order trains, and which is better depends on the network. Hence this rule is in preview.

## Sources
Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2, put it before the activation. Practice differs:
https://github.com/keras-team/keras/issues/1802
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.bias_reach import LINEAR_FUNCTIONS
from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.core.model_record import CallRecord, ModelRecord
from normwise.doctor.calls import batch_normalization
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

THROUGH = ("dropout", "pooling", "shape")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations behind an activation."""
    model = evidence.model
    calls = [call for call in model.calls if batch_normalization(model, call)]
    if not calls:
        raise NotApplicableError("no batch normalization is trained by the batch")
    told: set[str] = set()
    for call in calls:
        source = _activation(model, call)
        if source and call.layer not in told:
            told.add(call.layer)
            yield NORMALIZATION_AFTER_ACTIVATION.finding(
                layer=call.layer,
                value=1,
                threshold=0,
                unit="activations",
                evidence=f"{call.layer} takes what the {source.function} of {source.name} gives.",
                remedy=by_hand(f"Try {call.layer} between the linear layer and its {source.function}."),
            )


def _activation(model: ModelRecord, call: CallRecord) -> CallRecord | None:
    """The activation whose values a call takes, looking through what only moves, drops or pools them."""
    seen: set[str] = set()
    while len(call.takes) == 1 and call.takes[0] not in seen:
        seen.add(call.takes[0])
        source = model.call(call.takes[0])
        if source is None:
            return None
        if source.kind in ("activation", "linear") and source.function not in LINEAR_FUNCTIONS:
            return source
        if source.kind not in THROUGH:
            return None
        call = source
    return None


NORMALIZATION_AFTER_ACTIVATION = Rule(
    "NRM302", "normalization-after-activation", "info", "exact", ("calls",), check, preview=True
)
