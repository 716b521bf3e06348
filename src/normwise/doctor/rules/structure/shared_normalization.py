"""shared-normalization: one batch normalization is called on data of different distributions.

## What it detects
A batch normalization with more than one call in a forward pass, where the means of what two of the calls take
are more than 0.5 σ apart: the median over the channels, three standard errors added.

## Why it matters
In training each call has the statistics of its own batch; at inference all share one moving mean and
variance, which is the average of the calls and fits none.

## Example
```python
norm = keras.layers.BatchNormalization()
joined = keras.layers.Add()([norm(photographs), norm(sketches)])
```

## Remedy
A normalization for each call; the linear layers may stay shared.

## False alarms
Calls whose difference is what the network is to see at inference, and is small in training only by chance.

## Sources
Li et al. 2016, arXiv:1603.04779, and Chang et al. 2019, "Domain-specific batch normalization",
arXiv:1906.03950. The threshold is this project's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST, channels, independent_values, median, with_chance

SHIFT = 0.5


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers whose calls take different distributions."""
    shared: dict[str, list[NormalizationEvidence]] = {}
    for n in evidence.normalizations:
        if n.by_batch:
            shared.setdefault(n.layer, []).append(n)
    shared = {path: calls for path, calls in shared.items() if len(calls) > 1}
    if not shared:
        raise NotApplicableError("no batch normalization that is trained by the batch is called twice")
    enough = {
        path: known
        for path, calls in shared.items()
        if len(known := [n for n in calls if independent_values(n) >= FEWEST]) > 1
    }
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    for path, calls in enough.items():
        a, b = max(itertools.combinations(calls, 2), key=lambda pair: _known(_apart(*pair)))
        apart = _apart(a, b)
        error = math.sqrt(1 / independent_values(a) + 1 / independent_values(b))
        threshold = with_chance(SHIFT, error)
        if apart > threshold:
            yield SHARED_NORMALIZATION.finding(
                layer=path,
                value=apart,
                threshold=threshold,
                unit="σ",
                sample_size=min(a.values, b.values),
                evidence=f"{path} is called {len(calls)} times, and the means of what {a.call} and {b.call}"
                " take are"
                f" {apart:.2g} σ apart (median of {len(a.mean)} channel{'s' * (len(a.mean) != 1)}).",
                remedy=by_hand(f"Take a batch normalization of its own for each call of {path}."),
            )


def _apart(a: NormalizationEvidence, b: NormalizationEvidence) -> float:
    """|μ_a − μ_b|/σ, σ² being the mean of the variances and ε; the median over the channels."""
    variance = (channels(a.variance) + channels(b.variance)) / 2 + a.epsilon
    return median(abs(channels(a.mean) - channels(b.mean)) / variance**0.5)


def _known(value: float) -> float:
    return -1.0 if math.isnan(value) else value


SHARED_NORMALIZATION = Rule(
    "NRM305", "shared-normalization", "warning", "measured", ("normalizations",), check
)
