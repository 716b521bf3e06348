"""The command `normwise`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from normwise import __version__
from normwise.cli.clear_errors import clear_errors
from normwise.cli.doctor import doctor
from normwise.cli.explain import explain
from normwise.cli.export import export
from normwise.cli.fit import fit
from normwise.cli.fold import fold
from normwise.cli.migrate import migrate
from normwise.cli.predict import predict
from normwise.cli.recalibrate import recalibrate
from normwise.cli.scale import scale
from normwise.cli.why import why
from normwise.core.native import kernels_in_use

SHOWN_PACKAGES = ("keras", "jax")

app = typer.Typer(
    name="normwise",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(no_args_is_help=False)(fit)
app.command()(predict)
app.command()(scale)
app.command()(doctor)
app.command()(explain)
app.command()(recalibrate)
app.command(no_args_is_help=False)(why)
app.command()(fold)
app.command()(export)
app.command()(migrate)


def _show_version(asked: bool) -> None:
    if not asked:
        return
    typer.echo(f"normwise {__version__}")
    typer.echo(f"Python {platform.python_version()}")
    for package in SHOWN_PACKAGES:
        typer.echo(f"{package} {_version_of(package)}")
    with clear_errors():
        typer.echo(f"kernels {kernels_in_use()}")
    raise typer.Exit


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


@app.callback(invoke_without_command=True)
def normwise(
    context: typer.Context,
    asked: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show versions and exit."),
    ] = False,
) -> None:
    """A table in, a normalized network out.

    Examples:

    - Train on scikit-learn's breast-cancer data, just to see it work: `normwise fit`

    - Train on a table of your own: `normwise fit people.csv --target income --out income-run`

    - Predict for new rows: `normwise predict income-run new.csv --out predictions.csv`

    - Scale a table of any size: `normwise scale people.csv --out scaled.csv --method standard`

    - See what normalization changes on a table: `normwise why people.csv --target income`

    - See what is wrong with the normalization of a network, and why: `normwise doctor model.keras train.npz`

    - Put the statistics of a network right: `normwise recalibrate income-run people.csv --overwrite`

    - Fold normalization away for deployment: `normwise fold income-run --out folded-run`

    - Serve a network by ONNX Runtime alone: `normwise export income-run --out income-onnx`

    - Run a script of Keras 1 or 2 on Keras 3: `normwise migrate train.py --run`
    """
    del asked
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
