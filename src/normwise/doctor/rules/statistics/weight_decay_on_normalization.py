"""weight-decay-on-normalization: weight decay pulls γ and β to 0.

## What it detects
A trainable γ (or `scale`) or β of a normalization, of batches or of rows, with weight decay: the optimizer's,
which in Keras' AdamW is 0.004 and reaches all variables, or an L2 regularizer of the layer.

## Why it matters
γ = 1 is what leaves the normalized values as they are, and decay pulls to 0: it scales the channels down,
which the layer behind has to make up for, and it regularizes nothing, as the function stays the same.

## Example
```python
model.compile(keras.optimizers.AdamW(1e-3), "mse")  # weight_decay=0.004, of γ and β too
```

## Remedy
Exclude them before the optimizer is built: `optimizer.exclude_from_weight_decay(var_names=["gamma",
"beta"])`.

## False alarms
Decay on γ on purpose, to find channels that can be taken out.

## Sources
He et al. 2019, "Bag of tricks", arXiv:1812.01187, section 3.1: no bias decay. Goyal et al. 2017,
arXiv:1706.02677, section 5.1: no weight decay on γ and β.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, Rule

NAMES = ("gamma", "beta", "scale")
CODE = """optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "scale"])
model.compile(optimizer, model.loss)"""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations with decay."""
    layers = [n for n in evidence.model.layers if n.kind in ("batch normalization", "normalization")]
    if not layers:
        raise NotApplicableError("no normalization")
    for layer in layers:
        decayed = [v for v in layer.variables if v.name in NAMES and v.trainable and v.decay > 0]
        if decayed:
            largest = max(v.decay for v in decayed)
            yield WEIGHT_DECAY_ON_NORMALIZATION.finding(
                layer=layer.path,
                value=largest,
                threshold=0,
                evidence=f"{' and '.join(v.name for v in decayed)} of {layer.path}"
                f" decay{'s' * (len(decayed) == 1)} by {largest:g}.",
                remedy=by_hand(
                    "Exclude γ and β from weight decay, and take regularizers of them out.",
                    CODE if evidence.model.optimizer else "",
                ),
            )


WEIGHT_DECAY_ON_NORMALIZATION = Rule("NRM410", "weight-decay-on-normalization", "warning", "exact", (), check)
