"""train-inference-skew: the same rows have a much larger loss at inference than in training.

## What it detects
The loss of the same rows, dropout off, once with the batch normalizations by the batch and once by their
moving statistics: more than half as large again at inference. A cross-entropy has to differ by 0.05 as well,
which is 5% in the probability, another loss by a twentieth of what it is where every row is told the mean of
the targets: of squared errors, 5% of their variance. The layer named is the one that, switched alone to the
batch, takes most of the difference away.

## Why it matters
The network that is evaluated, exported and used is the one of inference: what was learned does not reach it.

## Example
```python
model.fit(x, y, batch_size=32, steps_per_epoch=30)  # loss 0.2
model.evaluate(x, y)  # loss 2.1 on the same rows
```

## Remedy
Recalibrate. If the difference stays, the batches are too small or the probed rows are not like the training
data.

## False alarms
Few rows, which are normalized by statistics that fit just them; rows of one class.

## Sources
Ioffe 2017, arXiv:1702.03275, section 1: training and inference differ. The thresholds are this project's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, LossEvidence
from normwise.doctor.losses import least_loss
from normwise.doctor.remedies import carried_out
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST, is_untouched

LARGER = 0.5


def check(evidence: Evidence) -> Iterator[Finding]:
    """A loss that depends on the mode."""
    loss = evidence.loss
    if loss is None or not evidence.normalizations:
        raise NotApplicableError("no batch normalization, or no loss")
    if all(is_untouched(evidence, n) for n in evidence.normalizations):
        raise NotApplicableError(
            "the network has not been trained: its moving statistics are their initial values"
        )
    if loss.rows < FEWEST:
        raise NotApplicableError(f"fewer than {FEWEST} rows have a loss")
    if not math.isfinite(loss.in_training):
        raise NotApplicableError(f"the loss in training is {loss.in_training:g}")
    change = _change(loss)
    if change > LARGER and not loss.at_inference - loss.in_training <= least_loss(evidence):
        path, explained = _most(loss)
        yield TRAIN_INFERENCE_SKEW.finding(
            layer=path,
            value=change,
            threshold=LARGER,
            unit="of the loss",
            sample_size=loss.rows,
            evidence=f"The loss of {loss.rows} rows is {loss.in_training:.4g} with the normalizations by"
            " the batch"
            f" and {loss.at_inference:.4g} by their moving statistics{explained}.",
            remedy=carried_out(
                "recalibrate", "NRM404", "Recalibrate the normalizations with the training data.", "safe"
            ),
        )


def _change(loss: LossEvidence) -> float:
    """(loss at inference − loss in training)/|loss in training|."""
    if not math.isfinite(loss.at_inference):
        return math.inf
    more = loss.at_inference - loss.in_training
    if loss.in_training == 0:
        return math.inf if more > 0 else 0.0
    return more / abs(loss.in_training)


def _most(loss: LossEvidence) -> tuple[str, str]:
    """The layer that explains most of the difference, and that in words; "" where none does."""
    switched = {path: value for path, value in loss.switched.items() if math.isfinite(value)}
    if not switched:
        return "", ""
    path = min(switched, key=lambda path: switched[path])
    if not switched[path] < loss.at_inference:
        return "", ""
    return path, f"; {path} alone by the batch gives {switched[path]:.4g}"


TRAIN_INFERENCE_SKEW = Rule(
    "NRM404", "train-inference-skew", "warning", "measured", ("loss", "normalizations"), check, cheap=False
)
