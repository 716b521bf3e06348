"""What `why` says while it runs: a bar over all epochs on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from normwise.cli.console import is_live, line, messages
from normwise.cli.warning_lines import WarningLines
from normwise.workflows.fit_table import BUILT_IN
from normwise.workflows.why_options import WhyListener

WIDE = 72
"""Narrower terminals have no room for the share done and the time left beside the bar."""


class WhyProgress(WhyListener):
    """The listener of `why_table` that speaks to the user; a context, so that no bar outlives an error.

    Args:
        quiet: Say warnings only.
        built_in: Whether the built-in table is used, which is said.
    """

    def __init__(self, quiet: bool, built_in: bool) -> None:
        self.quiet, self.built_in = quiet, built_in
        self.console = messages()
        self.live = is_live(self.console) and not quiet
        self.warning = WarningLines(self.console)  # type: ignore[method-assign]
        self.bar: Progress | None = None

    def __enter__(self) -> Self:
        if self.built_in and not self.quiet:
            line(self.console, f"no table was given: using the {BUILT_IN}")
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def stage(self, what: str) -> None:
        """Shows what is being done."""
        if not self.live:
            if not self.quiet:
                line(self.console, what)
            return
        if self.bar is None:
            self.bar = _bar(self.console)
            self.bar.start()
        self.bar.update(TaskID(0), description=what)

    def progress(self, done: int, total: int) -> None:
        """Moves the bar."""
        if self.bar is not None:
            self.bar.update(TaskID(0), completed=done, total=total)


def _bar(console: Console) -> Progress:
    whole = Column(no_wrap=True)
    beside = [TaskProgressColumn(table_column=whole), TimeRemainingColumn(table_column=whole)]
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
