"""The end of a fit: this network beside the baselines, the report, how to go on."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.table import Table

from normwise.cli.console import line, literal, results
from normwise.cli.program import program_as_run
from normwise.core.run_record import RunRecord, Score
from normwise.report.metrics import metric_name, metric_value
from normwise.report.verdicts import headline
from normwise.workflows.run_folder import REPORT


def show_result(record: RunRecord, out: Path) -> None:
    """Writes the result to standard output."""
    console = results()
    line(console, f"training: {record.ending}")
    console.print()
    console.print(_scores(record))
    console.print()
    line(console, headline(record).en, style="bold")
    folder = shlex.quote(str(out))
    line(console, f"report: {out / REPORT}", wrap=False)
    line(console, f"next:   {program_as_run()} predict {folder} TABLE --out predictions.csv", wrap=False)
    line(console, "        TABLE: a file with the same columns")


def _scores(record: RunRecord) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column(f"{record.held_out_rows:,} held-out rows", no_wrap=True)
    metrics = list(record.scores[0].metrics)
    for name in [*map(metric_name, metrics), "seconds"]:
        table.add_column(name, justify="right")
    for score in record.scores:
        table.add_row(literal(score.model), *_cells(score, metrics))
    return table


def _cells(score: Score, metrics: list[str]) -> list[str]:
    values = [metric_value(name, score.metrics[name]) if name in score.metrics else "–" for name in metrics]
    return [*values, f"{score.seconds:.1f}"]
