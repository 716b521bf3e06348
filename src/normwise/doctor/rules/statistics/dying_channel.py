"""dying-channel: channels that a normalization has switched off.

## What it detects
More than 5% of a batch normalization's channels, where |γ| < 0.001, or where a ReLU alone takes what it gives
and β + 3·|γ| < 0: the output of three standard deviations above the mean is still negative.

## Why it matters
These channels give a constant. They cost what the others cost and carry nothing; behind a ReLU they have no
gradient, and do not come back.

## Example
```python
keras.layers.BatchNormalization(gamma_regularizer=keras.regularizers.L2(0.1))  # pulls every γ to 0
```

## Remedy
No weight decay on γ and β and a smaller learning rate; in a network that is done, take these channels out.

## False alarms
γ = 0 at the start of a residual branch's training, which is left out here: all γ of a layer are the same
then, and an addition takes what it gives or nothing has been trained. Pruning on purpose.

## Sources
|γ| as the measure of a channel: Liu et al. 2017, "Network slimming", arXiv:1708.06519. Behind a batch
normalization a value is normal with mean β and standard deviation |γ|, about. The share is this project's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.doctor.calls import behind
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import channels

SMALLEST = 1e-3
SIGMAS = 3.0
SHARE = 0.05


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers with channels that are off."""
    if not evidence.normalizations:
        raise NotApplicableError("no batch normalization")
    for n in {n.layer: n for n in evidence.normalizations}.values():
        gamma, beta = abs(channels(n.gamma)), channels(n.beta)
        small = (gamma < SMALLEST) & (not _is_meant(evidence, n))
        negative = (beta + SIGMAS * gamma < 0) & n.rectified
        share = float(np.mean(small | negative)) if gamma.size else 0.0
        if share > SHARE:
            yield DYING_CHANNEL.finding(
                layer=n.layer,
                value=share,
                threshold=SHARE,
                unit="of the channels",
                sample_size=gamma.size,
                evidence=f"{int(np.sum(small | negative))} of {gamma.size} channels of {n.layer} are off:"
                f" {int(np.sum(small))} with |γ| < {SMALLEST:g},"
                f" {int(np.sum(negative & ~small))} more with β + 3·|γ| < 0 before a ReLU.",
                remedy=by_hand(
                    f"Exclude γ and β of {n.layer} from weight decay and train with a smaller learning"
                    " rate; channels"
                    " that stay off can be taken out."
                ),
            )


def _is_meant(evidence: Evidence, n: NormalizationEvidence) -> bool:
    """Whether all γ are as they were initialized: a residual branch starts at 0."""
    alike = len(set(n.gamma)) == 1
    added = any(call.kind == "merge" for call in behind(evidence.model, n.call, ("shape", "dropout")))
    return alike and (added or evidence.model.iterations == 0)


DYING_CHANNEL = Rule("NRM407", "dying-channel", "warning", "heuristic", ("normalizations",), check)
