"""unscaled-features: columns in units of very different size, and nothing scales them.

## What it detects
An input of which the largest standard deviation of a column is more than 100 times the smallest (a warning),
or more than 10 times (an information). Where the model scales it, it is looked at behind that layer, and
only a ratio above 100 counts: one factor for all columns, or a scaler that nobody fitted, leaves them as they
were. By the quartiles, which outliers do not move, the ratio has to be as large. Columns of one or two values
are not counted, nor, as the smallest, columns that mostly have one value; nor columns that all have the same
least and greatest value.

## Why it matters
The condition number of the covariance is at least the square of this ratio, and gradient descent takes about
1.15 times that many steps for each further digit: at a ratio of 100, over 10,000 steps. Weight decay and
distances see the large columns alone.

## Example
```python
x = np.column_stack([age, income])  # tens and ten thousands
keras.Sequential([keras.Input((2,)), keras.layers.Dense(64)]).fit(x, y)
```

## Remedy
A scaler that is fitted on the training rows alone, put into the model as its first layer.

## False alarms
Columns whose size is their importance, as in a spectrum; data that are scaled outside of the model by other
means.

## Sources
LeCun, Kanter & Solla 1991, "Second order properties of error surfaces", NIPS 3; LeCun, Bottou, Orr & Müller
1998, "Efficient BackProp", section 4.3. κ ≥ max var/min var by Rayleigh's quotient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding, Remedy
from normwise.core.evidence import Evidence, InputEvidence
from normwise.doctor.columns import Mask, column, inputs_of_numbers, is_mostly_one_value, named, varies
from normwise.doctor.remedies import by_hand, carried_out
from normwise.doctor.rule import Rule
from normwise.doctor.sampling import Channels, channels

WARNING = 100.0
INFO = 10.0
NORMAL_QUARTILES = 1.349
"""Distance of the quartiles of a normal value of unit variance."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Inputs whose columns differ in size."""
    for x in inputs_of_numbers(evidence):
        ratio = size_ratio(x)
        if ratio > (WARNING if x.scaled_by else INFO):
            stds, chosen = channels(x.stds), varies(x)
            smallest = _smallest(x, stds)
            yield UNSCALED_FEATURES.finding(
                layer=x.name,
                value=ratio,
                threshold=WARNING if ratio > WARNING else INFO,
                unit="times",
                sample_size=x.values,
                severity="warning" if ratio > WARNING else "info",
                evidence=f"The columns' standard deviations go from {stds[smallest]:.3g}"
                f" ({column(x, smallest)}) to"
                f" {np.max(stds[chosen]):.3g} ({column(x, _largest(stds, chosen))}){_condition(x)}"
                f"{_behind(x)}.",
                remedy=remedy(x, "NRM101"),
                columns=named(x, chosen),
            )


def _behind(x: InputEvidence) -> str:
    """In words that the input is scaled, and was looked at behind that."""
    return f"; so they are behind {x.scaled_by}" if x.scaled_by else ""


def remedy(x: InputEvidence, code: str) -> Remedy:
    """A scaler in front, or a better one in place of that which is there."""
    if x.scaled_by:
        return by_hand(f"Fit {x.scaled_by} on the training rows, or take a scaler in its place that is.")
    text = f"Fit a scaler on the training rows and make it the first layer behind {x.name}."
    return carried_out("insert scaling", code, text, "unsafe")


def size_ratio(x: InputEvidence) -> float:
    """Of the largest column's size to the smallest's; 1 where no two columns can be compared."""
    chosen, sparse = varies(x), is_mostly_one_value(x)
    counted = chosen & ~sparse
    if chosen.sum() < 2 or not counted.any() or _is_of_one_range(x, chosen):
        return 1.0
    stds = channels(x.stds)
    quartiles = (channels(x.upper_quartiles) - channels(x.lower_quartiles)) / NORMAL_QUARTILES
    ratios = [
        float(np.max(size[chosen]) / np.min(size[counted]))
        for size in (stds, np.where(sparse, stds, quartiles))
    ]
    return min(ratios) if all(math.isfinite(ratio) for ratio in ratios) else 1.0


def _is_of_one_range(x: InputEvidence, chosen: Mask) -> bool:
    """Whether somebody has set all columns to one range."""
    ends = channels(x.minima)[chosen], channels(x.maxima)[chosen]
    width = np.max(ends[1]) - np.min(ends[0])
    return bool(all(np.ptp(end) <= 1e-6 * width for end in ends))


def _smallest(x: InputEvidence, stds: Channels) -> int:
    counted = varies(x) & ~is_mostly_one_value(x)
    return int(np.argmin(np.where(counted, stds, np.inf)))


def _largest(stds: Channels, chosen: Mask) -> int:
    return int(np.argmax(np.where(chosen, stds, -np.inf)))


def _condition(x: InputEvidence) -> str:
    if not (math.isfinite(x.condition_number) and math.isfinite(x.condition_number_scaled)):
        return ""
    before, after = x.condition_number, x.condition_number_scaled
    return f"; κ(E[xxᵀ]) is {before:.2g}, and {after:.2g} when they are standardized"


UNSCALED_FEATURES = Rule("NRM101", "unscaled-features", "warning", "measured", ("inputs",), check)
