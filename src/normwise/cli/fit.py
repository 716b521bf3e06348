"""`normwise fit`: a table in, a run folder out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import messages
from normwise.cli.options import (
    Encoding,
    Format,
    HeldOut,
    Kinds,
    Overwrite,
    Quiet,
    Target,
    Task,
    above_zero,
    column_kinds,
)


def fit(
    table: Annotated[
        Path | None,
        typer.Argument(
            help="A CSV, TSV or Parquet file, also gzipped. Without one: scikit-learn's breast-cancer data."
        ),
    ] = None,
    *,
    target: Target = None,
    out: Annotated[Path, typer.Option(metavar="RUN", help="The run folder to write.")] = Path("normwise-run"),
    task: Task = None,
    format: Format = None,
    encoding: Encoding = "utf-8",
    preset: Annotated[
        Literal["default", "article"], typer.Option(help="The settings of the network and its training.")
    ] = "default",
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows, at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows a training step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(callback=above_zero, help="The optimizer's learning rate.")
    ] = None,
    ensemble: Annotated[
        int | None, typer.Option(min=1, help="Networks trained side by side, whose mean is the answer.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of everything random.")] = 0,
    held_out: HeldOut = 0.2,
    kind: Kinds = None,
    class_weight: Annotated[
        Literal["balanced"] | None, typer.Option(help="Whether rare classes weigh as much as frequent ones.")
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on a table and write a run folder: model, schema, metrics, report.

    Beside the network, scikit-learn's linear model and gradient boosting are scored on the same rows.

    While it trains, Ctrl-C ends the training and keeps the best model so far; a second Ctrl-C while it
    still trains aborts and writes nothing. Once the network is trained, Ctrl-C only leaves out the
    comparison; while the run folder is written it does nothing.

    Examples:

    - `normwise fit`

    - `normwise fit people.csv --target income --out income-run`

    - `normwise fit houses.parquet --target price --kind zip=categorical --epochs 20`
    """
    given: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "ensemble": ensemble,
        "class_weight": class_weight,
    }
    settings = {"preset": preset, **{name: value for name, value in given.items() if value is not None}}
    with clear_errors():
        kinds = column_kinds(kind or [])
        backend = choose_backend()
        from normwise.cli.waiting import waiting

        with nullcontext() if quiet else waiting(messages(), f"loading Keras on {backend}"):
            from normwise.cli.fit_progress import FitProgress
            from normwise.workflows.fit_table import FitOptions, fit_table
        options = FitOptions(target, task, format, encoding, held_out, seed, overwrite, kinds, settings)
        with FitProgress(quiet, built_in=table is None) as progress:
            record = fit_table(table, out, options, progress)
        progress.result(record, out)
