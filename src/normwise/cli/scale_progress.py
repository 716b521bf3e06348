"""What a scaling says while it runs: a bar over the bytes read on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Self

from rich.progress import DownloadColumn, Progress, TaskID

from normwise.cli.console import is_live, line, messages
from normwise.cli.progress_bar import progress_bar
from normwise.cli.warning_lines import WarningLines
from normwise.workflows.scale_table import ScaleListener


class ScaleProgress(ScaleListener):
    """The listener of `scale_table` that speaks to the user; a context, so that no bar outlives an error.

    Args:
        quiet: Say warnings only.
    """

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.console = messages()
        self.live = is_live(self.console) and not quiet
        self.counts_bytes = self.live
        self.warning = WarningLines(self.console)  # type: ignore[method-assign]
        self.bar: Progress | None = None
        self.what, self.passes, self.last = "", 0, (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def stage(self, what: str) -> None:
        """Shows what is being done."""
        self.what, self.passes, self.last = what, 1, (0, 0)
        if not self.live:
            if not self.quiet:
                line(self.console, what)
            return
        if self.bar is None:
            self.bar = progress_bar(self.console, DownloadColumn)
            self.bar.start()
        self.bar.reset(TaskID(0), description=what, total=None)

    def progress(self, done: int, total: int) -> None:
        """Moves the bar; a pass over the tables that begins after a whole one is counted."""
        if self.bar is None:
            return
        before, whole = self.last
        again = done < before
        if again and before >= whole:
            self.passes += 1
        self.last = (done, total)
        named = self.what if self.passes == 1 else f"{self.what}, pass {self.passes}"
        if again:
            self.bar.reset(TaskID(0))
        self.bar.update(TaskID(0), completed=done, total=total, description=named)

    def note(self, message: str) -> None:
        """Says something in a line."""
        if not self.quiet:
            line(self.console, message)
