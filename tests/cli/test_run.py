"""The end of the process: at once, but not without tidying up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from normwise.cli import run as run_module
from normwise.cli.clear_errors import ABORTED, REFUSED


@pytest.mark.parametrize("status", [ABORTED, REFUSED])
def test_half_a_file_goes_and_what_was_said_stays(tmp_path: Path, status: int) -> None:
    code = (
        "import sys, threading, time\n"
        "from normwise.cli.run import leave_at_once\n"
        "from normwise.tables import atomic_path\n"
        "context = atomic_path(sys.argv[1])\n"
        "context.__enter__().write_text('half')\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "sys.stdout.write('said')\n"
        f"leave_at_once({status})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "t.csv"],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "said", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("status", "ends"),
    [(None, [0]), (0, [0]), (1, [1]), (REFUSED, [REFUSED]), (ABORTED, [ABORTED]), ("words", [])],
)
def test_every_end_is_at_once_but_one_with_words(
    monkeypatch: pytest.MonkeyPatch, status: object, ends: list[int]
) -> None:
    left: list[int] = []

    def app(**_: object) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(run_module, "app", app)
    monkeypatch.setattr(run_module, "leave_at_once", left.append)
    with pytest.raises(SystemExit) as end:
        run_module.run()
    assert end.value.code == status
    assert left == ends


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "normwise", "scale"], capture_output=True, text=True, check=False
    )
    assert done.returncode == REFUSED
    assert "Usage: normwise scale" in done.stderr
