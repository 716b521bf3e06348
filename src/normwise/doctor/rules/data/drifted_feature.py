"""drifted-feature: columns whose new values are not distributed as those of the training data.

## What it detects
A column whose distribution functions are more than 0.2 apart at some value (Kolmogorov-Smirnov), what the
sketches may be off taken away; without sketches, a mean that moved by more than 0.5 σ. For normal columns the
two are the same. Few rows differ by chance: what happens once in a thousand columns of the same distribution
is no drift.

## Why it matters
The scaler and the moving statistics are those of the training data: what they were to bring to mean 0 and
variance 1 is elsewhere, and the network extrapolates.

## Example
```python
normwise.diagnose(model, x, new_x=x_of_this_month)
```

## Remedy
Find out why: a unit or a sensor that changed is put right in the data. If the world changed, train again with
new data; scaling alone is not enough.

## False alarms
New data that are meant to be another part of the population: one season, one customer.

## Sources
Massey 1951, "The Kolmogorov-Smirnov test for goodness of fit". The threshold 0.2 is that of the package
deepchecks; for normal values it is a shift of 0.51 σ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.drift import ColumnDrift
from normwise.core.errors import listing
from normwise.core.evidence import Evidence
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import with_chance

KS = 0.2
SHIFT = 0.5
ONE_IN_A_THOUSAND = 1.95
"""c of the critical distance c·√(1/n + 1/m) at the level 0.001."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Columns that moved."""
    if evidence.drift is None:
        raise NotApplicableError("there are no new data to compare with")
    moved = [
        (column, value, threshold)
        for column in evidence.drift.columns
        for value, threshold in [_distance(column)]
        if value > threshold
    ]
    if moved:
        worst, value, threshold = max(moved, key=lambda m: m[1] / m[2])
        names = tuple(column.name for column, _, _ in moved)
        yield DRIFTED_FEATURE.finding(
            layer=evidence.inputs[0].name if len(evidence.inputs) == 1 else "",
            value=value,
            threshold=threshold,
            unit="σ" if worst.ks is None else "of the rows",
            sample_size=worst.count_now,
            evidence=f"{len(names)} of {len(evidence.drift.columns)} columns moved: {listing(names)}. The"
            " worst is"
            f" {_sentence(worst)}.",
            remedy=by_hand(
                f"See why {listing(names)} changed; correct the data, or train again with new ones."
            ),
            columns=names,
        )


def _distance(column: ColumnDrift) -> tuple[float, float]:
    """How far a column moved and from where on that is far; (0, 1) where nothing is known."""
    if not (column.count_before >= 1 and column.count_now >= 1):
        return 0.0, 1.0
    chance = math.sqrt(1 / column.count_before + 1 / column.count_now)
    if column.ks is not None:
        return column.ks - (column.ks_error or 0.0), max(KS, ONE_IN_A_THOUSAND * chance)
    if column.shift is None:
        return 0.0, 1.0
    return abs(column.shift), with_chance(SHIFT, chance)


def _sentence(column: ColumnDrift) -> str:
    mean = ""
    if column.mean_before is not None and column.mean_now is not None:
        mean = f": its mean went from {column.mean_before:.4g} to {column.mean_now:.4g}"
    ks = "" if column.ks is None else f" (Kolmogorov-Smirnov distance {column.ks:.2g})"
    return f"{column.name}{ks}{mean}"


DRIFTED_FEATURE = Rule("NRM104", "drifted-feature", "warning", "measured", ("drift",), check, cheap=False)
