"""What importing costs, that every public name is there, and that the layout is the documented one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import normwise

PACKAGE = Path(normwise.__file__).parent
ROOMS = (
    *("core", "tables", "kernels", "layers", "graph", "scaling", "training", "insight", "doctor", "deploy"),
    *("report", "migrate", "workflows", "cli"),
)
HEAVY = ("keras", "jax", "torch", "tensorflow")


def loaded_by(code: str) -> list[str]:
    """Which of the heavy packages a fresh interpreter has loaded after running the code."""
    ask = f"{code}\nimport sys; print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.rsplit("LOADED", 1)[1].split()


def test_loaded_by_sees_what_is_loaded() -> None:
    assert loaded_by("import sys; sys.modules['torch'] = sys") == ["torch"]


@pytest.mark.parametrize("name", ["", ".core", ".tables", ".scaling", ".report", ".cli.main"])
def test_importing_loads_no_backend(name: str) -> None:
    assert loaded_by(f"import normwise{name}") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"]])
def test_help_loads_no_backend(arguments: list[str]) -> None:
    call = (
        f"import sys; sys.argv = ['normwise', *{arguments!r}]\n"
        "from normwise.cli.main import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert loaded_by(call) == []


@pytest.mark.parametrize("name", normwise.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(normwise, name) is not None


def modules() -> list[str]:
    found = (path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")  # importing that runs it
    files = (path.relative_to(PACKAGE.parent).with_suffix("") for path in found)
    return sorted(".".join(file.parts).removesuffix(".__init__") for file in files)


@pytest.mark.parametrize("name", modules())
def test_every_module_has_a_docstring_and_what_it_announces(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tensorflow"):
            raise
        pytest.skip(f"{error.name} is not installed here")
    assert module.__doc__, f"{name} has no docstring"
    missing = [public for public in getattr(module, "__all__", ()) if not hasattr(module, public)]
    assert missing == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'normwise' has no attribute 'BatchNormalisation'"):
        _ = normwise.BatchNormalisation


def test_rooms_are_the_documented_ones_and_none_is_empty() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms <= set(ROOMS)
    for room in rooms:
        code = [path for path in (PACKAGE / room).rglob("*.py") if path.name != "__init__.py"]
        assert code, f"the room {room} is empty"


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_backend_of_the_tests_is_set() -> None:
    assert os.environ["KERAS_BACKEND"] in {"jax", "torch", "tensorflow"}
