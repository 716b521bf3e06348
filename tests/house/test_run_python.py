"""Which Python `run` takes, and what it says where none will do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.house.machine import MAKE, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_takes_the_newest_that_runs(machine: Machine) -> None:
    machine.tool("python3.13", "#!/bin/sh\necho 'no such version' >&2\nexit 127\n")  # as pyenv's shims do
    machine.python("python3.11", "3.11")
    machine.python("python3", "3.12")
    result = machine.run("demo")
    assert result.returncode == 0, result.stderr
    assert "setting up, once: Python 3.12, " in result.stderr


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7"])
def test_out_of_range_is_one_sentence_and_exit_2(machine: Machine, version: str) -> None:
    machine.python("python3", version)
    result = machine.run("demo")
    assert result.returncode == 2
    assert result.stderr == (
        f"normwise: needs Python 3.11, 3.12 or 3.13 and found none on PATH, python3 is {version}.\n"
    )
    assert not (machine.project / ".venv").exists()


def test_no_python_at_all(machine: Machine) -> None:
    result = machine.run("test")
    assert (result.returncode, result.stderr) == (
        2, "normwise: needs Python 3.11, 3.12 or 3.13 and found none on PATH, nor any other.\n"
    )  # fmt: skip


def test_the_python_asked_for_has_an_environment_of_its_own(machine: Machine) -> None:
    machine.python("python3.11", "3.11")
    asked = machine.python("python3.13", "3.13")
    machine.run("demo", NORMWISE_PYTHON=str(asked))
    assert sorted(path.name for path in machine.project.glob(".venv*")) == [".venv-3.13"]


def test_without_venv_it_names_the_package_and_leaves_nothing(machine: Machine) -> None:
    machine.python("python3", "3.11", venv=False)
    result = machine.run("demo")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == (
        "normwise: Python 3.11 is here without its venv module; run: apt install python3.11-venv"
    )
    assert not (machine.project / ".venv").exists()


def test_without_venv_virtualenv_does(machine: Machine) -> None:
    machine.python("python3", "3.11", venv=False)
    machine.tool(
        "virtualenv",
        '#!/bin/sh\n[ "$1" = --version ] && exit 0\nmkdir -p "$4/bin"\n'
        '/bin/cp "$(command -v "$3")" "$4/bin/python"\n/bin/cp "$4/bin/python" "$4/bin/normwise"\n',
    )
    result = machine.run("demo")
    assert result.returncode == 0, result.stderr


def test_a_failed_venv_is_cleaned_up(machine: Machine) -> None:
    machine.python("python3", "3.11", make='mkdir -p "$3/bin"; exit 1')
    result = machine.run("demo")
    assert result.returncode == 1
    assert "the environment .venv could not be made" in result.stderr
    assert not (machine.project / ".venv").exists()


def test_an_unknown_command_is_named(machine: Machine) -> None:
    result = machine.run("dmeo")
    assert result.returncode == 2
    assert "there is no command 'dmeo'" in result.stderr


def test_bytecode_is_kept_where_the_image_forbids_it(machine: Machine) -> None:
    """Each process that the tests start would compile Keras and JAX anew."""
    told = 'printf \'#!/bin/sh\\necho "bytecode: ${PYTHONDONTWRITEBYTECODE-kept}" >>"$LOG"\\n\''
    machine.python("python3", "3.11", make=f'{MAKE}; {told} >"$3/bin/normwise"')
    machine.run("demo", PYTHONDONTWRITEBYTECODE="1")
    assert machine.log()[-1] == "bytecode: kept"
