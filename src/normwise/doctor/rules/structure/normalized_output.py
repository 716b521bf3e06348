"""normalized-output: a batch normalization right at the output bounds what the network can say.

## What it detects
A batch normalization whose result is an output, directly or through softmax, sigmoid or a reshape: a warning
for the losses of regression, an information for classification.

## Why it matters
Of m values none is further than √(m − 1) from their mean in their own standard deviation, so that outputs in
training are within β ± |γ|·√(m − 1); in each batch they have mean β and standard deviation |γ|, whatever the
targets. And a row's prediction depends on the other rows.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),
        keras.layers.Dense(1),
        keras.layers.BatchNormalization(),  # the prediction itself
    ]
)
```

## Remedy
Leave the last normalization out; standardize the targets where they are large.

## False alarms
Before softmax or sigmoid it works, with logits that are bounded: some published networks have it.

## Sources
Samuelson 1968, "How deviant can you be?": |x̂| ≤ √(m − 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from normwise.core.bias_reach import LINEAR_FUNCTIONS
from normwise.core.diagnosis import Finding, Severity
from normwise.core.evidence import Evidence
from normwise.core.model_record import CallRecord
from normwise.doctor.calls import batch_normalization, behind
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

REGRESSION = [
    "mse",
    "mae",
    "mape",
    "msle",
    "meansquarederror",
    "meanabsoluteerror",
    "meanabsolutepercentageerror",
    "meansquaredlogarithmicerror",
    "huber",
    "huberloss",
    "logcosh",
    "poisson",
]
PROBABILITIES = ("softmax", "sigmoid")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations at an output."""
    model = evidence.model
    calls = [call for call in model.calls if batch_normalization(model, call)]
    if not calls:
        raise NotApplicableError("no batch normalization is trained by the batch")
    told: set[str] = set()
    for call in calls:
        severity, through = _severity(evidence, call)
        if severity and call.layer not in told:
            told.add(call.layer)
            yield NORMALIZED_OUTPUT.finding(
                layer=call.layer,
                value=1,
                threshold=0,
                unit="normalizations at an output",
                severity=severity,
                evidence=f"What {call.layer} gives is an output of the network{through}: in training it is"
                " within"
                " β ± |γ|·√(m − 1) for a batch of m values.",
                remedy=by_hand(f"Leave {call.layer} out and train again."),
            )


def _severity(evidence: Evidence, call: CallRecord) -> tuple[Severity | None, str]:
    """How bad it is, and through which function it goes; None where the call does not give an output."""
    for reached in (call, *behind(evidence.model, call.name, ("shape",))):
        if reached is not call and reached.kind not in ("shape", "activation"):
            continue
        if reached.output and reached.function in PROBABILITIES:
            return "info", f", through {reached.function}"
        if reached.output and reached.function in LINEAR_FUNCTIONS:
            return _severity_of_loss(evidence.model.loss), ""
    return None, ""


def _severity_of_loss(loss: str) -> Severity | None:
    """Of an output that nothing follows; None where the loss says not what the output is."""
    words = [re.sub(r"[^a-z]", "", word) for word in re.split(r"[,;\s]+", loss.lower())]
    if any(word in REGRESSION for word in words):
        return "warning"
    return "info" if any("crossentropy" in word for word in words) else None


NORMALIZED_OUTPUT = Rule("NRM304", "normalized-output", "warning", "exact", ("calls",), check)
