"""The end of `migrate`: what changed, what was left, what to know."""

from __future__ import annotations

from pathlib import Path

from normwise.cli.console import line, messages, results
from normwise.migrate.migration import Migration


def show_migration(script: Path, migration: Migration, *, every: bool, quiet: bool) -> None:
    """Writes what there is to say, line by line of the script as it was given.

    Args:
        script: Its file.
        migration: What came of it.
        every: Each change too, on standard output; else their number.
        quiet: What was left alone.
    """
    console = messages()
    for found in migration.left:
        line(console, f"{script}:{found.line}: {found.text}", style="bold yellow", label="left: ", wrap=False)
    if quiet:
        return
    for found in migration.notes:
        line(console, f"{script}:{found.line}: {found.text}", style="dim", label="note: ", wrap=False)
    for advice in migration.advice:
        text = f"{script}:{advice.line}: {advice.code} {advice.text}"
        line(console, text, style="cyan", label="advice: ", wrap=False)
    if every:
        for found in migration.changed:
            line(results(), f"{script}:{found.line}: {found.text}", wrap=False)
    line(console, f"changed {len(migration.changed)}, left {len(migration.left)}")
