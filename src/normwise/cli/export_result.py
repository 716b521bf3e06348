"""The end of `export`: what is in the file, and how far it is from Keras."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from normwise.cli.console import line, literal, results, write_text
from normwise.core.export_record import ExportRecord, TensorRecord
from normwise.report.text import number

ENDLESS = 100_000


def show_export(record: ExportRecord, as_json: bool) -> None:
    """Writes the result to standard output."""
    if as_json:
        write_text(record.to_json() + "\n")
        return
    console = results()
    if not console.is_terminal:
        # What is no terminal has no width, and cuts nothing.
        console.width = ENDLESS
    console.print(_facts(record))
    for words in record.folded:
        line(console, words)
    for words in record.kept:
        line(console, words, style="yellow")
    line(console, f"written to {record.path}", wrap=False)


def _facts(record: ExportRecord) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("inputs", _tensors(record.inputs))
    table.add_row("outputs", _tensors(record.outputs))
    table.add_row("operators", ", ".join(f"{count} {name}" for name, count in record.nodes.items()))
    table.add_row("exported", f"from Keras on {record.backend}, opset {record.opset}")
    table.add_row(
        "difference",
        f"{number(record.difference, 2)} of the largest output,"
        f" ONNX Runtime against Keras on {record.rows} rows",
    )
    return table


def _tensors(tensors: Iterable[TensorRecord]) -> str:
    """Names with type and shape; a size that is free is a question mark, and the first the batch."""
    return "; ".join(literal(f"{t.name}: {t.dtype} ({_shape(t.shape)})") for t in tensors)


def _shape(shape: tuple[int | None, ...]) -> str:
    sizes = [str(size or "?") for size in shape]
    return ", ".join(["batch", *sizes[1:]] if sizes and shape[0] is None else sizes)
