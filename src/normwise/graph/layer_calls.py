"""layer_calls: what activation functions and normalization layers take and give, noted as a model is called.

Of Keras' internals this leans on `Layer._seed_generators`, `Layer._call_has_training_arg` and
`Layer._get_call_context`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from normwise.core.probe import ActivationSeen, NormalizationSeen
from normwise.graph.replaced import layer_calls_by, replaced
from normwise.layers.batch_normalization import BatchNormalization

LINEAR = keras.activations.linear
ACTIVATION_LAYERS = {
    keras.layers.ReLU: "relu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ELU: "elu",
    keras.layers.Softmax: "softmax",
}
"""Layers that are an activation function, without holding one as their `activation`."""
LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)
"""Layers that call those inside of them once a time step, on some backends in a loop of the compiler."""


@dataclasses.dataclass
class Calls:
    """What was called, in the order of the calls."""

    activations: list[ActivationSeen] = dataclasses.field(default_factory=list)
    normalizations: list[NormalizationSeen] = dataclasses.field(default_factory=list)


@contextmanager
def calls_noted() -> Iterator[Calls]:
    """Within the block, what activation functions and normalization layers take and give.

    A layer that is called inside of a further transformation, or once a time step by a recurrent layer, is
    left out: its arrays are of no meaning outside of that.
    """
    calls = Calls()
    with calls_told(calls.activations.append, calls.normalizations.append):
        yield calls


@contextmanager
def calls_told(
    activation: Callable[[ActivationSeen], object],
    normalization: Callable[[NormalizationSeen], object],
    named: Callable[[Any], str] | None = None,
) -> Iterator[None]:
    """As `calls_noted`, each call being told when it is made: nothing keeps its arrays.

    Args:
        activation: Told of each activation function.
        normalization: Told of each normalization layer.
        named: What a layer is called; by default its path.
    """
    name = named or path_of
    here, in_loop = current_trace(), False

    def call(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal in_loop
        if in_loop or current_trace() != here:
            return plain(self, *args, **kwargs)
        if isinstance(self, LOOPS):
            in_loop = True
            try:
                return plain(self, *args, **kwargs)
            finally:
                in_loop = False
        if keeps_statistics(self) and args:
            normalization(_normalization(self, name(self), args[0]))
        with _activation_noted(self, name(self), activation):
            outputs = plain(self, *args, **kwargs)
        if type(self) in ACTIVATION_LAYERS:
            activation(ActivationSeen(name(self), activation_function(self), args[0], outputs))
        return outputs

    with layer_calls_by(call), _activation_outside(here):
        yield


@contextmanager
def without_noise() -> Iterator[None]:
    """Within the block, layers that draw random numbers, such as dropout, compute as at inference."""

    def call(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._seed_generators and self._call_has_training_arg:
            return called_with_training(plain, self, False, args, kwargs)
        return plain(self, *args, **kwargs)

    with layer_calls_by(call):
        yield


def called_with_training(
    plain: Callable[..., Any], layer: Any, training: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Calls a layer with another `training` than it would have, which layers called after it do not inherit.

    Keras hands on a `training` that one layer was given to those that come after it and were given none.
    """
    context = layer._get_call_context()
    meant = kwargs["training"] if "training" in kwargs else context.get_value("training")
    try:
        return plain(layer, *args, **{**kwargs, "training": training})
    finally:
        context.set_value("training", meant)


def by_call(found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values by the layer's path; a layer that is called again has its number behind it, as in "dense#2"."""
    values: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for path, value in found:
        counts[path] = counts.get(path, 0) + 1
        values[path if counts[path] == 1 else f"{path}#{counts[path]}"] = value
    return values


@contextmanager
def _activation_outside(here: Any) -> Iterator[None]:
    """Within the block, a fused activation is called outside of the function with derivatives of its own."""
    fused = BatchNormalization.call

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        function = self.activation
        if function is None or current_trace() != here:
            return fused(self, *args, **kwargs)
        with replaced(self, "activation", None):
            inputs = fused(self, *args, **kwargs)
        return function(inputs)

    with replaced(BatchNormalization, "call", call):
        yield


@contextmanager
def _activation_noted(layer: Any, path: str, note: Callable[[ActivationSeen], object]) -> Iterator[None]:
    function = vars(layer).get("activation")
    # A layer given as activation notes itself.
    if not callable(function) or isinstance(function, keras.layers.Layer) or function is LINEAR:
        yield
    else:
        with replaced(layer, "activation", _noted(path, function, note)):
            yield


def _noted(
    path: str, function: Callable[..., Any], note: Callable[[ActivationSeen], object]
) -> Callable[..., Any]:
    here = current_trace()

    def noted(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = function(inputs, *args, **kwargs)
        if current_trace() == here:
            name = getattr(function, "__name__", type(function).__name__)
            note(ActivationSeen(path, name, inputs, outputs))
        return outputs

    return noted


def current_trace() -> Any:
    """The transformation that is being traced, to be compared; other backends than JAX have none."""
    if keras.backend.backend() != "jax":
        return None
    from jax.extend.core import get_opaque_trace_state

    return get_opaque_trace_state()  # type: ignore[no-untyped-call]


def path_of(layer: Any) -> str:
    """The path of a layer, or its name."""
    # A layer without weights may never have been built inside of a model, and then has no path.
    return str(layer.path or layer.name)


def activation_function(layer: Any) -> str:
    """The function that one of `ACTIVATION_LAYERS` is: what a ReLU is, its arguments say."""
    if type(layer) is keras.layers.ReLU and layer.negative_slope:
        return "leaky_relu"
    if type(layer) is keras.layers.ReLU and layer.max_value == 6:
        return "relu6"
    return ACTIVATION_LAYERS[type(layer)]


def keeps_statistics(layer: Any) -> bool:
    """Whether the layer normalizes by the batch's statistics and keeps moving ones."""
    return hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance") and hasattr(layer, "axis")


def axes_of_statistics(layer: Any, inputs: Any) -> tuple[int, ...]:
    """The axes of a normalization layer's input that its statistics are taken over."""
    given = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    channels = {axis % len(inputs.shape) for axis in given}
    return tuple(axis for axis in range(len(inputs.shape)) if axis not in channels)


def _normalization(layer: Any, path: str, inputs: Any) -> NormalizationSeen:
    return NormalizationSeen(
        path,
        inputs,
        axes_of_statistics(layer, inputs),
        layer.moving_mean.value,
        layer.moving_variance.value,
    )
