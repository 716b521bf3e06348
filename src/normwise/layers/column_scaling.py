"""ColumnScaling: a layer for each group of columns, in one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.kernels.precision import at_least_float32
from normwise.kernels.take_columns import take_columns
from normwise.layers._arguments import whole


@keras.saving.register_keras_serializable(package="normwise")
class ColumnScaling(keras.layers.Layer):  # type: ignore[misc]
    """Hands each layer its own columns of the last axis, and puts what comes back where they were.

    ``y[…, columnsᵢ] = layerᵢ(x[…, columnsᵢ])``; columns that no layer is given stay as they are.

    Args:
        columns: Per layer, the positions of its columns, in the order in which it takes them.
        layers: As many layers, each of which keeps the number of its columns: `FeatureScaling`,
            `PowerScaling`, `QuantileScaling`, another `ColumnScaling`, or any other.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`; the layers have their own dtypes.

    Input shape: (…, features). Output shape: the same, in the policy's compute dtype.

    Raises:
        ValueError: If the lists are not equally long, a position is negative, doubled or not in the input, or
            a layer gives another number of columns than it was given.
        TypeError: If a layer is none, or a position is no whole number.

    Example:
        >>> from normwise import FeatureScaling
        >>> layer = ColumnScaling([[0, 2]], [FeatureScaling([1.0, 3.0], 10.0)])
        >>> layer(np.array([[1.0, 2.0, 4.0]])).tolist()
        [[0.0, 2.0, 10.0]]
    """

    def __init__(
        self, columns: Sequence[Sequence[int]], layers: Sequence[keras.layers.Layer], **kwargs: Any
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.columns = [[whole("a column", c) for c in group] for group in columns]
        self.layers = [_layer(v) for v in layers]
        self.supports_masking = True
        _check_columns(self.columns, len(self.layers))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build each layer for its columns."""
        size = input_shape[-1] if len(input_shape) else None
        last = max((c for group in self.columns for c in group), default=-1)
        if size is None or size <= last:
            raise ValueError(
                f"the input's last axis has {size} features, but column {last} is to be scaled; "
                f"input shape: {tuple(input_shape)}"
            )
        for group, layer in zip(self.columns, self.layers, strict=True):
            shape = (*input_shape[:-1], len(group))
            # One that comes from a file is built already.
            if not layer.built:
                layer.build(shape)
            if layer.compute_output_shape(shape)[-1] != len(group):
                raise ValueError(
                    f"the layer {layer.name!r} makes {layer.compute_output_shape(shape)[-1]} columns of the "
                    f"{len(group)} columns {list(group)}; expected as many"
                )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Scale a tensor of shape (…, features)."""
        size = inputs.shape[-1]
        given = [c for group in self.columns for c in group]
        rest = [c for c in range(size) if c not in given]
        parts = [
            ops.cast(layer(_taken(inputs, group)), self.compute_dtype)
            for group, layer in zip(self.columns, self.layers, strict=True)
        ]
        if rest:
            parts.append(self._kept(_taken(inputs, rest)))
        return _taken(ops.concatenate(parts, axis=-1), np.argsort([*given, *rest]).tolist())

    def _kept(self, x: Any) -> Any:
        return ops.cast(ops.cast(x, at_least_float32(x.dtype)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The columns and the layers, serialized."""
        layers = [keras.saving.serialize_keras_object(v) for v in self.layers]
        return {**super().get_config(), "columns": [list(g) for g in self.columns], "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ColumnScaling:
        """The layer of a configuration, in safe mode where the loader is in it."""
        layers = [keras.saving.deserialize_keras_object(v) for v in config["layers"]]
        return cls(**{**config, "layers": layers})


def _layer(value: Any) -> keras.layers.Layer:
    if not isinstance(value, keras.layers.Layer):
        raise TypeError(f"layers must hold Keras layers, got {value!r}")
    return value


def _check_columns(columns: list[list[int]], layers: int) -> None:
    if len(columns) != layers:
        raise ValueError(
            f"columns and layers must be equally long, got {len(columns)} groups and {layers} layers"
        )
    seen: set[int] = set()
    for group in columns:
        for c in group:
            if c < 0 or c in seen:
                raise ValueError(
                    f"columns must hold each position once, counted from 0, got {c} in {columns}"
                )
            seen.add(c)
    if empty := [i for i, group in enumerate(columns) if not group]:
        raise ValueError(f"every layer needs a column, but group {empty[0]} of {columns} is empty")


def _taken(x: Any, columns: Sequence[int]) -> Any:
    return x if list(columns) == list(range(x.shape[-1])) else take_columns(x, columns)
