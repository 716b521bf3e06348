"""The end of a scaling: what was written, or what the columns hold."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from normwise.cli.console import line, literal, messages, results, write_text
from normwise.cli.program import program_as_run
from normwise.report.text import DASH, number
from normwise.workflows.describe_table import ColumnDescription, TableDescription
from normwise.workflows.open_tables import OpenTables
from normwise.workflows.scale_options import ScaleOptions

Cells = dict[str, Callable[[ColumnDescription], str]]
ENDLESS = 100_000
CELLS: Cells = {
    "count": lambda c: f"{c.count:,}",
    "null": lambda c: f"{c.nulls:,}",
    "NaN": lambda c: f"{c.nans:,}",
    "inf": lambda c: f"{c.infinities:,}",
    "mean": lambda c: _number(c.mean),
    "std": lambda c: _number(c.std),
    "min": lambda c: _number(c.min),
    "max": lambda c: _number(c.max),
    "": lambda c: ("constant" if c.count else "no value") if c.constant else "",
}


def show_written(opened: OpenTables, out: Path, options: ScaleOptions) -> None:
    """Says what was written, and how it is undone."""
    console = messages()
    many = "column" if len(opened.scaled) == 1 else "columns"
    line(console, f"scaled {len(opened.scaled):,} {many} to {out}")
    if options.save_scaler is not None:
        saved = shlex.quote(str(options.save_scaler))
        line(console, f"next: {program_as_run()} scale TABLE --out FILE --scaler {saved}", wrap=False)


def show_description(description: TableDescription, as_json: bool) -> None:
    """Writes what the columns hold to standard output."""
    if as_json:
        write_text(description.to_json() + "\n")
        return
    console = results()
    line(console, f"{description.rows:,} {'row' if description.rows == 1 else 'rows'}")
    if description.columns:
        for table in _tables(description, console):
            console.print()
            console.print(table)
    if description.others:
        console.print()
        line(console, f"no numbers: {', '.join(description.others)}")


def _tables(description: TableDescription, console: Console) -> Iterator[Table]:
    """One table, or several of the same rows where the terminal has no room for all columns."""
    cells = {
        name: cell for name, cell in CELLS.items() if name or any(c.constant for c in description.columns)
    }
    room = console.width if console.is_terminal else ENDLESS
    while cells:
        fitting = len(cells)
        while (
            fitting > 1 and _width(table := _table(description, list(cells)[:fitting], room), console) > room
        ):
            fitting -= 1
        table = _table(description, list(cells)[:fitting], room)
        # What is no terminal has no width, and cuts nothing.
        console.width = max(console.width, _width(table, console)) if room == ENDLESS else room
        yield table
        cells = dict(list(cells.items())[fitting:])


def _width(table: Table, console: Console) -> int:
    return Measurement.get(console, console.options.update(max_width=ENDLESS), table).maximum


def _table(description: TableDescription, names: Sequence[str], room: int) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("column", overflow="fold", max_width=max(8, room // 3))
    for name in names:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for column in description.columns:
        table.add_row(Text(literal(column.name)), *(CELLS[name](column) for name in names))
    return table


def _number(value: float | None) -> str:
    return DASH if value is None else number(value)
