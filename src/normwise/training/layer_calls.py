"""layer_calls: what activation functions and normalization layers take and give, noted in tracing a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from jax.extend.core import get_opaque_trace_state

from normwise.core.probe import ActivationSeen, NormalizationSeen
from normwise.layers.batch_normalization import BatchNormalization
from normwise.training.replaced import layer_calls_by, replaced

LINEAR = keras.activations.linear
ACTIVATION_LAYERS = {
    keras.layers.ReLU: "relu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ELU: "elu",
    keras.layers.Softmax: "softmax",
}
"""Layers that are an activation function, without holding one as their `activation`."""


@dataclasses.dataclass
class Calls:
    """What was called, in the order of the calls."""

    activations: list[ActivationSeen] = dataclasses.field(default_factory=list)
    normalizations: list[NormalizationSeen] = dataclasses.field(default_factory=list)


@contextmanager
def calls_noted() -> Iterator[Calls]:
    """Within the block, what activation functions and normalization layers take and give.

    A layer that is called inside of a further transformation, such as a recurrent cell in its loop, is left
    out: its arrays are of no meaning outside of that.
    """
    calls, here = Calls(), _trace()

    def call(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if _trace() != here:
            return plain(self, *args, **kwargs)
        if _keeps_statistics(self) and args:
            calls.normalizations.append(_normalization(self, args[0]))
        with _activation_noted(self, calls.activations):
            outputs = plain(self, *args, **kwargs)
        if type(self) in ACTIVATION_LAYERS:
            calls.activations.append(
                ActivationSeen(_path(self), ACTIVATION_LAYERS[type(self)], args[0], outputs)
            )
        return outputs

    with layer_calls_by(call), _activation_outside(here):
        yield calls


@contextmanager
def _activation_outside(here: Any) -> Iterator[None]:
    """Within the block, a fused activation is called outside of the function with derivatives of its own."""
    fused = BatchNormalization.call

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        function = self.activation
        if function is None or _trace() != here:
            return fused(self, *args, **kwargs)
        with replaced(self, "activation", None):
            inputs = fused(self, *args, **kwargs)
        return function(inputs)

    with replaced(BatchNormalization, "call", call):
        yield


@contextmanager
def _activation_noted(layer: Any, notes: list[ActivationSeen]) -> Iterator[None]:
    function = vars(layer).get("activation")
    # A layer given as activation notes itself.
    if not callable(function) or isinstance(function, keras.layers.Layer) or function is LINEAR:
        yield
    else:
        with replaced(layer, "activation", _noted(layer, function, notes)):
            yield


def _noted(layer: Any, function: Callable[..., Any], notes: list[ActivationSeen]) -> Callable[..., Any]:
    here = _trace()

    def noted(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = function(inputs, *args, **kwargs)
        if _trace() == here:
            name = getattr(function, "__name__", type(function).__name__)
            notes.append(ActivationSeen(_path(layer), name, inputs, outputs))
        return outputs

    return noted


def _trace() -> Any:
    """The transformation that is being traced, to be compared."""
    return get_opaque_trace_state()  # type: ignore[no-untyped-call]


def _path(layer: Any) -> str:
    # A layer without weights may never have been built inside of a model, and then has no path.
    return str(layer.path or layer.name)


def _keeps_statistics(layer: Any) -> bool:
    return hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance") and hasattr(layer, "axis")


def _normalization(layer: Any, inputs: Any) -> NormalizationSeen:
    given = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    channels = {axis % inputs.ndim for axis in given}
    axes = tuple(axis for axis in range(inputs.ndim) if axis not in channels)
    return NormalizationSeen(_path(layer), inputs, axes, layer.moving_mean.value, layer.moving_variance.value)
