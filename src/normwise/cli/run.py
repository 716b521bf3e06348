"""The command as a process: how it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import NoReturn

from normwise.cli.main import app
from normwise.cli.program import NAME


def run() -> None:
    """Runs the command line, and ends its process at once.

    Where a command was refused or aborted, the threads of a table engine may be amid a call of ours, and
    Python's orderly end would abort the process on their return ("FATAL: exception not rethrown"). After any
    other, taking Keras and JAX apart piece by piece would take a second.
    """
    try:
        app(prog_name=NAME)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leave_at_once(end.code or 0)
        raise


def leave_at_once(status: int) -> NoReturn:
    """Ends the process without waiting for threads; what was to be done at its end, temporary files, is."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
