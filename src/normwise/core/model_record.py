"""ModelRecord: what a Keras model is made of and which calls take what, as plain data."""

from __future__ import annotations

import dataclasses
from typing import Any

from normwise.core.records import Record

UNSEEN = "unseen"
"""Where what a call takes comes from, if no noted call gave it: a bare function of a subclassed model."""


@dataclasses.dataclass(frozen=True)
class VariableRecord(Record):
    """A variable of a layer.

    Args:
        name: Its own name, such as ``"kernel"`` or ``"gamma"``.
        path: The layer's path and its name.
        shape: Its shape.
        dtype: Its dtype.
        trainable: Whether training changes it.
        decay: The weight decay that the optimizer applies to it, and the L2 factor of its regularizer added.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    decay: float = 0.0


@dataclasses.dataclass(frozen=True)
class LayerRecord(Record):
    """A layer.

    Args:
        path: The names of the layers that hold it and its own, "/" between them, but for the model's.
        class_name: Its class, such as ``"Dense"``.
        kind: What it is to a rule: ``"linear"``, ``"activation"``, ``"dropout"``, ``"batch normalization"``
            (keeps moving statistics), ``"normalization"`` (of a row, by no statistics), ``"scaling"`` (of
            inputs), ``"recurrent"``, ``"attention"``, ``"embedding"``, ``"pooling"``, ``"shape"`` (moves
            values and changes none), ``"merge"``, ``"model"`` or ``"other"``.
        trainable: Whether training changes it; a batch normalization that is not is frozen.
        variables: Its own variables, not those of layers inside.
        config: Of its configuration, what is plain: numbers, words, switches and lists of them.
        holder: The path of the layer that holds it; "" is the model itself.
        draws: Whether it draws random numbers in training, as noise; what augments the data does not count.
    """

    path: str
    class_name: str
    kind: str
    trainable: bool
    variables: tuple[VariableRecord, ...] = ()
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    holder: str = ""
    draws: bool = False

    def variable(self, name: str) -> VariableRecord | None:
        """The variable of this name, or None."""
        return next((v for v in self.variables if v.name == name), None)


@dataclasses.dataclass(frozen=True)
class CallRecord(Record):
    """One call of a layer or an operation in a forward pass.

    Args:
        name: The layer's path, with "#2" behind it at its second call; of an operation its name.
        layer: The layer's path; "" of an operation.
        kind: As in `LayerRecord`; of an operation likewise.
        function: The activation function that is applied last, by its name; "" for none.
        takes: The names of the calls whose outputs it takes, in order; ``"input:NAME"`` is an input of the
            model, `UNSEEN` what no noted call gave.
        shape: The shape of its first output without the rows; −1 is unknown.
        output: Whether an output of the model is what it gives.
        inference: Whether it computes as at inference while the model is in training, since what holds the
            layer calls it with ``training=False``.
    """

    name: str
    layer: str
    kind: str
    function: str
    takes: tuple[str, ...]
    shape: tuple[int, ...]
    output: bool = False
    inference: bool = False


@dataclasses.dataclass(frozen=True)
class ModelRecord(Record):
    """A model: its layers in the order in which they hold each other, its calls in the order of computing.

    Args:
        name: Its name.
        layers: All layers, at any depth.
        calls: All calls of layers that hold no other layers, and of operations; empty where the model could
            not be called on symbols.
        optimizer: The class of the optimizer; "" where it is not compiled.
        iterations: How many steps the optimizer has taken.
        loss: The name of the loss; "" where it is not compiled.
        unseen: What could not be seen, a sentence each.
    """

    name: str
    layers: tuple[LayerRecord, ...]
    calls: tuple[CallRecord, ...]
    optimizer: str = ""
    iterations: int = 0
    loss: str = ""
    unseen: tuple[str, ...] = ()

    def layer(self, path: str) -> LayerRecord:
        """The layer of this path."""
        return next(layer for layer in self.layers if layer.path == path)

    def call(self, name: str) -> CallRecord | None:
        """The call of this name; None of an input or of what is unseen."""
        return next((call for call in self.calls if call.name == name), None)

    def takers(self, name: str) -> tuple[CallRecord, ...]:
        """The calls that take what a call, or an input, gives."""
        return tuple(call for call in self.calls if name in call.takes)
