"""`normwise fold`: a model in, the same without its normalization layers out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import messages
from normwise.cli.options import Overwrite, Quiet


def fold(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL.keras|RUN", help="A Keras model, or a run folder that `normwise fit` wrote."
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the folded model, or the run folder with it, goes.")
    ],
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Let the linear layers of a network do the work of its normalization layers, and show which do.

    At inference batch normalization only scales and shifts. The dense layer or the convolution before it or
    after it can do that too, with other weights: the outputs stay, and a layer is gone.

    Examples:

    - `normwise fold model.keras --out folded.keras`

    - `normwise fold income-run --out folded-run`
    """
    with clear_errors():
        backend = choose_backend()
        from normwise.cli.waiting import waiting
        from normwise.cli.warning_lines import warnings_after

        console = messages()
        with (
            warnings_after(console),
            nullcontext() if quiet else waiting(console, f"folding with Keras on {backend}"),
        ):
            from normwise.cli.fold_result import show_fold
            from normwise.workflows.fold_file import fold_file

            result = fold_file(model, out, overwrite=overwrite)
        if not quiet:
            show_fold(result, out)
