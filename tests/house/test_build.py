"""The wheel: with kernels where there is a compiler, of Python alone where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BUILD = (
    "import sys; sys.path.insert(0, 'native'); import build_backend; build_backend.build_wheel(sys.argv[1])"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    pytest.importorskip("scikit_build_core", reason="what builds the project is not installed here")
    made = tmp_path / "project"
    made.mkdir()
    for name in ("src", "native"):
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(PROJECT / name, made / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, made)
    return made


def wheel_of(project: Path, **environment: str) -> Path:
    out = project / "dist"
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.iterdir()
    return wheel


def kernels_of(wheel: Path, folder: Path) -> str:
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    code = "from normwise.core.native import kernels_in_use; print(kernels_in_use())"
    environment = {**os.environ, "PYTHONPATH": str(folder), "NORMWISE_KERNELS": "on"}
    run = [sys.executable, "-c", code]
    return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("there", [(), ("cmake", "ninja", "make")], ids=["no cmake", "no compiler"])
def test_without_a_compiler_it_is_of_python_alone(there: tuple[str, ...], copy: Path, tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("sh", "uname", *there):
        if found := shutil.which(name):
            (commands / name).symlink_to(found)
    wheel = wheel_of(copy, PATH=str(commands), CXX="", CC="")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert kernels_of(wheel, tmp_path / "installed") == "portable, as none are built"


@pytest.mark.slow
def test_with_a_compiler_it_has_kernels(copy: Path, tmp_path: Path) -> None:
    if shutil.which("cmake") is None or shutil.which("c++") is None:
        pytest.skip("a compiler and CMake are not both here")
    wheel = wheel_of(copy)
    assert not wheel.name.endswith("-any.whl")
    assert kernels_of(wheel, tmp_path / "installed").startswith("native, ")
