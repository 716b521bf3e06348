"""heavy-tailed-feature: columns with values far outside of where the others of the column are.

## What it detects
A column in which a value is more than 10 standard deviations from the mean, or more than 5 while (quantile
0.999 − median)/(quantile 0.75 − quantile 0.25) is above 10. A normal column has 3 to 5, and 2.3. Columns that
mostly have one value, such as pixels at the border, count only if they leave the range of the other columns.
It is measured behind the model's scaling: standardizing does not shorten a tail.

## Why it matters
A few rows decide mean and variance, give the gradient and saturate the units, and the bulk of the rows is
squeezed into a small part of the range.

## Example
```python
x = np.column_stack([age, income, price])  # a few are a thousand times the median
```

## Remedy
`normwise.scaling.PowerScaler` or `QuantileScaler`, a logarithm, or `normwise.scaling.RobustScaler` with
clipping.

## False alarms
Rare values that matter just because they are rare, as in fraud or faults.

## Sources
Tukey 1977, "Exploratory data analysis": distances in quartiles. The thresholds are this project's and not yet
calibrated: the rule is in preview.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.errors import listing
from normwise.core.evidence import Evidence, InputEvidence
from normwise.doctor.columns import Mask, column, inputs_of_numbers, is_mostly_one_value, named, varies
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import Rule
from normwise.doctor.sampling import Channels, channels

FARTHEST = 10.0
SIGMAS = 5.0
"""Quartiles alone do not count: they are close where a column rests at one value in nearly half the rows."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Inputs with columns of heavy tails."""
    for x in inputs_of_numbers(evidence):
        quartiles, sigmas = _quartiles(x), _sigmas(x)
        worst = np.where(sigmas > SIGMAS, np.fmax(quartiles, sigmas), sigmas)
        found = varies(x) & (worst > FARTHEST) & ~_is_within_others(x)
        if names := named(x, found):
            i = int(np.argmax(np.where(found, worst, -np.inf)))
            yield HEAVY_TAILED_FEATURE.finding(
                layer=x.name,
                value=worst[i],
                threshold=FARTHEST,
                unit="σ" if worst[i] == sigmas[i] else "quartile distances",
                sample_size=x.values,
                evidence=f"Of {listing(names)} the worst is {column(x, i)}: values up to {sigmas[i]:.3g}"
                " standard"
                f" deviations from the mean, and its quantile 0.999 is {quartiles[i]:.3g} quartile distances"
                " above the median.",
                remedy=by_hand(
                    "Scale these columns by normwise.scaling.PowerScaler or QuantileScaler, or take their"
                    " logarithm."
                ),
                columns=names,
            )


def _quartiles(x: InputEvidence) -> Channels:
    """(quantile 0.999 − median)/quartile distance; 0 of a column that mostly has one value."""
    above = channels(x.tails) - channels(x.medians)
    return np.where(
        is_mostly_one_value(x), 0.0, above / (channels(x.upper_quartiles) - channels(x.lower_quartiles))
    )


def _sigmas(x: InputEvidence) -> Channels:
    """The largest |z|."""
    means = channels(x.means)
    return np.fmax(channels(x.maxima) - means, means - channels(x.minima)) / channels(x.stds)


def _is_within_others(x: InputEvidence) -> Mask:
    """Which columns mostly have one value and else stay in the range of the columns that do not."""
    sparse = is_mostly_one_value(x)
    others = varies(x) & ~sparse
    if not others.any():
        return np.zeros(len(x.columns), dtype=np.bool_)
    low, high = np.min(channels(x.minima)[others]), np.max(channels(x.maxima)[others])
    return np.asarray(sparse & (channels(x.minima) >= low) & (channels(x.maxima) <= high))


HEAVY_TAILED_FEATURE = Rule(
    "NRM103", "heavy-tailed-feature", "info", "measured", ("inputs",), check, preview=True
)
