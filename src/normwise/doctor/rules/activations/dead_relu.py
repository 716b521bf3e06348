"""dead-relu: most units of a ReLU are 0 for nearly every row.

## What it detects
A hidden ReLU of which more than half of the units are 0 for 95% of the values or more. It is not the share of
zeros: behind a batch normalization half of all values are 0, and every unit is alive.

## Why it matters
A unit that is 0 has no gradient: it does not come back, and the layer is as narrow as what is left.

## Example
```python
model.compile(keras.optimizers.SGD(1.0), "mse")  # one step too far, and the biases are deeply negative
```

## Remedy
A smaller learning rate, a batch normalization before the ReLU, He initialization; LeakyReLU has a gradient
everywhere.

## False alarms
Units for rare events, each for fewer than 5% of the rows; few rows.

## Sources
Lu, Shin, Su & Karniadakis 2020, "Dying ReLU and initialization", arXiv:1903.06733. The criterion is that of
Ben Braiek & Khomh 2022, "Testing feedforward neural networks training programs", ACM TOSEM, with 0 for their
1e-5, below which a faint signal lies as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST

SHARE = 0.5


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers of dead units."""
    known = [a for a in evidence.activations if a.function in ("relu", "relu6")]
    if not known:
        raise NotApplicableError("no ReLU")
    enough = [a for a in known if a.values >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    for a in enough:
        if a.dead > SHARE:
            yield DEAD_RELU.finding(
                layer=a.layer,
                value=a.dead,
                threshold=SHARE,
                unit="of the units",
                sample_size=a.values,
                evidence=f"{round(a.dead * a.units)} of {a.units} units of {a.call} are 0 for at least 95% of"
                f" {a.values:,} values; it takes values with mean {a.mean:.2g} and standard deviation"
                f" {a.std:.2g}.",
                remedy=by_hand(
                    f"Put a batch normalization before the {a.function} of {a.call}, lower the learning"
                    " rate, and"
                    " start again."
                ),
            )


DEAD_RELU = Rule("NRM202", "dead-relu", "warning", "measured", ("activations",), check)
