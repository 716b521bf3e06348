"""`normwise export`: a model in, an ONNX file out that was seen to compute the same."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import messages
from normwise.cli.options import AsJson, Overwrite, Quiet


def export(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL.keras|RUN", help="A Keras model, or a run folder that `normwise fit` wrote."
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.onnx|FOLDER",
            help="The file to write; of a run folder, the folder, with model.onnx and schema.json.",
        ),
    ],
    fold: Annotated[
        bool, typer.Option(" /--no-fold", help="Leave the normalization layers as they are.")
    ] = True,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a network as ONNX, if ONNX Runtime then computes what Keras does.

    Normalization is folded into the linear layers first. What Keras exports is run in ONNX Runtime and
    compared with the network before: only what differs by at most 1e-4 of the largest output is written. It
    needs the packages of `normwise[onnx]`.

    Examples:

    - `normwise export model.keras --out model.onnx`

    - `normwise export income-run --out income-onnx`
    """
    with clear_errors():
        backend = choose_backend()
        from normwise.cli.waiting import waiting
        from normwise.cli.warning_lines import warnings_after

        console = messages()
        with (
            warnings_after(console),
            nullcontext() if quiet else waiting(console, f"exporting with Keras on {backend}"),
        ):
            from normwise.cli.export_result import show_export
            from normwise.workflows.export_file import export_file

            record = export_file(model, out, fold=fold, overwrite=overwrite)
        if as_json or not quiet:
            show_export(record, as_json)
