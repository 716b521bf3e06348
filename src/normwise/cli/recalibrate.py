"""`normwise recalibrate`: a model and a table in, the model with the table's statistics out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import messages
from normwise.cli.options import AsJson, Encoding, Format, Overwrite, Quiet


def recalibrate(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL.keras|RUN",
            help="A Keras model that takes the table's columns as numbers, or a run folder that"
            " `normwise fit` wrote, which knows how raw rows are encoded.",
        ),
    ],
    table: Annotated[Path, typer.Argument(help="The table to take the statistics of: that of the training.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the model, or the run folder, goes; by default to where it came from."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A column that is no feature; a run knows its own.")
    ] = None,
    sequential: Annotated[
        bool,
        typer.Option(
            "--sequential", help="Settle the layers one after the other, exactly; a pass over the table each."
        ),
    ] = False,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Rows a batch; 32 by default.")] = None,
    format: Format = None,
    encoding: Encoding = "utf-8",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Set the moving statistics of batch normalization to those of a table, and show how far they moved.

    Batch normalization computes at inference by averages that trail behind the weights. This goes through the
    table once more, with the weights as they are, and takes its statistics exactly.

    Examples:

    - `normwise recalibrate model.keras train.csv --target income --out recalibrated.keras`

    - `normwise recalibrate income-run train.parquet --sequential --overwrite`
    """
    with clear_errors():
        backend = choose_backend()
        from normwise.cli.waiting import waiting

        console = messages()
        with nullcontext() if quiet else waiting(console, f"loading Keras on {backend}"):
            from normwise.cli.recalibrate_progress import RecalibrateProgress
            from normwise.cli.recalibrate_result import show_recalibration
            from normwise.cli.warning_lines import WarningLines
            from normwise.workflows.recalibrate_file import recalibrate_file
        with RecalibrateProgress(quiet) as progress:
            record = recalibrate_file(
                model,
                table,
                out,
                target=target,
                batch_size=batch_size,
                sequential=sequential,
                format=format,
                encoding=encoding,
                overwrite=overwrite,
                listener=progress,
                warn=WarningLines(console),
            )
        if as_json or not quiet:
            show_recalibration(record, out or model, as_json)
