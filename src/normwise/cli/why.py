"""`normwise why`: what scaling and batch normalization change on a table."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

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
    column_kinds,
)

MODEL_FILES = (".keras", ".h5", ".hdf5")
"""Of the last two the loader says what to do."""


def why(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[MODEL.keras] [TABLE]",
            help="A CSV, TSV or Parquet file, also gzipped; without one scikit-learn's breast-cancer data."
            " Before it a Keras model, whose architecture, optimizer and loss are taken in place of a network"
            " of two hidden layers.",
        ),
    ] = None,
    *,
    target: Target = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The report to write; its record goes beside it, as .json.")
    ] = Path("why.html"),
    task: Task = None,
    format: Format = None,
    encoding: Encoding = "utf-8",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds, epochs and learning rates, and less certainty.")
    ] = False,
    seeds: Annotated[
        int | None, typer.Option(min=3, help="Seeds that each variant is trained from; 5 by default.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the rows of each training; 30 by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The first seed.")] = 0,
    held_out: HeldOut = 0.2,
    kind: Kinds = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the record to standard output, in place of the summary.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Measure what scaling and batch normalization change on a table, and write a report.

    One network, or a Keras model of yours, is trained four ways: on raw and on scaled inputs, without and
    with batch normalization, each at its own best learning rate, from several seeds. The verdict says what
    helped by more than the spread over the seeds, and what did not.

    Examples:

    - `normwise why`

    - `normwise why people.csv --target income --out income-why.html`

    - `normwise why houses.parquet --target price --quick`

    - `normwise why churn.keras customers.csv --target churned`
    """
    with clear_errors():
        kinds = column_kinds(kind or [])
        model, table = _model_and_table(files or [])
        backend = choose_backend()
        from normwise.cli.waiting import waiting

        with nullcontext() if quiet else waiting(messages(), f"loading Keras on {backend}"):
            from normwise.cli.why_progress import WhyProgress
            from normwise.cli.why_result import show_why
            from normwise.workflows.why_files import check_why_files, write_why_files
            from normwise.workflows.why_options import WhyOptions
            from normwise.workflows.why_table import why_table
        options = WhyOptions(
            target, task, format, encoding, held_out, seed, kinds, seeds=seeds, epochs=epochs, quick=quick
        )
        check_why_files(out, overwrite)
        with WhyProgress(quiet, built_in=table is None) as progress:
            record = why_table(table, options, progress, model)
            progress.stage("writing the report")
            write_why_files(record, out, overwrite)
        show_why(record, out, as_json, quiet)


def _model_and_table(files: list[Path]) -> tuple[Path | None, Path | None]:
    """The file of a model and that of a table, by their names; either may be absent."""
    models = [file for file in files if file.suffix.lower() in MODEL_FILES]
    tables = [file for file in files if file not in models]
    if len(models) > 1 or len(tables) > 1:
        raise typer.BadParameter(
            f"{', '.join(map(str, files))} are {len(models)} models and {len(tables)} tables; expected at"
            " most one MODEL.keras and one TABLE."
        )
    return next(iter(models), None), next(iter(tables), None)
