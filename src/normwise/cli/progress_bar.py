"""progress_bar: one bar with its description in front and, where there is room, how far it is beside it."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

WIDE = 72
"""Narrower terminals have no room for the share done and the time left beside the bar."""


def progress_bar(console: Console, done: type[ProgressColumn]) -> Progress:
    """A bar with one task, whose total is not known yet; it is gone when it stops.

    Args:
        console: Where it is shown.
        done: What says how much is done, such as `rich.progress.TaskProgressColumn`.
    """
    whole = Column(no_wrap=True)
    beside = [done(table_column=whole), TimeRemainingColumn(table_column=whole)]
    progress = Progress(
        TextColumn("{task.description}", table_column=whole, markup=False),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=8)),
        *(beside if console.width >= WIDE else []),
        console=console,
        transient=True,
        expand=True,
    )
    progress.add_task("", total=None)
    return progress
