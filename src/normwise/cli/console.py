"""Where the commands speak: results to standard output; progress, warnings and errors to standard error."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from normwise.core.errors import NormwiseError

if TYPE_CHECKING:
    from rich.console import Console


def results() -> Console:
    """Standard output."""
    return _console(stderr=False)


def messages() -> Console:
    """Standard error."""
    return _console(stderr=True)


def is_live(console: Console) -> bool:
    """Whether lines may be redrawn: a terminal that knows how to."""
    return console.is_terminal and not console.is_dumb_terminal


def literal(text: str) -> str:
    """Words of the data on one line: no control character, no line break of theirs reaches the terminal."""
    from normwise.report.text import one_line

    return one_line(text, limit=len(text) + 1)


def line(console: Console, text: str, style: str = "", label: str = "", wrap: bool = True) -> None:
    """Writes one line as it stands: what looks like markup in it is text.

    Args:
        console: Where to.
        text: The line.
        style: Of the label, or of the whole line where there is no label.
        label: What stands before the text.
        wrap: Whether a terminal breaks it between words; not what is to be copied.
    """
    from rich.text import Text

    whole = Text.assemble((label, style), literal(text)) if label else Text(literal(text), style=style)
    console.print(whole, soft_wrap=not (wrap and console.is_terminal))


def write_text(text: str, encoding: str = "utf-8") -> None:
    """Text to standard output as it is, in UTF-8 whatever the locale; where it goes to a file, in `encoding`.

    Raises:
        NormwiseError: If the disk behind it is full.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8" if sys.stdout.isatty() else encoding))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise  # its reader has had enough, which Typer knows to end quietly
    except OSError as error:
        raise NormwiseError(f"standard output cannot be written: {error.strerror}.") from error


def _console(stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A locale that lacks a letter of the data must not end a training.
        stream.reconfigure(errors="backslashreplace")
    plain = "NO_COLOR" in os.environ or not stream.isatty()
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, no_color=plain)
