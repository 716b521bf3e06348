"""What came of a script."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """Something about a line of the script, as it was given."""

    line: int
    text: str


class Advice(NamedTuple):
    """What the doctor would say of the code that can be seen."""

    line: int
    code: str
    text: str


class Migration(NamedTuple):
    """The new code, and what is to be known of it.

    Attributes:
        code: The script in Keras 3.
        changed: What was rewritten.
        left: What was not, because it could not be with certainty, and what to do there.
        notes: What is as it was in words, and may be another thing now.
        advice: What the code could do better, where that was asked for.
    """

    code: str
    changed: tuple[Line, ...]
    left: tuple[Line, ...]
    notes: tuple[Line, ...] = ()
    advice: tuple[Advice, ...] = ()
