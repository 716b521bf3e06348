"""The end of `why`: the four variants side by side, the verdict, the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from normwise.cli.console import line, results, write_text
from normwise.core.why_record import Variant, WhyRecord
from normwise.report.metrics import metric_name, metric_value
from normwise.report.text import number
from normwise.report.why.sentences import sentence
from normwise.workflows.why_files import record_beside

SIGNS = {"helps": ("+ ", "green"), "hurts": ("− ", "red"), "advice": ("→ ", "bold")}
OTHERWISE = ("· ", "dim")
NAMES = {
    "raw": "raw",
    "scaled": "scaled",
    "raw_bn": "raw, batch norm.",
    "scaled_bn": "scaled, batch norm.",
}
NEVER = "never"


def show_why(record: WhyRecord, out: Path, as_json: bool, quiet: bool) -> None:
    """Writes the result to standard output."""
    if as_json:
        write_text(record.to_json() + "\n")
    elif not quiet:
        _show(record, out, results())


def _show(record: WhyRecord, out: Path, console: Console) -> None:
    console.print(_variants(record))
    line(
        console,
        f"rate: the best of {len(record.variants[0].sweep)}; decades: the powers of ten of usable rates;"
        f" steps: to a validation loss of {number(record.target_loss)}; medians of"
        f" {len(record.variants[0].trainings)} seeds; {record.held_out_rows:,} held-out rows",
        style="dim",
    )
    console.print()
    for found in record.verdict:
        label, style = SIGNS.get(found.effect, OTHERWISE)
        line(console, sentence(found).en, style=style, label=label)
    console.print()
    line(console, f"report: {out}", wrap=False)
    line(console, f"record: {record_beside(out)}", wrap=False)


def _variants(record: WhyRecord) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("inputs", no_wrap=True)
    for name in ("rate", "decades", "steps", metric_name(record.metric), "range", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for variant in record.variants:
        table.add_row(NAMES[variant.name], *_cells(variant, record.metric))
    return table


def _cells(variant: Variant, metric: str) -> Sequence[str]:
    steps = np.median(np.nan_to_num([t.steps_to_target for t in variant.trainings], nan=math.inf))
    metrics = [t.metric for t in variant.trainings]
    return (
        number(variant.learning_rate, 2),
        number(variant.usable_decades, 2),
        number(float(steps)) if math.isfinite(steps) else NEVER,
        metric_value(metric, float(np.median(metrics))),
        f"{metric_value(metric, min(metrics))} to {metric_value(metric, max(metrics))}",
        f"{variant.seconds:.1f}",
    )
