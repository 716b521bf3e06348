"""From a script's file to its code in Keras 3: shown, written back, or run."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from normwise.core.errors import ScriptError
from normwise.migrate.migration import Migration
from normwise.migrate.script import Script
from normwise.tables.atomic import atomic_path

RUNNER = """
import linecache, os, sys, traceback
__file__, code = sys.argv[1:3]
sys.argv[:3] = [__file__]
sys.path[0] = os.path.dirname(os.path.abspath(__file__))
with open(code, encoding="utf-8") as text:
    code = text.read()
linecache.cache[f"{__file__} (migrated)"] = (len(code), None, code.splitlines(True), f"{__file__} (migrated)")
sys.excepthook = lambda kind, error, trace: traceback.print_exception(kind, error, trace.tb_next)
exec(compile(code, f"{__file__} (migrated)", "exec"))
"""
"""Runs the new code by the old name, beside the script's own modules; a traceback shows the new lines."""


def migrate_script(script: Script, advice: bool = False) -> Migration:
    """Rewrites a script for Keras 3, or says what it takes to do so.

    Raises:
        ScriptError: If LibCST is not installed, or the script cannot be rewritten.
    """
    try:
        from normwise.migrate.migrate_code import migrate_code
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "libcst":
            raise
        raise ScriptError(
            "migrate needs LibCST, which is not installed: pip install 'normwise[migrate]', or libcst."
        ) from error
    try:
        return migrate_code(script.code, advice)
    except ScriptError as error:
        raise ScriptError(f"{script.path}: {error}") from error


def difference(script: Script, migration: Migration) -> str:
    """The old and the new code as a unified diff."""
    old, new = (text.splitlines(keepends=True) for text in (script.code, migration.code))
    lines = difflib.unified_diff(old, new, str(script.path), f"{script.path} (Keras 3)")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def write_in_place(script: Script, migration: Migration) -> None:
    """Writes the new code in place of the old, whole or not at all, in its encoding, with its permissions.

    Raises:
        ScriptError: If the file is read-only.
        TableError: If it cannot be written otherwise.
    """
    if not script.path.stat().st_mode & 0o222:
        raise ScriptError(f"{script.path} is read-only and was kept. Make it writable first: chmod u+w.")
    with atomic_path(script.path, overwrite=True) as temporary:
        temporary.write_bytes(migration.code.encode(script.encoding))
        shutil.copymode(script.path, temporary)


def run_migrated(script: Script, migration: Migration, arguments: Sequence[str] = ()) -> int:
    """Runs the new code in a process of its own, in the present folder. The file stays as it is.

    Returns:
        The status that the process ended with.
    """
    environment = {**os.environ}
    environment.setdefault("KERAS_BACKEND", "jax")
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "code.py")
        code.write_bytes(migration.code.encode())
        command = [sys.executable, "-c", RUNNER, str(script.path), str(code), *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
