"""Warnings on standard error, each once."""

from __future__ import annotations

from rich.console import Console

from normwise.cli.console import line


class WarningLines:
    """Called with a warning, writes it unless it has been written.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.written: set[str] = set()

    def __call__(self, message: str) -> None:
        if message not in self.written:
            self.written.add(message)
            line(self.console, message, style="yellow", label="warning: ")
