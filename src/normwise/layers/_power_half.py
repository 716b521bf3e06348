"""((1 + w)^λ − 1)/λ about an origin, without cancellation, from what every backend and ONNX have."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

# (1 + w)·1/(1 + origin) must not leave float32's range.
_FARTHEST = 1e30
_LARGEST_EXPONENT = {"float32": 87.0, "float64": 700.0}
_TERMS = {"float32": (4, 8), "float64": (8, 13)}


class PowerHalf(NamedTuple):
    """``y = gain·B + shift`` with ``B = ((1 + u)^λ − 1)/λ`` and ``u = (w − origin)/(1 + origin)``.

    With ``T(w) = ((1 + w)^λ − 1)/λ`` it holds that ``T(w) − T(origin) = (1 + origin)^λ·B``: what is far from
    0 is never computed, so that a column at 1e6 keeps its digits, and what is in `gain` cannot overflow. Each
    number is one a column.
    """

    origin: Any
    lambdas: Any
    gain: Any
    shift: Any

    @classmethod
    def about(cls, origin: Any, lambdas: Any, sign: float, center: Any, scale: Any) -> PowerHalf:
        """For ``y = (sign·T(w) − center)·scale``, in float64."""
        growth = lambdas * np.log1p(origin)
        safe = np.where(lambdas == 0, 1.0, lambdas)
        with np.errstate(over="ignore", invalid="ignore"):
            there = np.where(lambdas == 0, np.log1p(origin), np.expm1(growth) / safe)
            return cls(origin, lambdas, sign * np.exp(growth) * scale, (sign * there - center) * scale)

    def cast(self, dtype: str) -> PowerHalf:
        """The numbers as tensors."""
        return PowerHalf(*(ops.convert_to_tensor(np.asarray(v, np.float64), dtype) for v in self))

    def of(self, w: Any, dtype: str) -> Any:
        """y for w > −1."""
        logarithm = _log_ratio(w, self.origin, _TERMS[dtype][0])
        limit = _LARGEST_EXPONENT[dtype]
        exponent = ops.clip(self.lambdas * logarithm, -limit, limit)
        small = ops.abs(exponent) <= 0.25
        near = logarithm * _expm1_over(ops.where(small, exponent, 0.0), _TERMS[dtype][1])
        # Where λ is this small the exponent is too, whatever the logarithm; only the gradient must be finite.
        divisor = ops.where(ops.abs(self.lambdas) < 1e-6, 1.0, self.lambdas)
        far = (ops.exp(ops.where(small, 1.0, exponent)) - 1.0) / divisor
        return self.gain * ops.where(small, near, far) + self.shift


def origin_of(center: Any, lambdas: Any) -> Any:
    """The w at which T is `center`, in float32; 0 where it is so nowhere, or too far away to be of use."""
    with np.errstate(all="ignore"):
        safe = np.where(lambdas == 0, 1.0, lambdas)
        origin = np.where(lambdas == 0, np.expm1(center), np.expm1(np.log1p(lambdas * center) / safe))
    usable = np.isfinite(origin) & (origin < _FARTHEST)
    return np.where(usable, origin, 0.0).astype(np.float32).astype(np.float64)


def select(condition: Any, yes: PowerHalf, no: PowerHalf) -> PowerHalf:
    """One half's numbers where the condition holds, the other's elsewhere."""
    return PowerHalf(*(ops.where(condition, a, b) for a, b in zip(yes, no, strict=True)))


def _log_ratio(w: Any, origin: Any, terms: int) -> Any:
    """``log((1 + w)/(1 + origin))``: beside the origin by its atanh series, which does not round 1 + u."""
    s = (w - origin) / (w + (2.0 + origin))
    near = ops.abs(s) <= 0.1
    s = ops.where(near, s, 0.0)
    series = 2.0 * s * _horner([1 / (2 * k + 1) for k in range(terms)], s * s)
    return ops.where(near, series, ops.log(ops.where(near, 1.0, (1.0 + w) * (1.0 / (1.0 + origin)))))


def _expm1_over(v: Any, terms: int) -> Any:
    """``(exp(v) − 1)/v`` for |v| ≤ ¼."""
    return _horner([1 / math.factorial(k + 1) for k in range(terms)], v)


def _horner(rising: list[float], x: Any) -> Any:
    value = rising[-1] * x + rising[-2]
    for c in reversed(rising[:-2]):
        value = value * x + c
    return value
