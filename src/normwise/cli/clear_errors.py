"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from normwise.cli.console import line, messages
from normwise.core.errors import NormwiseError

REFUSED, ABORTED = 2, 130


@contextmanager
def clear_errors() -> Iterator[None]:
    """A NormwiseError becomes one message and exit 2, Ctrl-C exit 130; other errors keep their traceback."""
    try:
        yield
    except NormwiseError as error:
        line(messages(), str(error), style="bold red", label="error: ")
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt as error:
        line(messages(), "aborted; nothing was written.")
        raise typer.Exit(ABORTED) from error
