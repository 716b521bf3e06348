"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

import _thread
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from normwise.cli.console import line, messages
from normwise.core.errors import NormwiseError

REFUSED, ABORTED = 2, 130


@contextmanager
def crashes_refused() -> Iterator[None]:
    """An error that nobody foresaw exits with 2, behind its traceback: 1 would say that something was found.

    It is for commands whose exit status 1 is a result.
    """
    try:
        yield
    except (typer.Exit, typer.BadParameter, BrokenPipeError):
        raise
    except Exception as error:
        traceback.print_exc()
        raise typer.Exit(REFUSED) from error


@contextmanager
def clear_errors() -> Iterator[None]:
    """A NormwiseError becomes one message and exit 2, Ctrl-C exit 130; other errors keep their traceback."""
    before, over = sys.unraisablehook, False

    def interrupt_again() -> None:
        if not over:
            _thread.interrupt_main()

    def keep_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
        # Python prints a Ctrl-C that arrives amid a finalizer, forgets it and goes on. Polars, when
        # interrupted, closes the generators it reads from, and brings a second KeyboardInterrupt just then.
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
        elif not over:
            threading.Timer(0.01, interrupt_again).start()

    sys.unraisablehook = keep_interrupts
    try:
        yield
    except NormwiseError as error:
        over = True
        line(messages(), str(error), style="bold red", label="error: ")
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt as error:
        over = True
        line(messages(), "aborted; nothing was written.")
        raise typer.Exit(ABORTED) from error
    finally:
        over = True
        sys.unraisablehook = before
