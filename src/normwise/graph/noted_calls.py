"""noted_calls: what calls what, found by calling a model on symbols.

The model is called on `keras.KerasTensor`s, with `training=True`; each call of a layer or an operation tells what
it takes and gives, by the identity of these objects. A layer that holds others is followed inside: its `call`
gets the symbols, where Keras itself would ask for its output's shape alone. One whose `call` cannot take symbols,
because it computes by functions of the backend, is traced by the backend instead: the layers in it are still seen,
what lies between them is not.

Of Keras' internals this leans on `Operation.symbolic_call`, `Operation._inbound_nodes` and `_outbound_nodes`: what Keras notes at a symbolic call is taken back, so that the model stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from normwise.core.model_record import UNSEEN, CallRecord
from normwise.graph.layer_calls import path_of
from normwise.graph.layer_kinds import function_of, is_one_call, kind_of, snake_case
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
    with keras.StatelessScope(), _followed(noted):
        outputs = model(symbols, training=True)
    given = {noted.giver(value) for value in tree.flatten(outputs)}
    noted.calls = [dataclasses.replace(call, output=call.name in given) for call in noted.calls]
    return noted


def is_symbol(value: Any) -> bool:
    """Whether it is a tensor, or stands for one."""
    return isinstance(value, keras.KerasTensor) or bool(keras.ops.is_tensor(value))


@contextmanager
def _followed(noted: Noted) -> Iterator[None]:
    inside = False
    holders: list[Any] = []
    nodes: dict[int, tuple[Any, int, int]] = {}
    plain_operation = keras.Operation.symbolic_call
    plain_symbolic = keras.layers.Layer.symbolic_call

    def leaf(plain: Any, called: Any, name: str, layer: str, args: Any, kwargs: Any) -> Any:
        nonlocal inside
        inside = True
        try:
            outputs = plain(called, *args, **kwargs)
        finally:
            inside = False
        values = tree.flatten((args, {k: v for k, v in kwargs.items() if k != "mask"}))
        takes = tuple(noted.giver(value) for value in values if is_symbol(value))
        shape = next((_shape(value) for value in tree.flatten(outputs) if is_symbol(value)), ())
        numbered = noted.number(name)
        noted.calls.append(CallRecord(numbered, layer, kind_of(called), function_of(called), takes, shape))
        noted.give(outputs, numbered)
        return outputs

    def layer_called(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        keep_nodes(self)
        if inside or isinstance(self, keras.layers.InputLayer):
            return plain(self, *args, **kwargs)
        if is_one_call(self):
            return leaf(plain, self, path_of(self), path_of(self), args, kwargs)
        holders.append(self)
        try:
            return plain(self, *args, **kwargs)
        finally:
            holders.pop()

    def operation_called(self: Any, *args: Any, **kwargs: Any) -> Any:
        in_graph = bool(self._inbound_nodes)
        keep_nodes(self)
        if inside:
            return plain_operation(self, *args, **kwargs)
        if type(self).__name__ == "ConvertToTensor":  # as Functional models do with what they are given
            outputs = plain_operation(self, *args, **kwargs)
            noted.give(outputs, noted.giver(args[0]))
            return outputs
        # One that is made as `call` runs has a name that counts all that were ever made.
        name = self.name if in_graph else "/".join([*_path(holders), snake_case(type(self).__name__)])
        return leaf(plain_operation, self, name, "", args, kwargs)

    def symbolic(self: Any, *args: Any, **kwargs: Any) -> Any:
        if inside or is_one_call(self):
            return plain_symbolic(self, *args, **kwargs)
        before = noted.copy()
        try:
            return self.call(*args, **kwargs)
        except Exception as error:  # whatever the user's code raises on symbols
            noted.back_to(before)
            noted.unseen.append(_untold(self, error))
            return _traced(self, noted, args, kwargs)

    def keep_nodes(operation: Any) -> None:
        counts = (len(operation._inbound_nodes), len(operation._outbound_nodes))
        nodes.setdefault(id(operation), (operation, *counts))

    with (
        layer_calls_by(layer_called),
        replaced(keras.Operation, "symbolic_call", operation_called),
        replaced(keras.layers.Layer, "symbolic_call", symbolic),
    ):
        try:
            yield
        finally:
            for operation, inbound, outbound in nodes.values():
                del operation._inbound_nodes[inbound:]
                del operation._outbound_nodes[outbound:]


def _traced(layer: Any, noted: Noted, args: Any, kwargs: Any) -> Any:
    """Calls a layer on what the backend traces; the layers inside note their calls by these."""
    before, given = noted.copy(), []

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


def _path(holders: list[Any]) -> list[str]:
    return [path_of(holders[-1])] if len(holders) > 1 else []


def _untold(layer: Any, error: Exception) -> str:
    lines = str(error).strip().splitlines()
    cause = f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
    held = "layers" if children(layer) else "nothing"
    return (
        f'the call of the {type(layer).__name__} "{path_of(layer)}" cannot be followed on symbols ({cause}): of'
        f" what it computes, {held} inside of it can be seen"
    )
