"""saturated-activation: most values of an activation are where its function is flat.

## What it detects
More than half of a hidden activation's outputs in the flat part: |y| > 0.97 of tanh, softsign and hard_tanh,
and
|2y − 1| > 0.97 of sigmoid and hard_sigmoid. Not counted: outputs of the network, gates (what is multiplied
with something else, as in squeeze-and-excitation), and what is inside of recurrent and attention layers.

## Why it matters
Where tanh is above 0.97 its derivative is below 0.06: next to nothing is learned through these values, in
this layer and in all before it.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),  # values of about 100
        keras.layers.Dense(64, activation="tanh"),
    ]
)
```

## Remedy
Scale the input, and put a batch normalization between the linear layer and the activation; smaller initial
weights.

## False alarms
A trained network whose hidden units are to decide yes or no, as in hashing.

## Sources
Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", section 3.
The share of a half is that of Wardat et al. 2022, "DeepDiagnosis", ICSE, which asks for |z| ≥ 5.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import ActivationEvidence, Evidence
from normwise.core.model_record import CallRecord, ModelRecord
from normwise.core.saturation import SATURATED_FROM
from normwise.doctor.calls import behind, layer_of
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST

SHARE = 0.5


def check(evidence: Evidence) -> Iterator[Finding]:
    """Hidden activations in their flat part."""
    known = [
        a for a in evidence.activations if a.function in SATURATED_FROM and _is_hidden(evidence.model, a)
    ]
    if not known:
        raise NotApplicableError("no hidden activation has a flat part on both sides")
    enough = [a for a in known if a.values >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    for a in enough:
        if a.saturated > SHARE:
            yield SATURATED_ACTIVATION.finding(
                layer=a.layer,
                value=a.saturated,
                threshold=SHARE,
                unit="of the values",
                sample_size=a.values * a.units,
                evidence=f"{a.saturated:.0%} of what the {a.function} of {a.call} gives is in its flat"
                " part; it takes"
                f" values with mean {a.mean:.2g} and standard deviation {a.std:.2g}.",
                remedy=by_hand(
                    f"Put a batch normalization before the {a.function} of {a.call}; scale the input."
                ),
            )


def _is_hidden(model: ModelRecord, a: ActivationEvidence) -> bool:
    """Whether it is no output, no gate, and not inside of a recurrent or attention layer."""
    call, layer = model.call(a.call), layer_of(model, a.layer)
    if layer and layer.kind in ("recurrent", "attention"):
        return False
    if call is None:
        return True
    after = list(behind(model, call.name))
    is_output = call.output or any(taker.kind == "shape" and taker.output for taker in after)
    return not is_output and not any(_multiplies(model, taker) for taker in after)


def _multiplies(model: ModelRecord, call: CallRecord) -> bool:
    layer = layer_of(model, call.layer)
    return "multiply" in (layer.class_name if layer else call.name).lower()


SATURATED_ACTIVATION = Rule(
    "NRM201", "saturated-activation", "warning", "measured", ("activations", "calls"), check
)
