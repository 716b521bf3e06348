"""noted_calls: what calls what, found by calling a model on symbols.

The model is called on `keras.KerasTensor`s, with `training=True`; each call of a layer or an operation tells
what it takes and gives, by the identity of these objects. A layer that holds others is followed inside: its
`call` gets the symbols, where Keras itself would ask for its output's shape alone. One whose `call` cannot
take symbols, because it computes by functions of the backend, is traced by the backend instead: the layers in
it are still seen, what lies between them is not.

Of Keras' internals this leans on `Operation.symbolic_call`, `_inbound_nodes` and `_outbound_nodes`: what
Keras notes there at a symbolic call is taken back, so that the model stays as it is. And on
`Layer._get_call_context` and `Layer._call_has_training_arg`, for what a layer is told of training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from normwise.core.model_record import UNSEEN, CallRecord
from normwise.graph.error_text import error_text
from normwise.graph.layer_kinds import function_of, is_one_call, is_scaling, kind_of, snake_case
from normwise.graph.layer_paths import layer_paths
from normwise.graph.replaced import layer_calls_by, replaced
from normwise.graph.walk import children

tree = keras.tree


@dataclasses.dataclass
class Noted:
    """The calls in their order, which of them gave a tensor, and what could not be seen."""

    calls: list[CallRecord] = dataclasses.field(default_factory=list)
    unseen: list[str] = dataclasses.field(default_factory=list)
    givers: dict[int, str] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    kept: list[Any] = dataclasses.field(default_factory=list)  # an object's identity holds while it lives

    def give(self, values: Any, name: str) -> None:
        """What a call, or an input, gave."""
        for value in tree.flatten(values):
            if is_symbol(value):
                self.kept.append(value)
                self.givers[id(value)] = name

    def giver(self, value: Any) -> str:
        """The call that gave it."""
        return self.givers.get(id(value), UNSEEN)

    def number(self, path: str) -> str:
        """The name of a further call of a layer."""
        self.counts[path] = self.counts.get(path, 0) + 1
        return path if self.counts[path] == 1 else f"{path}#{self.counts[path]}"

    def back_to(self, earlier: Noted) -> None:
        """Forget what was noted since."""
        del self.calls[len(earlier.calls) :], self.unseen[len(earlier.unseen) :]
        self.givers, self.counts = dict(earlier.givers), dict(earlier.counts)

    def copy(self) -> Noted:
        """As it is now."""
        return Noted(list(self.calls), list(self.unseen), dict(self.givers), dict(self.counts))


def noted_calls(model: Any, symbols: Any, inputs: dict[str, Any]) -> Noted:
    """The calls of a model that is called on symbols.

    Args:
        model: A built model.
        symbols: What it is called on.
        inputs: The same, by the inputs' names.
    """
    noted = Noted()
    for name, symbol in inputs.items():
        noted.give(symbol, f"input:{name}")
    with keras.StatelessScope(), _followed(noted, layer_paths(model)):
        outputs = model(symbols, training=True)
    given = {noted.giver(value) for value in tree.flatten(outputs)}
    noted.calls = _used([dataclasses.replace(call, output=call.name in given) for call in noted.calls])
    return noted


def _used(calls: list[CallRecord]) -> list[CallRecord]:
    """Without the operations that compute masks alone: nothing takes what they give."""
    taken = {name for call in calls for name in call.takes}
    used = [call for call in calls if call.layer or call.output or call.name in taken]
    return used if len(used) == len(calls) else _used(used)


def is_symbol(value: Any) -> bool:
    """Whether it is a tensor, or stands for one."""
    return isinstance(value, keras.KerasTensor) or bool(keras.ops.is_tensor(value))


@contextmanager
def _followed(noted: Noted, paths: dict[int, str]) -> Iterator[None]:
    """Within the block, calls of layers and of operations on symbols are noted."""
    following = _Following(noted, paths)

    def operation_called(self: Any, *args: Any, **kwargs: Any) -> Any:
        return following.operation_called(self, args, kwargs)

    def symbolic_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return following.symbolic_call(self, args, kwargs)

    with (
        layer_calls_by(following.layer_called),
        replaced(keras.Operation, "symbolic_call", operation_called),
        replaced(keras.layers.Layer, "symbolic_call", symbolic_call),
    ):
        try:
            yield
        finally:
            following.forget_nodes()


class _Following:
    def __init__(self, noted: Noted, paths: dict[int, str]) -> None:
        self._noted, self._paths = noted, paths
        self._inside = False  # of a layer that counts as one call
        self._holders: list[Any] = []
        self._nodes: dict[int, tuple[Any, int, int]] = {}
        self._plain_operation = keras.Operation.symbolic_call
        self._plain_layer = keras.layers.Layer.symbolic_call

    def layer_called(self, plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """In the place of `Layer.__call__`."""
        self._keep_nodes(layer)
        if self._inside or isinstance(layer, keras.layers.InputLayer):
            return plain(layer, *args, **kwargs)
        if is_one_call(layer):
            return self._note(plain, layer, self._path(layer), self._path(layer), args, kwargs)
        self._holders.append(layer)
        try:
            return plain(layer, *args, **kwargs)
        finally:
            self._holders.pop()

    def operation_called(self, operation: Any, args: Any, kwargs: Any) -> Any:
        """In the place of `Operation.symbolic_call`."""
        in_graph = bool(operation._inbound_nodes)
        self._keep_nodes(operation)
        if self._inside:
            return self._plain_operation(operation, *args, **kwargs)
        if type(operation).__name__ == "ConvertToTensor":  # as Functional models do with what they are given
            outputs = self._plain_operation(operation, *args, **kwargs)
            self._noted.give(outputs, self._noted.giver(args[0]))
            return outputs
        # One that is made as `call` runs has a name that counts all that were ever made.
        name = operation.name
        if not in_graph:
            name = snake_case(type(operation).__name__)
            if len(self._holders) > 1:  # the first is the model
                name = f"{self._path(self._holders[-1])}/{name}"
        return self._note(self._plain_operation, operation, name, "", args, kwargs)

    def symbolic_call(self, layer: Any, args: Any, kwargs: Any) -> Any:
        """In the place of `Layer.symbolic_call`."""
        if self._inside or is_one_call(layer):
            return self._plain_layer(layer, *args, **kwargs)
        before = self._noted.copy()
        try:
            return layer.call(*args, **kwargs)
        except Exception as error:  # whatever the user's code raises on symbols
            self._noted.back_to(before)
            self._noted.unseen.append(_untold(layer, self._path(layer), error))
            return _traced(layer, self._noted, args, kwargs)

    def _path(self, layer: Any) -> str:
        # One that is made as `call` runs is in no list of layers.
        return self._paths.get(id(layer), str(layer.name))

    def forget_nodes(self) -> None:
        """Takes back what Keras noted at the symbolic calls."""
        for operation, inbound, outbound in self._nodes.values():
            del operation._inbound_nodes[inbound:]
            del operation._outbound_nodes[outbound:]

    def _note(self, plain: Any, called: Any, name: str, layer: str, args: Any, kwargs: Any) -> Any:
        inference = bool(layer) and _is_at_inference(called, kwargs)
        self._inside = True
        try:
            outputs = plain(called, *args, **kwargs)
        finally:
            self._inside = False
        values = tree.flatten((args, {k: v for k, v in kwargs.items() if k != "mask"}))
        takes = tuple(self._noted.giver(value) for value in values if is_symbol(value))
        shape = next((_shape(value) for value in tree.flatten(outputs) if is_symbol(value)), ())
        name = self._noted.number(name)
        kind = "scaling" if not layer and is_scaling(called, args) else kind_of(called)
        self._noted.calls.append(
            CallRecord(name, layer, kind, function_of(called), takes, shape, inference=inference)
        )
        self._noted.give(outputs, name)
        return outputs

    def _keep_nodes(self, operation: Any) -> None:
        counts = (len(operation._inbound_nodes), len(operation._outbound_nodes))
        self._nodes.setdefault(id(operation), (operation, *counts))


def _is_at_inference(layer: Any, kwargs: Any) -> bool:
    """Whether a call has ``training=False``, by itself or from what holds the layer."""
    if not layer._call_has_training_arg:
        return False
    given = kwargs.get("training")
    training = layer._get_call_context().get_value("training") if given is None else given
    return isinstance(training, int) and not training


def _traced(layer: Any, noted: Noted, args: Any, kwargs: Any) -> Any:
    """Calls a layer on what the backend traces; the layers inside note their calls by these."""
    before = noted.copy()
    given: list[str] = []

    class Trace(keras.Operation):  # type: ignore[misc]
        def call(self, *values: Any, **named: Any) -> Any:
            noted.back_to(before)  # some backends trace more than once
            _renamed((args, kwargs), (values, named), noted)
            outputs = layer.call(*values, **named)
            given[:] = [noted.giver(value) for value in tree.flatten(outputs)]
            return outputs

    outputs = Trace(name="trace").compute_output_spec(*args, **kwargs)
    for value, name in zip(tree.flatten(outputs), given, strict=False):
        noted.give(value, name)
    return outputs


def _renamed(symbols: Any, values: Any, noted: Noted) -> None:
    for symbol, value in zip(tree.flatten(symbols), tree.flatten(values), strict=False):
        if is_symbol(value):
            noted.give(value, noted.giver(symbol))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in value.shape[1:])


def _untold(layer: Any, path: str, error: Exception) -> str:
    held = "layers" if children(layer) else "nothing"
    return (
        f'the call of the {type(layer).__name__} "{path}" cannot be followed on symbols'
        f" ({error_text(error)}): of what it computes, {held} inside of it can be seen"
    )
