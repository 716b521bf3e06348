"""`normwise predict`: a run folder and a table in, predictions out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import line, messages, write_text
from normwise.cli.options import Encoding, Format, Overwrite

if TYPE_CHECKING:
    import polars as pl


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder that `normwise fit` wrote.")],
    table: Annotated[
        Path, typer.Argument(help="A table with the columns of the training table; the target may be absent.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .csv, .csv.gz or .parquet file; without it, CSV on standard output."
        ),
    ] = None,
    format: Format = None,
    encoding: Encoding = "utf-8",
    overwrite: Overwrite = False,
    folded: Annotated[
        bool,
        typer.Option("--folded", help="Fold normalization away first; the same to rounding."),
    ] = False,
) -> None:
    """Predict each row of a table, in its order: the class and a probability column a class, or a number.

    What differs from the training table (drift, categories never seen) is named on standard error.

    Examples:

    - `normwise predict normwise-run new.csv --out predictions.csv`

    - `normwise predict normwise-run new.parquet > predictions.csv`
    """
    with clear_errors():
        backend = choose_backend()
        from normwise.cli.waiting import waiting
        from normwise.cli.warning_lines import WarningLines
        from normwise.workflows.predict_table import predict_table

        console = messages()
        warn = WarningLines(console)
        with waiting(console, f"predicting with Keras on {backend}"):
            predictions = predict_table(
                run,
                table,
                out,
                format=format,
                encoding=encoding,
                overwrite=overwrite,
                folded=folded,
                warn=warn,
            )
        if out is None:
            _write_csv(predictions)
        where = "standard output" if out is None else str(out)
        line(console, f"predicted {predictions.height:,} rows to {where}")


def _write_csv(predictions: pl.DataFrame) -> None:
    write_text(predictions.write_csv())
