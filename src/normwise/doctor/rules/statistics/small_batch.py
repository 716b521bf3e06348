"""small-batch: so few values of a channel in a batch that its mean and variance are mostly chance.

## What it detects
The values m of a channel in a batch: rows on a device, times positions. At m = 1 each output is β, whatever
the input; below 8 the variance is off by √(2/(m − 1)), 53% at 8; below 16 by up to 37%. Positions of an image
are alike: where it was measured how many independent values a row is worth, by how far the means of rows are
apart, fewer than 8 of those count too. Behind another batch normalization they do not: it has centred the
same rows, and their mean is no longer off by what they differ.

## Why it matters
Every row is normalized by the chance of which few rows it came with, and the moving statistics, by which the
network computes later, fit none of these batches.

## Example
```python
model = keras.Sequential([keras.Input((14,)), keras.layers.Dense(64), keras.layers.BatchNormalization()])
model.fit(x, y, batch_size=2)
```

## Remedy
A larger batch; where memory does not allow it, `keras.layers.GroupNormalization` or
`normwise.BatchNormalization(renorm=True)`, and over several devices `synchronized=True`.

## False alarms
A layer that is given a small `virtual_batch_size` for the noise that it makes. A normalization that is always
called with `training=False`.

## Sources
Relative error of a variance of m normal values: √(2/(m − 1)). Wu & He 2018, arXiv:1803.08494, figure 5: at 8,
4 and 2 images a device, ResNet-50 loses 1, 4 and 11 points to its batches of 32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.core.diagnosis import Confidence, Finding, Severity
from normwise.core.evidence import Evidence, NormalizationEvidence
from normwise.core.model_record import CallRecord, LayerRecord
from normwise.doctor.calls import batch_normalization, channel_axes, learns_statistics, upstream
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, NotKnownError, Rule

WARNING = 8
INFO = 16


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations by few values."""
    layers = [layer for layer in evidence.model.layers if learns_statistics(evidence.model, layer)]
    if not layers:
        raise NotApplicableError("no batch normalization is trained by the batch")
    if evidence.training.batch_size is None:
        raise NotKnownError("the batch size is not known: say batch_size=")
    if all(values_per_row(evidence, layer) is None for layer in layers):
        raise NotKnownError("how many values a row has is not known")
    for layer in layers:
        rows = _rows(evidence, layer)
        positions, independent = _positions(evidence, layer)
        if positions is None or layer.config.get("renorm"):
            continue
        values, worth = rows * positions, rows * independent
        grade = _grade(values, worth)
        if grade:
            threshold, severity, confidence = grade
            measured = confidence == "measured"
            yield SMALL_BATCH.finding(
                layer=layer.path,
                value=worth if measured else values,
                threshold=threshold,
                unit="values",
                severity=severity,
                confidence=confidence,
                evidence=_sentence(layer.path, rows, positions, worth if measured else None),
                remedy=by_hand(
                    "Train with larger batches, or take GroupNormalization, or"
                    " normwise.BatchNormalization(renorm=True)."
                ),
            )


def _rows(evidence: Evidence, layer: LayerRecord) -> int:
    """Rows that are normalized together."""
    training = evidence.training
    rows = training.batch_size or 1
    if training.rows:
        rows = min(rows, training.rows)
    if not layer.config.get("synchronized"):
        rows = math.ceil(rows / max(1, training.replicas))
    ghost = layer.config.get("virtual_batch_size")
    return min(rows, ghost) if isinstance(ghost, int) and ghost > 0 else rows


def values_per_row(evidence: Evidence, layer: LayerRecord) -> int | None:
    """Values of a channel in a row; None where it is not known."""
    return _positions(evidence, layer)[0]


def _positions(evidence: Evidence, layer: LayerRecord) -> tuple[int | None, float]:
    """Values of a channel in a row, and how many independent ones they are worth: the fewest of all calls."""
    measured = [n for n in evidence.normalizations if n.layer == layer.path and n.values_per_row >= 1]
    if measured:
        fewest = min(measured, key=lambda n: n.values_per_row)
        worth = math.nan if _is_centred(evidence, fewest) else fewest.independent_per_row
        finite = math.isfinite(fewest.values_per_row)
        positions = int(fewest.values_per_row) if finite else None
        return positions, max(1.0, worth) if math.isfinite(worth) else fewest.values_per_row
    known = [_of_shape(layer, call) for call in evidence.model.calls if call.layer == layer.path]
    counts = [count for count in known if count is not None]
    return (min(counts), min(counts)) if counts else (None, math.nan)


def _is_centred(evidence: Evidence, n: NormalizationEvidence) -> bool:
    """Whether another batch normalization has normalized the same rows before."""
    model = evidence.model
    call = model.call(n.call)
    return call is not None and any(batch_normalization(model, before) for before in upstream(model, call))


def _of_shape(layer: LayerRecord, call: CallRecord) -> int | None:
    """Values of a channel in a row, by the shape; None where a length is not known."""
    channels = channel_axes(layer, len(call.shape) + 1)
    lengths = [length for axis, length in enumerate(call.shape, 1) if axis not in channels]
    return math.prod(lengths) if all(length > 0 for length in lengths) else None


def _grade(values: float, worth: float) -> tuple[int, Severity, Confidence] | None:
    if values <= 1:
        return 2, "error", "exact"
    if values < WARNING:
        return WARNING, "warning", "exact"
    if worth < WARNING:
        return WARNING, "warning", "measured"
    return (INFO, "info", "exact") if values < INFO else None


def _sentence(path: str, rows: int, positions: int, worth: float | None) -> str:
    values = rows * positions
    plural = "s" * (values != 1)
    text = f"{path} normalizes each channel by {values} value{plural} a batch ({rows} × {positions})"
    if values <= 1:
        return f"{text}, which is its own mean: the output is β, whatever the input."
    if worth is not None:
        return f"{text}, worth no more than {worth:.1f} independent ones."
    return f"{text}, whose variance is off by {math.sqrt(2 / (values - 1)):.0%}."


SMALL_BATCH = Rule("NRM401", "small-batch", "warning", "exact", (), check)
