"""How this program was started, so that the next command can be pasted."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "normwise"


def program_as_run() -> str:
    """``normwise`` where PATH finds it, ``.venv/bin/normwise`` where not, ``python -m normwise`` as a module.

    Below the current folder the path is relative to it. Where another program runs the command: ``normwise``.
    """
    if not sys.argv[0]:  # an interactive session: the current folder, which may be called normwise too
        return NAME
    started = Path(os.path.abspath(sys.argv[0]))
    if started.parts[-2:] == (NAME, "__main__.py"):
        return f"{_shortest(Path(sys.executable))} -m {NAME}"
    return _shortest(started) if started.stem == NAME else NAME


def _shortest(program: Path) -> str:
    found = shutil.which(program.name)
    if found is not None and Path(os.path.abspath(found)) == program:
        return shlex.quote(program.name)
    # Links are not followed: an environment's Python is one.
    here = Path.cwd()
    if not program.is_relative_to(here):
        return shlex.quote(str(program))
    near = str(program.relative_to(here))
    return shlex.quote(near if os.sep in near else os.path.join(os.curdir, near))
