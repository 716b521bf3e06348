"""What fold gives back: the new model, and what became of each normalization as data."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Folded(NamedTuple):
    """A normalization that is gone.

    Attributes:
        layer: The path of the layer in the original model; a further call of it has its number, as in "bn#2".
        kind: Its class.
        how: ``"before"``: it went into the linear layer before it; ``"after"``: into those after it;
            ``"alone"``: no layer took it, and one that scales and shifts stands in its place.
        into: The paths of the layers that do its work now: linear ones, another normalization behind it or
            before it that in its turn went on, or its own.
        reason: Why no layer took it, where it stands alone.

    Example:
        >>> print(Folded("bn", "BatchNormalization", "before", ("dense",)))
        bn (BatchNormalization): into dense before it
    """

    layer: str
    kind: str
    how: Literal["before", "after", "alone"]
    into: tuple[str, ...]
    reason: str = ""

    def __str__(self) -> str:
        places = ", ".join(self.into)
        what = (
            f"one scale and shift, {self.reason}" if self.how == "alone" else f"into {places} {self.how} it"
        )
        return f"{self.layer} ({self.kind}): {what}"


class Kept(NamedTuple):
    """A normalization that is still there, and why.

    Example:
        >>> print(Kept("norm", "LayerNormalization", "no affine map"))
        norm (LayerNormalization): kept, no affine map
    """

    layer: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.layer} ({self.kind}): kept, {self.reason}"


class FoldResult(NamedTuple):
    """The model that `fold` made, and what became of the normalizations of the original.

    Attributes:
        model: The new model.
        folded: The normalizations that are gone, in the order of the calls.
        kept: Those that are still there.
        difference: On the rows that `fold` was given, the largest difference between the outputs of both
            models, in units of the largest output; None without rows.

    Example:
        >>> print(FoldResult(None, [Folded("bn", "BatchNormalization", "after", ("a", "b"))], []))
        bn (BatchNormalization): into a, b after it
    """

    model: Any
    folded: list[Folded]
    kept: list[Kept]
    difference: float | None = None

    def __str__(self) -> str:
        return "\n".join(str(record) for record in (*self.folded, *self.kept))
