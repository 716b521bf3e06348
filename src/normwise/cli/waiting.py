"""A line that says what takes its time, as long as it takes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from normwise.cli.console import is_live


def waiting(console: Console, what: str) -> AbstractContextManager[object]:
    """On a terminal, the line and a spinner; elsewhere nothing. Others may write to the console meanwhile."""
    return console.status(what) if is_live(console) else nullcontext()
