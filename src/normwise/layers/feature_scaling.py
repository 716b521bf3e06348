"""FeatureScaling: the layer that a fitted scaler becomes, so that the scaling travels inside the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.kernels.precision import at_least_float32

Column = float | Sequence[float]
_MISSING = ("keep", "zero")


@keras.saving.register_keras_serializable(package="normwise")
class FeatureScaling(keras.layers.Layer):  # type: ignore[misc]
    """Shifts and scales each feature by given constants.

    ``y = (x − center)·scale + shift`` over the last axis.

    Computed in float32 at least, whatever the dtype policy, as
    ``(x − hi)·scale + (shift + (hi − center)·scale)`` where ``hi`` is `center` in the input's precision and
    the second bracket is evaluated in float64 on the host: a float32 column at offset 1e6 keeps its digits.
    Integers and booleans are read as float32. There are no variables.

    Args:
        center: What is subtracted, one number a feature in its unit, or one for all.
        scale: What the difference is multiplied by, likewise.
        shift: What is added last, likewise.
        missing: ``"keep"`` leaves NaN as it is; ``"zero"`` makes it 0 in the output, with gradient 0.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Input shape: (…, features). Output shape: the same, in the policy's compute dtype.

    Raises:
        ValueError: If a number is not finite, the lengths disagree with each other or with the input's last
            axis, or `missing` is neither of the two.

    Example:
        >>> layer = FeatureScaling(center=[1e6, 0.0], scale=[2.0, 1.0], missing="zero")
        >>> keras.ops.convert_to_numpy(layer(np.array([[1000001.0, 5.0], [999999.5, float("nan")]])))
        array([[ 2.,  5.],
               [-1.,  0.]], dtype=float32)
    """

    def __init__(
        self, center: Column, scale: Column, shift: Column = 0.0, missing: str = "keep", **kwargs: Any
    ) -> None:
        # Inputs must not be cast to half precision before the subtraction.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if missing not in _MISSING:
            raise ValueError(f'missing must be "keep" or "zero", got {missing!r}')
        self.center = _column("center", center)
        self.scale = _column("scale", scale)
        self.shift = _column("shift", shift)
        self.missing = missing
        self.supports_masking = True
        self._size = self._common_size()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check that there is one number a feature."""
        size = input_shape[-1] if len(input_shape) else None
        if self._size is not None and size != self._size:
            raise ValueError(
                f"the input's last axis has {size} features, but center, scale and shift are for "
                f"{self._size}; input shape: {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Scale a tensor of shape (…, features)."""
        dtype = at_least_float32(inputs.dtype)
        x = ops.cast(inputs, dtype)
        hi, scale, rest = self._constants(dtype)
        if self.missing == "keep":
            return ops.cast((x - hi) * scale + rest, self.compute_dtype)
        # NaN is replaced before the arithmetic as well as after it: else its gradient is NaN, not 0.
        absent = ops.isnan(x)
        known = ops.where(absent, ops.zeros_like(x), x)
        y = ops.where(absent, ops.zeros_like(x), (known - hi) * scale + rest)
        return ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments, in float64: what JSON gives back is what was given."""
        numbers = {"center": self.center, "scale": self.scale, "shift": self.shift}
        return {**super().get_config(), **numbers, "missing": self.missing}

    def _common_size(self) -> int | None:
        columns = {"center": self.center, "scale": self.scale, "shift": self.shift}
        sizes = {name: len(c) for name, c in columns.items() if isinstance(c, list)}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                f"center, scale and shift must be single numbers or equally long, got lengths {sizes}"
            )
        return next(iter(sizes.values()), None)

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


def _column(name: str, values: Any) -> float | list[float]:
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        usable = np.isfinite(array.astype(np.float32))
    if not usable.all():
        raise ValueError(
            f"{name} must hold finite numbers within float32's range, got {array[~usable].flat[0]}"
        )
    if array.ndim > 1:
        raise ValueError(f"{name} must be a number or a sequence of numbers, got shape {array.shape}")
    return float(array) if array.ndim == 0 else [float(v) for v in array]
