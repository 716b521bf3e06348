"""The command itself: help, version, wrong words, and what it loads."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version

import pytest
from tests.cli.conftest import command

from normwise import __version__
from normwise.core.native import kernels_in_use

HEAVY = ("keras", "jax", "sklearn", "plotly", "polars", "torch", "tensorflow")


@pytest.mark.parametrize("statement", ["import normwise", "import normwise.cli.main", "app(['--help'])"])
def test_help_and_import_load_nothing_heavy(statement: str) -> None:
    code = f"""
import sys
from normwise.cli.main import app
try:
    {statement}
except SystemExit as end:
    assert end.code == 0, end.code
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version() -> None:
    result = command("--version")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"normwise {__version__}",
        f"Python {platform.python_version()}",
        f"keras {version('keras')}",
        f"jax {version('jax')}",
        f"kernels {kernels_in_use()}",
    ]


def test_alone_it_shows_its_help() -> None:
    alone = command()
    assert alone.exit_code == 0
    assert alone.stdout.split() == command("--help").stdout.split()
    assert {"fit", "predict", "scale"} <= set(alone.stdout.split())


@pytest.mark.parametrize("name", ["fit", "predict", "scale", "recalibrate", "fold", "export"])
def test_each_command_has_examples(name: str) -> None:
    result = command(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert result.stdout.count(f"normwise {name} ") >= 2


def test_examples_stand_apart_from_what_they_do() -> None:
    shown = " ".join(command("--help").stdout.split())
    assert (
        "just to see it work: normwise fit • Train on a table of your own: normwise fit people.csv" in shown
    )


def test_wrong_command_and_wrong_option() -> None:
    wrong = command("fti")
    assert wrong.exit_code == 2
    assert "No such command 'fti'. Did you mean 'fit'?" in wrong.stderr
    wrong = command("fit", "--epoch", "3")
    assert wrong.exit_code == 2
    assert "--epochs" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--epochs", "0"), "Invalid value for '--epochs'"),
        (("--held-out", "1"), "1.0 is out of its range"),
        (("--learning-rate", "0"), "0.0 is out of its range"),
        (("--task", "cluster"), "'cluster' is not one of 'classification', 'regression'"),
        (("--kind", "zip"), '--kind "zip" is not NAME=KIND'),
    ],
)
def test_values_out_of_their_range(options: tuple[str, ...], words: str) -> None:
    wrong = command("fit", *options)
    assert wrong.exit_code == 2
    assert words in " ".join(wrong.stderr.replace("│", " ").split())


def test_python_m_normwise_refuses_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "normwise", "predict", "no-run", "no-table.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: no run folder no-run")
    assert "Traceback" not in done.stderr
