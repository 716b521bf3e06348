"""`normwise migrate`: what it writes, where, how it ends, and what it refuses."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import command, refused

pytest.importorskip("libcst", reason="needs LibCST: pip install 'normwise[migrate]'")

OLD = "from keras.layers.core import Dense\nlayer = Dense(3, init='uniform')  # wide\n"
NEW = "from keras.layers import Dense\nlayer = Dense(3, kernel_initializer='random_uniform')  # wide\n"
LISTING = Path(__file__).parents[2] / "examples" / "listing_2016.py"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "old.py"
    path.write_text(OLD, encoding="utf-8")
    return path


def test_the_new_code_goes_to_standard_output(script: Path) -> None:
    result = command("migrate", script)
    assert (result.exit_code, result.stdout) == (0, NEW)
    assert result.stderr.splitlines() == ["changed 3, left 0"]
    assert script.read_text(encoding="utf-8") == OLD


def test_a_diff(script: Path) -> None:
    result = command("migrate", script, "--diff", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line for line in result.stdout.splitlines() if line[:1] in "-+"][2:] == [
        *("-" + line for line in OLD.splitlines()),
        *("+" + line for line in NEW.splitlines()),
    ]


def test_a_check_writes_nothing_and_names_the_lines(script: Path) -> None:
    result = command("migrate", script, "--check")
    assert result.exit_code == 1
    assert f"{script}:2: init → kernel_initializer" in result.stdout.splitlines()
    assert script.read_text(encoding="utf-8") == OLD
    script.write_text(NEW, encoding="utf-8")
    assert command("migrate", script, "--check").exit_code == 0


def test_in_place_the_encoding_the_ends_of_lines_and_the_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    head = "# -*- coding: latin-1 -*-\r\n# für\r\n"
    path.write_bytes((head + OLD.replace("\n", "\r\n")).encode("latin-1"))
    path.chmod(0o750)
    assert command("migrate", path, "--in-place").exit_code == 0
    assert path.read_bytes() == (head + NEW.replace("\n", "\r\n")).encode("latin-1")
    assert path.stat().st_mode & 0o777 == 0o750


def test_a_redirected_output_has_the_encoding_that_its_first_line_names(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    head = "# -*- coding: latin-1 -*-\n# für\n"
    path.write_bytes((head + OLD).encode("latin-1"))
    assert command("migrate", path).stdout_bytes == (head + NEW).encode("latin-1")
    assert "# für\n".encode("latin-1") in command("migrate", path, "--diff").stdout_bytes
    path.write_text("\ufeff" + OLD, encoding="utf-8")
    assert command("migrate", path).stdout_bytes == ("\ufeff" + NEW).encode()


def test_what_is_left_is_listed_and_the_status_is_1(script: Path) -> None:
    script.write_text(OLD + "from keras.layers import Highway\n", encoding="utf-8")
    result = command("migrate", script)
    assert result.exit_code == 1
    assert result.stdout == NEW + "from keras.layers import Highway\n"
    assert result.stderr.splitlines()[0].startswith(
        f"left: {script}:3: keras.layers.Highway is gone since Keras 2.0"
    )


def test_notes_and_advice(script: Path) -> None:
    script.write_text(
        "from keras.models import Sequential\nfrom keras.layers import *\n"
        "m = Sequential([LSTM(3), Dense(3), BatchNormalization()])\n",
        encoding="utf-8",
    )
    lines = command("migrate", script, "--advise").stderr.splitlines()
    assert lines[0].startswith(f"note: {script}:3: the gates are sigmoids")
    assert lines[1].startswith(f"advice: {script}:3: NRM301 the bias of this Dense")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "normwise", "migrate", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ})


def test_run_in_the_scripts_name_with_its_modules_and_arguments(script: Path, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("name = 'beside'\n")
    script.write_text(
        "import sys\nimport keras\nimport beside\n"
        "print(sys.argv, __name__, __file__, beside.name, keras.backend.backend())\n"
    )
    done = run(script, "--run", "--", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == f"['{script}', '--epochs', '3'] __main__ {script} beside jax"


def test_a_script_that_fails_is_told_by_its_new_lines(script: Path) -> None:
    script.write_text(OLD + "raise KeyError(layer.units)\n")
    done = run(script, "--run")
    assert done.returncode == 2
    assert "    raise KeyError(layer.units)" in done.stderr
    assert "KeyError: 3" in done.stderr
    assert done.stderr.splitlines()[-1] == "error: the new code ended with status 1"


def test_two_things_at_once_are_refused(script: Path) -> None:
    assert command("migrate", script, "--diff", "--run").exit_code == 2
    assert command("migrate", script, "more").exit_code == 2


def test_bad_input(tmp_path: Path, script: Path) -> None:
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("{}")
    assert f"{notebook} is a notebook" in refused("migrate", notebook)
    assert "jupyter nbconvert --to script a.ipynb" in refused("migrate", notebook)
    absent = tmp_path / "absent.py"
    assert f"{absent} does not exist" in refused("migrate", absent)
    assert "cannot be read: Is a directory" in refused("migrate", tmp_path)
    other = tmp_path / "other.py"
    other.write_bytes("import keras  # für\n".encode("latin-1"))
    assert f"{other} is not in the encoding that it is read by" in refused("migrate", other)
    other.write_bytes(b"# coding: klingon\nimport keras\n")
    assert "unknown encoding" in refused("migrate", other)
    other.write_bytes(b"\0\1")
    assert f"{other} has bytes that are no text" in refused("migrate", other)
    other.write_text("import keras\nprint 'x'\n")
    assert f"{other}: line 2 is Python 2" in refused("migrate", other)
    other.write_text("import numpy\n")
    assert f"{other}: the script imports neither" in refused("migrate", other)
    script.chmod(0o444)
    assert f"{script} is read-only and was kept" in refused("migrate", script, "--in-place")
    assert script.read_text() == OLD


def test_without_libcst_it_says_what_to_install(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        n for n in sys.modules if n.partition(".")[0] == "libcst" or n == "normwise.migrate.migrate_code"
    ]:
        monkeypatch.delitem(sys.modules, name)
    imported = builtins.__import__

    def fail(name: str, *arguments: object, **more: object) -> object:
        if name.partition(".")[0] == "libcst":
            raise ModuleNotFoundError("No module named 'libcst'", name="libcst")
        return imported(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", fail)
    assert "migrate needs LibCST, which is not installed: pip install 'normwise[migrate]'" in refused(
        "migrate", script
    )


@pytest.mark.usefixtures("data")
def test_the_listing_runs_as_it_is() -> None:
    done = run(LISTING, "--run", "--", 1, 640)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2].startswith("adult.test: loss ")
    assert "val_accuracy" in lines[-3]


@pytest.mark.slow
@pytest.mark.usefixtures("data")
def test_the_listing_trains_the_same_by_normwise_after_one_line_is_edited(tmp_path: Path) -> None:
    code = command("migrate", LISTING).stdout
    old = [line for line in code.splitlines() if line.startswith("model.fit(X_train,")]
    assert len(old) == 1
    new = old[0].replace("model.fit(", "import normwise; normwise.fit(model, ")
    shown = []
    for name, text in (("as_it_is.py", code), ("edited.py", code.replace(old[0], new))):
        script = tmp_path / name
        seeded = "import keras\nkeras.utils.set_random_seed(1)\n"
        assert text.count("from keras.models") == 1
        script.write_text(text.replace("from keras.models", f"{seeded}from keras.models"))
        done = subprocess.run(
            [sys.executable, str(script), "2", "640"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shown.append(re.sub(r"- \d+s - \w+/step - ", "", done.stdout))
    assert shown[0].splitlines()[-2].startswith("adult.test: loss ")
    assert shown[0] == shown[1]
