"""dropout-before-normalization: dropout raises the variance that a normalization learns.

## What it detects
A dropout, or another layer that draws noise in training, before a batch normalization, and a variance at the
normalization's input that is more than 1.2 times as large with the noise as without: the median over the
channels that vary, ε added to both. Three standard errors of the excess, √(2/rows), are added to it. It is
measured; the order alone is no finding, since a small rate, or a wide layer between, hardly matters. What
augments the data does not count: its noise is meant.

## Why it matters
The moving variance averages what training sees. At inference nothing is dropped, the variance is smaller, and
the layer divides by a standard deviation that is too large, as does each further one.

## Example
```python
keras.Sequential(
    [
        keras.Input((14,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.BatchNormalization(),  # 2.5 times the variance of inference
    ]
)
```

## Remedy
Dropout behind the last batch normalization only, or a smaller rate, and train again. Recalibrating sets the
statistics to those of inference without training again.

## False alarms
A network whose statistics were recalibrated without dropout: its inference is right, its training still
differs.

## Sources
Li, Chen, Hu & Yang 2019, "Understanding the disharmony between dropout and batch normalization by variance
shift", arXiv:1801.05134: at keep rate p the ratio is 1 + ((1 − p)/p)·E[x²]/Var x. For a rectified normal
value that is 1.16 at rate 0.1, 1.37 at 0.2 and 2.47 at 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Finding, Remedy
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.core.model_record import CallRecord, ModelRecord
from normwise.doctor.calls import layer_of, upstream
from normwise.doctor.remedies import by_hand, carried_out
from normwise.doctor.rule import NotApplicableError, Rule
from normwise.doctor.sampling import FEWEST, channels, independent_values, median, with_chance

RATIO = 1.2


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations whose variance dropout raises."""
    model = evidence.model
    pairs = [
        (n, dropout)
        for n in evidence.normalizations
        if n.by_batch and (call := model.call(n.call)) and (dropout := _dropout(model, call))
    ]
    if not pairs:
        raise NotApplicableError("no dropout comes before a batch normalization that is trained by the batch")
    enough = [(n, dropout) for n, dropout in pairs if independent_values(n) >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    told: set[str] = set()
    for n, dropout in enough:
        ratio, threshold = _ratio(n), _threshold(n)
        if ratio > threshold and n.layer not in told:
            told.add(n.layer)
            yield DROPOUT_BEFORE_NORMALIZATION.finding(
                layer=n.layer,
                value=ratio,
                threshold=threshold,
                unit="times the variance",
                sample_size=n.values,
                evidence=f"With the noise of {dropout.name} the variance of what {n.layer} takes is"
                f" {ratio:.3g} times that without (median of {len(n.variance)}"
                f" channel{'s' * (len(n.variance) != 1)}).",
                remedy=_remedy(dropout),
            )


def _ratio(n: NormalizationEvidence) -> float:
    """Of the variances with noise and without.

    The latter is that of training: what a normalization further up does at inference is another defect.
    """
    noisy, plain = channels(n.noisy_variance), channels(n.variance)
    varies = plain > 0
    return median((noisy[varies] + n.epsilon) / (plain[varies] + n.epsilon))


def _threshold(n: NormalizationEvidence) -> float:
    """The ratio from where on noise matters: a noise that drops whole rows is drawn as often as there are."""
    rows = n.values / max(n.values_per_row, 1.0)
    excess = RATIO - 1
    return 1 + with_chance(excess, excess * math.sqrt(2 / rows))


def _remedy(dropout: CallRecord) -> Remedy:
    if dropout.kind == "dropout":
        text = f"Put {dropout.name} behind the last batch normalization or lower its rate, and train again."
        return carried_out("remove dropout", "NRM303", text, "unsafe")
    text = f"Put {dropout.name} behind the last batch normalization or weaken it, and train again."
    return by_hand(text)


def _dropout(model: ModelRecord, call: CallRecord) -> CallRecord | None:
    """The nearest call before this one that draws noise; None where none does."""
    return next((source for source in upstream(model, call) if _draws(model, source)), None)


def _draws(model: ModelRecord, call: CallRecord) -> bool:
    if call.inference:
        return False
    layer = layer_of(model, call.layer)
    if call.kind == "dropout" or (layer and layer.draws):
        return True
    # A recurrent layer hides those that draw.
    rates = [layer.config.get(name) for name in ("dropout", "recurrent_dropout")] if layer else []
    return any(isinstance(rate, (int, float)) and rate > 0 for rate in rates)


DROPOUT_BEFORE_NORMALIZATION = Rule(
    "NRM303",
    "dropout-before-normalization",
    "warning",
    "measured",
    ("calls", "normalizations"),
    check,
    cheap=False,
)
