"""What insert gives back: the new model, and what was done as data."""

from __future__ import annotations

from typing import Any, NamedTuple


class Change(NamedTuple):
    """One thing that was done to a model, or deliberately not done.

    Attributes:
        layer: The name of the layer of the original model.
        what: What was done, such as ``"bias dropped"``.

    Example:
        >>> print(Change("dense", "bias dropped"))
        dense: bias dropped
    """

    layer: str
    what: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}"


class InsertResult(NamedTuple):
    """The model that `insert` made, and how it differs from the original.

    Attributes:
        model: The new model.
        changes: What was done, in the order of the layers.

    Example:
        >>> print(InsertResult(None, [Change("dense", "bias dropped"), Change("out", "left alone")]))
        dense: bias dropped
        out: left alone
    """

    model: Any
    changes: list[Change]

    def __str__(self) -> str:
        return "\n".join(str(change) for change in self.changes)
