"""The name of the program in a command to be pasted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from normwise.cli.program import program_as_run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a program in .venv/bin, which is not on PATH."""
    place = tmp_path / "my project" / ".venv" / "bin"
    place.mkdir(parents=True)
    for name in ("normwise", "python"):
        (place / name).touch(0o755)
    monkeypatch.chdir(tmp_path / "my project")
    monkeypatch.setenv("PATH", os.defpath)
    return tmp_path / "my project"


@pytest.mark.parametrize("absolute", [False, True])
def test_below_the_current_folder(project: Path, absolute: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", [str(project / ".venv/bin/normwise") if absolute else ".venv/bin/normwise"]
    )
    assert program_as_run() == ".venv/bin/normwise"
    monkeypatch.chdir(project / ".venv" / "bin")
    monkeypatch.setattr(sys, "argv", ["./normwise"])
    assert program_as_run() == "./normwise"


def test_elsewhere_and_not_on_path(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(project / ".venv/bin/normwise")])
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert program_as_run() == f"'{project}/.venv/bin/normwise'"


def test_on_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(project / ".venv/bin/normwise")])
    monkeypatch.setenv("PATH", str(project / ".venv/bin"))
    assert program_as_run() == "normwise"


def test_as_a_module(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/a/place/normwise/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(project / ".venv/bin/python"))
    assert program_as_run() == ".venv/bin/python -m normwise"


@pytest.mark.parametrize("other", ["/usr/bin/pytest", "/a/place/pytest/__main__.py", ""])
def test_within_another_program(other: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The folder of a clone is called so.
    (tmp_path / "normwise").mkdir()
    monkeypatch.chdir(tmp_path / "normwise")
    monkeypatch.setattr(sys, "argv", [other])
    assert program_as_run() == "normwise"
