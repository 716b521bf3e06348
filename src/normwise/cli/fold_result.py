"""The end of `fold`: what became of each normalization layer."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from normwise.cli.console import line, literal, results
from normwise.deploy.fold_result import FoldResult

ENDLESS = 100_000
ALONE = "one scale and shift"


def show_fold(result: FoldResult, out: Path) -> None:
    """Writes the result to standard output."""
    console = results()
    if not console.is_terminal:
        # What is no terminal has no width, and cuts nothing.
        console.width = ENDLESS
    if result.folded or result.kept:
        console.print(_layers(result))
    else:
        line(console, "there is no normalization layer in the model")
    if result.difference is not None:
        line(console, f"largest difference on drawn rows: {result.difference:.2g} of the largest output")
    line(console, f"folded {len(result.folded)}, kept {len(result.kept)}; written to {out}", wrap=False)


def _layers(result: FoldResult) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("layer", "kind", "became", "why"):
        table.add_column(name, overflow="fold")
    for folded in result.folded:
        went = f"part of {', '.join(folded.into)} {folded.how} it"
        became = ALONE if folded.how == "alone" else went
        table.add_row(*_cells(folded.layer, folded.kind, became, folded.reason))
    for kept in result.kept:
        table.add_row(*_cells(kept.layer, kept.kind, "kept", kept.reason), style="yellow")
    return table


def _cells(*texts: str) -> list[Text]:
    """Words of the model, in which nothing is markup."""
    return [Text(literal(text) if text else "") for text in texts]
