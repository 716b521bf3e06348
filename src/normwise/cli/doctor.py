"""`normwise doctor`: what is wrong with the scaling and the normalization of a network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors, crashes_refused
from normwise.cli.console import messages
from normwise.cli.options import Overwrite, Quiet

FOUND = 1
"""The exit status where something was found."""


def doctor(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL.keras|RUN",
            help="A Keras model, or a run folder that `normwise fit` wrote, which knows how raw rows are"
            " encoded, and its target.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Rows of the training: a table, a .npy or .npz file, a folder of images, or module:function."
            " Without them the structure alone is examined.",
        ),
    ] = None,
    *,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table that is the target.")
    ] = None,
    new_data: Annotated[
        str | None, typer.Option(metavar="FILE", help="Rows that came later: how far have they drifted?")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows a step of the training.")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODES", help="Run these rules alone: NRM301, NRM3, bias-before-normalization, …"
        ),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODES", help="Leave out these rules.")] = None,
    preview: Annotated[
        bool | None,
        typer.Option("--preview/--no-preview", help="Run rules too whose thresholds are not yet calibrated."),
    ] = None,
    list_checks: Annotated[bool, typer.Option("--list-checks", help="List the rules and stop.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "info", "never"] | None,
        typer.Option(help="Exit with 1 where a finding is as severe as this; warning by default."),
    ] = None,
    fix: Annotated[
        Literal["safe", "all"] | None,
        typer.Option(
            help="Carry out the remedies on a copy: those after which the network computes the same or has"
            " right statistics, or all, after which it may have to be trained again."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the mended model, or run folder, goes.")
    ] = None,
    overwrite: Overwrite = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="What is written.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    custom_objects: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="Import this module, which registers or defines custom objects."),
    ] = None,
    allow_lambda: Annotated[
        bool,
        typer.Option("--allow-lambda", help="RUN the Python code that Lambda layers bring in the file."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with the scaling and the normalization of a network, why, and how to mend it.

    The exit status is 0 where nothing was found, 1 where something was, 2 where it could not run.
    `[tool.normwise.doctor]` in pyproject.toml sets what a project always wants.

    Examples:

    - `normwise doctor model.keras`

    - `normwise doctor model.keras train.csv --target income --batch-size 32`

    - `normwise doctor income-run people.csv --new-data today.csv --select NRM1,NRM4`

    - `normwise doctor model.keras train.npz --fix safe --out mended.keras`
    """
    as_json = as_json or format == "json"
    with crashes_refused(), clear_errors():
        if list_checks:
            _list_checks()
            return
        if model is None:
            raise typer.BadParameter("expected MODEL.keras or a run folder", param_hint="MODEL.keras|RUN")
        if (fix is None) != (out is None):
            raise typer.BadParameter("--fix and --out go together: --fix safe --out FIXED.keras")
        from normwise.workflows.doctor_config import fails, read_doctor_config

        config = read_doctor_config()
        backend = choose_backend()
        from normwise.cli.waiting import waiting
        from normwise.cli.warning_lines import WarningLines, warnings_after

        console = messages()
        with (
            warnings_after(console),
            nullcontext() if quiet else waiting(console, f"examining with Keras on {backend}"),
        ):
            from normwise.cli.doctor_result import show_diagnosis, show_remedies
            from normwise.workflows.doctor_file import DoctorOptions, doctor_file, mend_file

            options = DoctorOptions(
                target=target,
                new_data=new_data,
                batch_size=batch_size,
                select=_words(select) or config.select,
                ignore=_words(ignore) or config.ignore,
                preview=config.preview if preview is None else preview,
                ignored_layers=config.ignored_layers,
                modules=_words(custom_objects),
                allow_lambda=allow_lambda,
            )
            warn = WarningLines(console)
            if fix is not None and out is not None:
                mended = mend_file(model, data, out, fix, options, warn, overwrite=overwrite)
            else:
                found = doctor_file(model, data, options, warn)
        if fix is not None and out is not None:
            show_remedies(mended.record, out, as_json=as_json, quiet=quiet)
            found = mended.after
        else:
            show_diagnosis(found, as_json=as_json, quiet=quiet)
        if fails(found.worst(), fail_on or config.fail_on):
            raise typer.Exit(FOUND)


def _words(values: Sequence[str] | None) -> tuple[str, ...]:
    """An option that may be repeated, and holds words with commas between them.

    Example:
        >>> _words(["NRM3, NRM4", "NRM101"]), _words(None)
        (('NRM3', 'NRM4', 'NRM101'), ())
    """
    return tuple(word.strip() for value in values or () for word in value.split(",") if word.strip())


def _list_checks() -> None:
    from normwise.cli.doctor_result import show_rules
    from normwise.doctor.registry import RULES

    show_rules(RULES)
