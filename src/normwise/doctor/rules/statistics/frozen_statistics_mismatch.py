"""frozen-statistics-mismatch: a frozen normalization whose statistics are those of other data.

## What it detects
A batch normalization that is frozen, or that a layer or a subclassed model calls with `training=False`, so
that it uses its moving statistics in training too, while the mean of what it takes is more than 0.5 σ away
from the moving mean, or the variance more than a factor of 4 from the moving variance: medians over the
channels, σ² being the moving variance with ε. Three standard errors are added.

## Why it matters
What it gives is neither centred nor of unit variance: the layers behind it get another input than they were
trained on, and an activation may sit in its flat part.

## Example
```python
base = keras.applications.ResNet50(include_top=False, pooling="avg")  # takes preprocess_input(x)
base.trainable = False
keras.Sequential([base, keras.layers.Dense(2)]).fit(x / 255, y)
```

## Remedy
First see to it that the data are preprocessed as those that the network was trained on. If they are,
recalibrate the frozen layers with the new data.

## False alarms
Rows that are no sample of the data. A network behind it that was trained with just these statistics.

## Sources
Li et al. 2016, "Revisiting batch normalization for practical domain adaptation", arXiv:1603.04779: statistics
of the new domain instead of the old. The thresholds are this project's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.doctor.remedies import carried_out
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import (
    FEWEST,
    channels,
    independent_values,
    is_initial,
    is_untouched,
    mean_error,
    shift,
    spread,
    with_chance,
)

SHIFT = 0.5
SPREAD = 4.0


def check(evidence: Evidence) -> Iterator[Finding]:
    """Frozen layers whose statistics are off."""
    frozen = [n for n in evidence.normalizations if not n.by_batch]
    if not frozen:
        raise NotApplicableError("no batch normalization is frozen")
    reached = [n for n in frozen if not is_untouched(evidence, n)]
    if not reached:
        raise NotApplicableError(
            "the network has not been trained: its moving statistics are their initial values"
        )
    enough = [n for n in reached if independent_values(n) >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    told: set[str] = set()
    for n in enough:
        apart, factor = shift(n, n.mean, n.moving_variance), spread(n, n.variance)
        error = mean_error(evidence, n)
        farthest = with_chance(SHIFT, error)
        largest = float(np.exp(with_chance(np.log(SPREAD), error * np.sqrt(2))))
        if (apart > farthest or factor > largest) and n.layer not in told:
            told.add(n.layer)
            by_mean = apart > farthest
            yield FROZEN_STATISTICS_MISMATCH.finding(
                layer=n.layer,
                value=apart if by_mean else factor,
                threshold=farthest if by_mean else largest,
                unit="σ" if by_mean else "times the variance",
                sample_size=n.values,
                evidence=_sentence(evidence, n, apart, factor),
                remedy=carried_out(
                    "recalibrate",
                    "NRM405",
                    f"Preprocess the data as those of {n.layer}'s training, or recalibrate it with them.",
                    "unsafe",
                ),
            )


def _sentence(evidence: Evidence, n: NormalizationEvidence, apart: float, factor: float) -> str:
    call = evidence.model.call(n.call)
    how = "is called with training=False" if call and call.inference else "is frozen"
    which = "initial " if is_initial(n) else ""
    count = len(channels(n.moving_mean))
    return (
        f"{n.layer} {how}; what it takes has a mean {apart:.2g} σ away from its {which}moving mean, and"
        " a variance"
        f" off by a factor of {factor:.3g} (medians of {count} channel{'s' * (count != 1)})."
    )


FROZEN_STATISTICS_MISMATCH = Rule(
    "NRM405", "frozen-statistics-mismatch", "warning", "measured", ("normalizations",), check
)
