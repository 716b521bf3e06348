"""PerFeature: what the layers share that map each feature by numbers of its own."""

from __future__ import annotations

import abc
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.kernels.precision import at_least_float32

Column = float | list[float]
_MISSING = ("keep", "zero")
_INFINITE = ("keep", "null")


class PerFeature(keras.layers.Layer, abc.ABC):  # type: ignore[misc]
    """A map of each feature of the last axis, computed in float32 at least; there are no variables.

    Args:
        features: How many features there are, or None where the same numbers serve any of them.
        numbers: What the features' numbers are called in an error.
        missing: ``"keep"`` or ``"zero"``: what becomes of NaN.
        infinite: ``"keep"`` or ``"null"``: whether ±inf is taken for a missing value.
        **kwargs: Keras' layer arguments.
    """

    def __init__(
        self, features: int | None, numbers: str, missing: str, infinite: str, **kwargs: Any
    ) -> None:
        # Inputs must not be cast to half precision before an offset is subtracted.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if missing not in _MISSING:
            raise ValueError(f'missing must be "keep" or "zero", got {missing!r}')
        if infinite not in _INFINITE:
            raise ValueError(f'infinite must be "keep" or "null", got {infinite!r}')
        self.missing, self.infinite = missing, infinite
        self.supports_masking = True
        self._features, self._numbers = features, numbers

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check that there is one number a feature."""
        size = input_shape[-1] if len(input_shape) else None
        if self._features is not None and size != self._features:
            raise ValueError(
                f"the input's last axis has {size} features, but {self._numbers} are for {self._features}; "
                f"input shape: {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Map a tensor of shape (…, features)."""
        dtype = at_least_float32(inputs.dtype)
        x = ops.cast(inputs, dtype)
        # NaN is replaced before the arithmetic as well as after it: else its gradient is NaN. The condition
        # is isnan itself, since tf2onnx multiplies by any other one, which NaN survives.
        absent = ops.isnan(x if self.infinite == "keep" else x - x)
        y = self._map(ops.where(absent, 0.0, x), dtype)
        return ops.cast(ops.where(absent, self._instead, y), self.compute_dtype)

    @property
    def _instead(self) -> float:
        """What stands in the output for what is missing."""
        return 0.0 if self.missing == "zero" else float("nan")

    @abc.abstractmethod
    def _map(self, x: Any, dtype: str) -> Any:
        """The map of numbers that are not NaN, in `dtype`."""

    def get_config(self) -> dict[str, Any]:
        """What becomes of NaN and ±inf, besides what every layer has."""
        return {**super().get_config(), "missing": self.missing, "infinite": self.infinite}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return input_shape


def column(name: str, values: Any, dtype: str = "float32") -> Column:
    """A number, or a list of numbers, that `dtype` holds."""
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        usable = np.isfinite(array.astype(dtype))
    if not usable.all():
        raise ValueError(
            f"{name} must hold finite numbers within {dtype}'s range, got {array[~usable].flat[0]}"
        )
    if array.ndim > 1:
        raise ValueError(f"{name} must be a number or a sequence of numbers, got shape {array.shape}")
    return float(array) if array.ndim == 0 else [float(v) for v in array]


def common_size(columns: dict[str, Column]) -> int | None:
    """The length that the lists among the columns have in common, or None if there is no list."""
    sizes = {name: len(c) for name, c in columns.items() if isinstance(c, list)}
    if len(set(sizes.values())) > 1:
        *names, last = columns
        raise ValueError(
            f"{', '.join(names)} and {last} must be single numbers or equally long, got lengths {sizes}"
        )
    return next(iter(sizes.values()), None)
