"""What `recalibrate` says while it runs: on a terminal the pass and the batch; elsewhere nothing."""

from __future__ import annotations

from typing import Self

from rich.status import Status

from normwise.cli.console import is_live, messages
from normwise.deploy.recalibrate import RecalibrateListener


class RecalibrateProgress(RecalibrateListener):
    """The listener of a recalibration that speaks to the user; a context, so that no line outlives an error.

    Args:
        quiet: Say nothing.
    """

    def __init__(self, quiet: bool) -> None:
        console = messages()
        self.status: Status | None = None
        if is_live(console) and not quiet:
            self.status = console.status("reading the table")

    def __enter__(self) -> Self:
        if self.status is not None:
            self.status.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.status is not None:
            self.status.stop()

    def progress(self, batches: int, done: int, passes: int) -> None:
        """Shows where it is."""
        if self.status is not None:
            self.status.update(f"pass {done + 1} of {passes}, batch {batches:,}")
