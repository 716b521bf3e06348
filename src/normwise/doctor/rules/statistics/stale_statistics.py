"""stale-statistics: moving statistics that are not those of the data, so that inference is another network.

## What it detects
A batch normalization whose moving mean is more than 0.15 σ off the mean of what it takes in training, or
whose moving variance is off by more than a factor of 1.4: medians over the channels. Dropout before it may be
on, as the moving average sees it, or off, as at inference: statistics near to either are right. Three
standard errors are added, of the rows that were probed and of the moving average itself. Moving statistics
that are not finite are an error.

## Why it matters
Training normalizes by the batch, inference by the moving statistics. Where these lag behind, validation is
poor or at chance while training is fine.

## Example
```python
model.fit(x, y, batch_size=32, steps_per_epoch=30)  # 0.99³⁰: 74% is still initial
model.evaluate(x, y)
```

## Remedy
Recalibrate: one more pass over the training data sets the moving statistics to the statistics of these. For
the next training, more steps or a momentum below 0.99; `normwise.BatchNormalization` has no part of initial
values in its averages. In fine-tuning, set `trainable = False` for a normalization whose loaded statistics
are to stay: that a Functional model calls it with `training=False`, as in ``base(x, training=False)``, does
not keep them, since `fit` hands its own `training` to every layer of the graph.

## False alarms
Rows that are no sample of the training data: few, sorted, or of another origin. Loaded statistics of other
data in a network that will be fine-tuned, where it cannot be told apart and recalibrating helps as well.

## Sources
Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 2: the statistics of inference are the population's. Wu &
Johnson 2021, arXiv:2105.07576, section 3: recalibrated statistics beat moving averages. The thresholds are
calibrated on trained networks: docs/decisions/0136.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding, Remedy
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.doctor.remedies import carried_out
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST, channels, independent_values, is_untouched
from normwise.doctor.statistics_distance import Distance, distance

SHIFT = 0.15
SPREAD = 1.4


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers whose moving statistics are off."""
    trained = [n for n in evidence.normalizations if n.by_batch]
    if not trained:
        raise NotApplicableError("no batch normalization is trained by the batch")
    reached = [n for n in trained if not is_untouched(evidence, n)]
    if not reached:
        raise NotApplicableError(
            "the network has not been trained: its moving statistics are their initial values"
        )
    broken = {n.layer for n in reached if not _is_finite(n)}
    enough = [n for n in reached if independent_values(n) >= FEWEST]
    if not enough and not broken:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    for path in dict.fromkeys(n.layer for n in reached):
        if path in broken:
            yield _not_finite(path)
        elif calls := [n for n in enough if n.layer == path]:
            apart = distance(evidence, calls, SHIFT, SPREAD)
            if apart.is_far:
                yield _off(evidence, calls[0], apart)


def _is_finite(n: NormalizationEvidence) -> bool:
    return bool(np.isfinite(channels(n.moving_mean)).all() and np.isfinite(channels(n.moving_variance)).all())


def _off(evidence: Evidence, n: NormalizationEvidence, apart: Distance) -> Finding:
    return STALE_STATISTICS.finding(
        layer=n.layer,
        value=apart.value,
        threshold=apart.threshold,
        unit=apart.unit,
        sample_size=n.values,
        evidence=f"{apart.sentence(n.layer)}{_since(evidence, n)}.",
        remedy=_remedy(n.layer),
    )


def _not_finite(path: str) -> Finding:
    return STALE_STATISTICS.finding(
        layer=path,
        value=np.inf,
        threshold=SHIFT,
        unit="σ",
        severity="error",
        confidence="exact",
        evidence=f"Moving statistics of {path} are NaN or infinite: so is all that it computes at inference.",
        remedy=_remedy(path),
    )


def _since(evidence: Evidence, n: NormalizationEvidence) -> str:
    """What the steps explain: an average that has just begun."""
    steps = evidence.model.iterations
    left = n.momentum**steps if steps > 0 and 0 <= n.momentum <= 1 and not n.debiased else 0.0
    if left < 0.05:
        return ""
    return f"; after {steps} steps at momentum {n.momentum:g} they still are {left:.0%} their initial values"


def _remedy(path: str) -> Remedy:
    return carried_out(
        "recalibrate",
        "NRM403",
        f"Recalibrate {path} with the training data. Where loaded statistics are to stay in fine-tuning, set"
        " trainable = False for it: in a Functional model fit overrules a training=False.",
        "safe",
    )


STALE_STATISTICS = Rule("NRM403", "stale-statistics", "warning", "measured", ("normalizations",), check)
