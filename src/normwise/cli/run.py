"""The command as a process: how it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import NoReturn

from normwise.cli.clear_errors import ABORTED, REFUSED
from normwise.cli.main import app
from normwise.cli.program import NAME


def run() -> None:
    """Runs the command line; a command that was refused or aborted ends its process at once.

    The threads of a table engine may be amid a call of ours then, and Python's orderly end would abort the
    process on their return ("FATAL: exception not rethrown").
    """
    try:
        app(prog_name=NAME)
    except SystemExit as end:
        if end.code in (REFUSED, ABORTED):
            leave_at_once(end.code)
        raise


def leave_at_once(status: int) -> NoReturn:
    """Ends the process without waiting for threads; what was to be done at its end, temporary files, is."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
