"""constant-feature: columns with one value in all rows.

## What it detects
A column whose values are all the same, or whose standard deviation is at most a millionth of its mean, which
is the rounding of float32. Where a quarter of the other columns rest at that very value in a quarter of their
rows, as pixels and one-hot codes do at 0, and the pixels of a negative at 1, it counts as one of them whose
turn has not come, and is not told. A column rests at its minimum, its maximum or its median.

## Why it matters
The column tells rows apart by nothing. Its weights are a second bias; they keep their random values if it is
0, and the first row with another value goes through them.

## Example
```python
x = frame[["age", "income", "country"]]  # of one country
```

## Remedy
Leave the column out.

## False alarms
Few rows: the column varies in those that were not looked at.

## Sources
Breck et al. 2019, "Data validation for machine learning", MLSys.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.errors import listing
from normwise.core.evidence import Evidence, InputEvidence
from normwise.doctor.columns import ROUNDING, Mask, inputs_of_numbers, is_constant, named
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import Rule
from normwise.doctor.sampling import channels

SHARE_AT_REST = 0.25


def check(evidence: Evidence) -> Iterator[Finding]:
    """Inputs with constant columns."""
    for x in inputs_of_numbers(evidence):
        found = is_constant(x) & ~_is_at_rest(x)
        if names := named(x, found):
            count = len(names)
            yield CONSTANT_FEATURE.finding(
                layer=x.name,
                value=float(np.max(channels(x.stds)[found])),
                threshold=ROUNDING * float(np.max(abs(channels(x.means)[found]))),
                sample_size=x.values,
                evidence=f"{count} of {len(x.columns)} columns"
                f" {'has' if count == 1 else 'have'} one value in {x.rows:,} rows: {listing(names)}.",
                remedy=by_hand(f"Leave the column{'s' * (count != 1)} {listing(names)} out."),
                columns=names,
            )


def _is_at_rest(x: InputEvidence) -> Mask:
    """Which columns have the value at which many others rest most of the time."""
    others = ~is_constant(x)
    enough = SHARE_AT_REST * max(1, int(others.sum()))
    values = channels(x.minima)  # of a constant column, the one it has
    rest = {value: _rests_at(x, value) for value in set(values[~others])}
    return np.asarray([v in rest and np.sum(rest[v] & others) >= enough for v in values], dtype=np.bool_)


def _rests_at(x: InputEvidence, value: float) -> Mask:
    """Which columns have a value, their minimum, maximum or median, in a quarter of their rows."""
    low, middle, high = (channels(q) for q in (x.lower_quartiles, x.medians, x.upper_quartiles))
    at_minimum = (channels(x.minima) == value) & (low == value)
    at_median = (middle == value) & ((low == value) | (high == value))
    at_maximum = (channels(x.maxima) == value) & (high == value)
    return np.asarray(at_minimum | at_median | at_maximum)


CONSTANT_FEATURE = Rule("NRM102", "constant-feature", "warning", "measured", ("inputs",), check)
