"""epsilon-dominance: a variance so small that ε takes its place.

## What it detects
Channels whose variance v in training is below ε, that is v/(v + ε) < 0.5, so that the standard deviation
behind the normalization is below √0.5 = 0.71, before γ: more than a quarter of those that vary. Channels that
do not vary at all are not counted, and a network that has not been trained is not looked at.

## Why it matters
The layer normalizes less than it says: at v = ε the output has a standard deviation of 0.71, at v = ε/100 of
0.1, and so the scale of the input matters again. Keras' ε is 0.001, a hundred times that of other libraries.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),  # values of about 0.01
        keras.layers.Dense(64),
        keras.layers.BatchNormalization(),  # variance 1e-4, ε 1e-3
    ]
)
```

## Remedy
Scale the input, or a smaller ε, such as 1e-5 (at float32 not below 1e-7), and train again.

## False alarms
Channels that are meant to be faint, and a network that has long been trained with it: γ has made up for it.

## Sources
Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1: ε is for numerical stability. The thresholds are this
project's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.columns import ROUNDING
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST, channels, independent_values, is_untouched, median

WEIGHT = 0.5
SHARE = 0.25
"""More channels than this below `WEIGHT`: a few faint ones are in every network."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers in which ε outweighs."""
    if not evidence.normalizations:
        raise NotApplicableError("no batch normalization")
    trained = [n for n in evidence.normalizations if n.by_batch]
    if not trained:
        raise NotApplicableError("no batch normalization is trained by the batch")
    reached = [n for n in trained if not is_untouched(evidence, n)]
    if not reached:
        raise NotApplicableError(
            "the network has not been trained: its variances are those of initial weights"
        )
    enough = [n for n in reached if independent_values(n) >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    told: set[str] = set()
    for n in enough:
        variance, mean = channels(n.variance), channels(n.mean)
        variance = variance[(variance > 0) & (np.sqrt(variance) > ROUNDING * abs(mean))]
        weight = variance / (variance + n.epsilon)
        small = weight < WEIGHT
        share = float(np.mean(small)) if small.size else 0.0
        if share > SHARE and n.layer not in told:
            told.add(n.layer)
            typical = median(variance[small])
            yield EPSILON_DOMINANCE.finding(
                layer=n.layer,
                value=share,
                threshold=SHARE,
                unit="of the channels",
                sample_size=n.values,
                evidence=f"{int(np.sum(small))} of {variance.size} channels that {n.layer} takes have a"
                " variance of"
                f" {typical:.2g} (median) against ε = {n.epsilon:g}: it makes their standard deviation"
                f" {np.sqrt(typical / (typical + n.epsilon)):.2g} and not 1.",
                remedy=by_hand(
                    f"Scale what the network takes, or give {n.layer} a smaller epsilon, and train again.",
                ),
            )


EPSILON_DOMINANCE = Rule("NRM408", "epsilon-dominance", "warning", "measured", ("normalizations",), check)
