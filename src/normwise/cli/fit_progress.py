"""What a fit says while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.status import Status
from rich.table import Column

from normwise.cli.console import is_live, line, messages
from normwise.cli.epoch_fields import epoch_fields
from normwise.cli.fit_result import show_result
from normwise.cli.warning_lines import WarningLines
from normwise.core.run_record import RunRecord
from normwise.workflows.fit_table import BUILT_IN, Listener
from normwise.workflows.training_progress import EpochReport

NARROWEST_BAR = 8


class FitProgress(Listener):
    """The listener of `fit_table` that speaks to the user; a context, so that no bar outlives an error.

    Args:
        quiet: Say warnings only.
        built_in: Whether the built-in table is used, which is said.
    """

    def __init__(self, quiet: bool, built_in: bool) -> None:
        self.quiet, self.built_in = quiet, built_in
        self.console = messages()
        self.live = is_live(self.console)
        self.warn = WarningLines(self.console)
        self.shown: Status | Progress | None = None
        self.first_epoch = 0.0

    def __enter__(self) -> Self:
        if self.built_in and not self.quiet:
            line(self.console, f"no table was given: using the {BUILT_IN}")
        return self

    def __exit__(self, *error: object) -> None:
        self._show(None)

    def stage(self, what: str) -> None:
        """Shows what is being done; a bar takes its place with the first epoch."""
        if self.quiet:
            return
        if self.live:
            self._show(Status(what, console=self.console))
        else:
            line(self.console, what)

    def epoch(self, report: EpochReport) -> None:
        """Moves the bar."""
        if self.quiet or not self.live:
            return
        if report.epoch == 1:
            self.first_epoch = report.seconds
        if not isinstance(self.shown, Progress):
            self._show(_bar(report.epochs, self.console))
        assert isinstance(self.shown, Progress)
        epoch, rest = epoch_fields(report, self.first_epoch, self.console.width - NARROWEST_BAR - 2)
        self.shown.update(TaskID(0), completed=report.epoch, epoch=epoch, rest=rest)

    def part(self, done: float, epochs: int) -> None:
        """Moves the bar within an epoch."""
        if self.quiet or not self.live:
            return
        if not isinstance(self.shown, Progress):
            self._show(_bar(epochs, self.console))
        assert isinstance(self.shown, Progress)
        self.shown.update(TaskID(0), completed=done)

    def interrupted(self) -> None:
        """Says what the first Ctrl-C did."""
        line(
            self.console,
            "stopping; the best weights so far are kept (Ctrl-C again, while it still trains, aborts)",
        )

    def warning(self, message: str) -> None:
        """Names a warning, once."""
        self.warn(message)

    def result(self, record: RunRecord, out: Path) -> None:
        """The end: scores, the report, how to go on."""
        if not self.quiet:
            show_result(record, out)

    def _show(self, what: Status | Progress | None) -> None:
        if self.shown is not None:
            self.shown.stop()
        self.shown = what
        if what is not None:
            what.start()


def _bar(epochs: int, console: Console) -> Progress:
    whole = Column(no_wrap=True)
    progress = Progress(
        TextColumn("{task.fields[epoch]}", table_column=whole),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=NARROWEST_BAR)),
        TextColumn("{task.fields[rest]}", table_column=whole),
        console=console,
        transient=True,
        expand=True,
    )
    progress.add_task("", total=epochs, epoch="", rest="")
    return progress
