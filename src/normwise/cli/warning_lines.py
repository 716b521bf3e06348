"""Warnings on standard error, each once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from normwise.cli.console import line
from normwise.core.errors import NormwiseWarning


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


@contextmanager
def warnings_after(console: Console) -> Iterator[None]:
    """What the block warns of as a `NormwiseWarning` is written when it has ended well."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NormwiseWarning)
        yield
    warn = WarningLines(console)
    for found in caught:
        if issubclass(found.category, NormwiseWarning):
            warn(str(found.message))
