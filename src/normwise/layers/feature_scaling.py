"""FeatureScaling: the layer that a fitted scaler becomes, so that the scaling travels inside the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.kernels.precision import at_least_float32
from normwise.layers._per_feature import PerFeature, column, common_size

Numbers = float | Sequence[float]
Bounds = tuple[float | None, float | None]


@keras.saving.register_keras_serializable(package="normwise")
class FeatureScaling(PerFeature):
    """Shifts and scales each feature by given constants.

    ``y = clip((x − center)·scale + shift, low, high)`` over the last axis.

    Computed in float32 at least, whatever the dtype policy, as
    ``(x − hi)·scale + (shift + (hi − center)·scale)`` where ``hi`` is `center` in the input's precision and
    the second bracket is evaluated in float64 on the host: a float32 column at offset 1e6 keeps its digits.
    Integers and booleans are read as float32. There are no variables.

    Args:
        center: What is subtracted, one number a feature in its unit, or one for all.
        scale: What the difference is multiplied by, likewise.
        shift: What is added last, likewise.
        missing: ``"keep"`` leaves NaN as it is; ``"zero"`` makes it 0 in the output, with gradient 0.
        clip: The lowest and the highest output, either of them None where there is no such bound; beyond them
            the gradient is 0. The 0 of a missing value is not clipped.
        infinite: ``"keep"`` computes with ±inf as it stands; ``"null"`` takes it for a missing value.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Input shape: (…, features). Output shape: the same, in the policy's compute dtype.

    Raises:
        ValueError: If a number is not finite, the lengths disagree with each other or with the input's last
            axis, `missing` or `infinite` is neither of its two, or `clip` is no pair that rises.

    Example:
        >>> layer = FeatureScaling(center=[1e6, 0.0], scale=[2.0, 1.0], missing="zero")
        >>> keras.ops.convert_to_numpy(layer(np.array([[1000001.0, 5.0], [999999.5, float("nan")]])))
        array([[ 2.,  5.],
               [-1.,  0.]], dtype=float32)
    """

    def __init__(
        self,
        center: Numbers,
        scale: Numbers,
        shift: Numbers = 0.0,
        missing: str = "keep",
        clip: Bounds | None = None,
        infinite: str = "keep",
        **kwargs: Any,
    ) -> None:
        columns = {"center": column("center", center), "scale": column("scale", scale)}
        columns["shift"] = column("shift", shift)
        super().__init__(common_size(columns), "center, scale and shift", missing, infinite, **kwargs)
        self.center, self.scale, self.shift = columns.values()
        self.clip = _bounds(clip)

    def call(self, inputs: Any) -> Any:
        """Scale a tensor of shape (…, features)."""
        if (self.missing, self.infinite) != ("keep", "keep"):
            return super().call(inputs)
        dtype = at_least_float32(inputs.dtype)
        return ops.cast(self._map(ops.cast(inputs, dtype), dtype), self.compute_dtype)

    def _map(self, x: Any, dtype: str) -> Any:
        hi, scale, rest = self._constants(dtype)
        y = (x - hi) * scale + rest
        if self.clip is None:
            return y
        low, high = self.clip
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        # As tensors: on torch, a number counts as float32.
        bounds = (ops.convert_to_tensor(b, dtype) for b in (low, high))
        return ops.where(ops.isnan(y), y, ops.clip(y, *bounds))

    def get_config(self) -> dict[str, Any]:
        """The arguments, in float64: what JSON gives back is what was given."""
        numbers = {"center": self.center, "scale": self.scale, "shift": self.shift}
        clip = None if self.clip is None else list(self.clip)
        return {**super().get_config(), **numbers, "clip": clip}

    def _constants(self, dtype: str) -> tuple[Any, Any, Any]:
        center, scale, shift = (np.asarray(c, np.float64) for c in (self.center, self.scale, self.shift))
        hi = center.astype(dtype)
        # Not folded into one constant: x·scale + (shift − center·scale) would cancel at large offsets.
        rest = shift + (hi.astype(np.float64) - center) * scale
        return (
            ops.convert_to_tensor(hi, dtype),
            ops.convert_to_tensor(scale, dtype),
            ops.convert_to_tensor(rest, dtype),
        )


def _bounds(clip: Any) -> Bounds | None:
    if clip is None:
        return None
    if not isinstance(clip, (list, tuple)) or len(clip) != 2:
        raise ValueError(f"clip must be a pair (low, high), either of them None for no bound, got {clip!r}")
    low, high = (None if v is None else float(column("clip", v)) for v in clip)  # type: ignore[arg-type]
    if low is not None and high is not None and not low < high:
        raise ValueError(f"clip must be a pair (low, high) that rises, got ({low}, {high})")
    return low, high
