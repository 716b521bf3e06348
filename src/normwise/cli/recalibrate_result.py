"""The end of `recalibrate`: how far each layer moved, and which were left as they were."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from normwise.cli.console import line, literal, results, write_text
from normwise.core.recalibration import RecalibratedLayer, Recalibration
from normwise.report.text import number

ENDLESS = 100_000


def show_recalibration(record: Recalibration, out: Path, as_json: bool) -> None:
    """Writes the result to standard output."""
    if as_json:
        write_text(record.to_json() + "\n")
        return
    console = results()
    table = _layers(record)
    if not console.is_terminal:
        # What is no terminal has no width, and cuts nothing.
        console.width = ENDLESS
    console.print(table)
    for layer in record.skipped:
        line(console, f"{layer.path}: {layer.reason}", style="yellow", label="skipped ")
    line(
        console,
        "mean moved: |new − old| in the new standard deviations, median and largest over channels;"
        " std ratio: new by old, median and range",
        style="dim",
    )
    line(console, f"written to {out}", wrap=False)


def _layers(record: Recalibration) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("layer", overflow="fold")
    for name in ("values", "calls", "mean moved", "largest", "std ratio", "range"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in record.layers:
        table.add_row(literal(layer.path), *_cells(layer))
    return table


def _cells(layer: RecalibratedLayer) -> list[str]:
    return [
        number(layer.values),
        str(layer.calls),
        f"{number(layer.mean_shift, 3)} σ",
        f"{number(layer.largest_mean_shift, 3)} σ",
        number(layer.std_ratio, 3),
        f"{number(layer.smallest_std_ratio, 3)} to {number(layer.largest_std_ratio, 3)}",
    ]
