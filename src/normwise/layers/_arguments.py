"""The arguments of BatchNormalization, checked: each error names the value and what was expected."""

from __future__ import annotations

import operator
from typing import Any

import keras

Schedule = keras.optimizers.schedules.LearningRateSchedule


def whole(name: str, value: Any) -> int:
    """A whole number, of NumPy or Python."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, such as -1, got {value!r}") from None


def axis_of(value: Any) -> int | list[int]:
    """One axis, or a list of several."""
    if not isinstance(value, (list, tuple)):
        return whole("axis", value)
    if not value:
        raise ValueError("axis must name at least one axis, got an empty list")
    return [whole("axis", v) for v in value]


def channel_axes(axis: int | list[int], shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The channels' axes of an input of this shape, from the first."""
    rank = len(shape)
    axes = [axis] if isinstance(axis, int) else axis
    for a in axes:
        if not -rank <= a < rank:
            raise ValueError(f"axis {a} is not an axis of an input of shape {tuple(shape)}")
    found = tuple(sorted({a % rank for a in axes}))
    if len(found) < len(axes):
        raise ValueError(f"axis {axis} names an axis of an input of shape {tuple(shape)} twice")
    if len(found) == rank:
        raise ValueError(f"axis {axis} leaves no axis of an input of shape {tuple(shape)} to average over")
    return found


def number(name: str, value: Any) -> float:
    """A number as a float."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def momentum_of(name: str, value: Any) -> Any:
    """A number in [0, 1], or a schedule of such numbers."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if isinstance(value, Schedule):
        return value
    m = number(name, value)
    if not 0.0 <= m <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {m}")
    return m


def epsilon_of(value: Any) -> float:
    """A finite number that is not negative."""
    epsilon = number("epsilon", value)
    if not epsilon >= 0.0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    if epsilon == float("inf"):
        raise ValueError("epsilon must be finite, got inf")
    return epsilon


def clipping_of(value: Any) -> dict[str, float | None]:
    """The bounds of batch renormalization by Keras' keys, those that were given."""
    keys = ("rmax", "rmin", "dmax")
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"renorm_clipping must be a dictionary with keys of {list(keys)}, got {value!r}")
    given = dict(value or {})
    if set(given) - set(keys):
        raise ValueError(f"Received invalid keys for renorm_clipping: {given}. Supported keys: {list(keys)}")
    bounds = {k: None if v is None else number(f"renorm_clipping[{k!r}]", v) for k, v in given.items()}
    rmax, rmin, dmax = (bounds.get(k) for k in keys)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(f"rmax should be at least rmin in renorm_clipping, got rmax={rmax}, rmin={rmin}")
    if dmax is not None and dmax < 0:
        raise ValueError(f"dmax should be non-negative in renorm_clipping, got dmax={dmax}")
    return bounds


def group_size(value: Any) -> int | None:
    """How many rows a ghost batch has, or None."""
    if value is None:
        return None
    size = whole("virtual_batch_size", value)
    if size < 1:
        raise ValueError(f"virtual_batch_size must be at least 1, got {size}")
    return size


def activation_of(value: Any) -> Any:
    """A function of Keras' activations, or None."""
    if isinstance(value, keras.layers.Layer):
        raise TypeError(
            f"activation must be a function or its name, such as 'relu', got the layer {value.name!r}; "
            "put the layer behind the normalization"
        )
    return None if value is None else keras.activations.get(value)


def real_float(dtype: Any) -> str:
    """The dtype in which whole numbers and booleans are normalized."""
    name = keras.backend.standardize_dtype(dtype)
    if name.startswith("complex"):
        raise TypeError(f"BatchNormalization takes real numbers, got an input of dtype {name}")
    return "float32"
