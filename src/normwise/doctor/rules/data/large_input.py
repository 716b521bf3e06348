"""large-input: values far larger than 1, or far from 0 for their spread, and nothing scales them.

## What it detects
An input whose columns are of one size (else they are unscaled-features), where √(mean² + std²), or
|mean|/std, is more than 10: the median over the columns that have more than two values. Where the model
scales it, it is looked at behind that layer. Pixels from 0 to 255 have about 100, pixels from 0 to 1 about
0.5.

## Why it matters
Initial weights are made for values of about 1: larger ones saturate sigmoid and tanh, and make steps on the
weights larger than those on the bias. A mean far from 0 stretches the error surface along one direction:
κ(E[xxᵀ]) is at least about (mean/std)², here 100.

## Example
```python
(x, y), _ = keras.datasets.mnist.load_data()  # 0 to 255
keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(64)]).fit(x, y)
```

## Remedy
A scaler that is fitted on the training rows as the first layer, or `keras.layers.Rescaling(1 / 255)` for
pixels.

## False alarms
Networks that were trained for such values, as `keras.applications.VGG16` with its `preprocess_input`. Data
that a function of the model's own scales, where no layer shows it. Where batch normalizations alone take what
the first linear layers give, size and offset have no effect in training: that is an information.

## Sources
LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.3: mean near 0, covariances about the same,
and of the size of the sigmoid's range. The threshold, a condition number of 100, is this project's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence, InputEvidence
from normwise.core.model_record import ModelRecord
from normwise.doctor.calls import behind, layer_of, only_normalized
from normwise.doctor.columns import inputs_of_numbers, varies
from normwise.doctor.rule import Rule
from normwise.doctor.rules.data.unscaled_features import INFO, remedy, size_ratio
from normwise.doctor.sampling import channels, median

LARGEST = 10.0


def check(evidence: Evidence) -> Iterator[Finding]:
    """Inputs that are large or far from 0."""
    for x in inputs_of_numbers(evidence):
        chosen = varies(x)
        means, stds = abs(channels(x.means))[chosen], channels(x.stds)[chosen]
        size, offset = median(np.hypot(means, stds)), median(means / stds)
        if max(size, offset) > LARGEST and size_ratio(x) <= INFO:
            is_large = size > LARGEST
            absorbed = _is_absorbed(evidence.model, x)
            yield LARGE_INPUT.finding(
                layer=x.name,
                value=size if is_large else offset,
                threshold=LARGEST,
                unit="" if is_large else "σ",
                sample_size=x.values,
                severity="info" if absorbed else "warning",
                evidence=f"{x.name} has values from {np.min(channels(x.minima)[chosen]):.4g} to"
                f" {np.max(channels(x.maxima)[chosen]):.4g}: a column's mean is {median(means):.3g} and its"
                " standard"
                f" deviation {median(stds):.3g} (medians of {len(stds)} column{'s' * (len(stds) != 1)});"
                f" {f'so they are behind {x.scaled_by}' if x.scaled_by else 'no layer scales them'}"
                f"{', though batch normalizations behind the first layers do' * absorbed}.",
                remedy=remedy(x, "NRM105"),
            )


def _is_absorbed(model: ModelRecord, x: InputEvidence) -> bool:
    """Whether BN(Wx) is all that becomes of the input: it is the same for a·x + b."""
    through = ("shape", "scaling")
    reached = behind(model, f"input:{x.name}", through)
    takers = [call for call in reached if call.kind not in through]
    layers = [layer_of(model, call.layer) for call in takers]
    return bool(layers) and all(layer is not None and bool(only_normalized(model, layer)) for layer in layers)


LARGE_INPUT = Rule("NRM105", "large-input", "warning", "measured", ("inputs",), check)
