"""low-precision-statistics: moving statistics in 16 bits, which stop moving.

## What it detects
A batch normalization that is trained and whose moving mean or moving variance is float16 or bfloat16.
Policies such as ``"mixed_bfloat16"`` keep variables in float32 and are fine; ``"bfloat16"`` is not.

## Why it matters
A step moves the average by 1 − momentum of the difference. At momentum 0.99 a difference of less than 2.4 to
4.9% of the value rounds away in float16, and of 20 to 39% in bfloat16: the averages stall beside the
statistics.

## Example
```python
keras.layers.BatchNormalization(dtype="bfloat16")
```

## Remedy
The policy ``"mixed_bfloat16"`` or ``"mixed_float16"``, or `normwise.BatchNormalization`, whose statistics are
in float32 at least.

## False alarms
A network that will only be used, not trained: freeze it.

## Sources
A rounding to nearest loses what is below half a unit in the last place: 2⁻¹² to 2⁻¹¹ of the value in float16,
2⁻⁹ to 2⁻⁸ in bfloat16 (IEEE 754; Micikevicius et al. 2018, arXiv:1710.03740, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.core.model_record import LayerRecord
from normwise.doctor.calls import learns_statistics
from normwise.doctor.remedies import carried_out
from normwise.doctor.rule import NotApplicableError, Rule

BITS = {"float16": 11, "bfloat16": 8}
"""Of the significand, the leading one counted."""
FLOAT32 = 24


def check(evidence: Evidence) -> Iterator[Finding]:
    """Layers with statistics of 16 bits."""
    layers = [layer for layer in evidence.model.layers if learns_statistics(evidence.model, layer)]
    if not layers:
        raise NotApplicableError("no batch normalization is trained by the batch")
    for layer in layers:
        low = [
            variable
            for name in ("moving_mean", "moving_variance")
            if (variable := layer.variable(name)) is not None and variable.dtype in BITS
        ]
        if low:
            dtype = low[0].dtype
            lost = min(2.0 ** -BITS[dtype] / (1 - _momentum(layer)), 1.0)
            yield LOW_PRECISION_STATISTICS.finding(
                layer=layer.path,
                value=BITS[dtype],
                threshold=FLOAT32,
                unit="bits",
                evidence=f"{' and '.join(variable.name for variable in low)} of {layer.path} are {dtype}:"
                " at momentum"
                f" {_momentum(layer):g} a difference of up to {lost:.2g} of the value rounds away in a step.",
                remedy=carried_out(
                    "raise precision", "NRM409", f"Keep the statistics of {layer.path} in float32.", "safe"
                ),
            )


def _momentum(layer: LayerRecord) -> float:
    momentum = layer.config.get("momentum", 0.99)
    known = isinstance(momentum, (int, float)) and 0 <= momentum < 1
    return float(momentum) if known else 0.99


LOW_PRECISION_STATISTICS = Rule("NRM409", "low-precision-statistics", "warning", "exact", (), check)
