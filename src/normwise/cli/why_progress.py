"""What `why` says while it runs: a bar over all epochs on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Self

from rich.progress import Progress, TaskID, TaskProgressColumn

from normwise.cli.console import is_live, line, messages
from normwise.cli.progress_bar import progress_bar
from normwise.cli.warning_lines import WarningLines
from normwise.workflows.fit_table import BUILT_IN
from normwise.workflows.why_options import WhyListener


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
            self.bar = progress_bar(self.console, TaskProgressColumn)
            self.bar.start()
        self.bar.update(TaskID(0), description=what)

    def progress(self, done: int, total: int) -> None:
        """Moves the bar."""
        if self.bar is not None:
            self.bar.update(TaskID(0), completed=done, total=total)
