"""Ctrl-C and kill, on a real process at a real terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import QUICK, command, people, write_csv

from normwise.workflows.run_folder import FILES

PATIENCE = 120.0


@dataclasses.dataclass
class Terminal:
    """A process at a terminal of its own."""

    process: subprocess.Popen[bytes]
    master: int
    said: str = ""

    def read_until(self, words: str) -> None:
        """Reads what it says until it has said the words, or has ended."""
        end = time.monotonic() + PATIENCE
        while words not in self.said and time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 1.0)
            if not ready:
                continue
            try:
                self.said += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # Linux: the other side was closed
                return

    def wait(self) -> int:
        """Reads to the end; the exit status."""
        self.read_until("\x00 never said")
        return self.process.wait(PATIENCE)


@pytest.fixture
def long_fit(tmp_path: Path) -> Iterator[Terminal]:
    """A fit of many small steps, after its first epoch."""
    file = write_csv(tmp_path / "people.csv", ("age", "city", "bought"), people(20_000))
    options = ["--epochs", "1000", "--batch-size", "2", "--out", str(tmp_path / "run")]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "normwise", "fit", str(file), "--target", "bought", *options],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"},
    )
    os.close(slave)
    terminal = Terminal(process, master)
    terminal.read_until("epoch 1/")
    yield terminal
    process.kill()
    process.wait()
    os.close(master)


def test_ctrl_c_keeps_the_best_model_and_says_so(long_fit: Terminal, tmp_path: Path) -> None:
    assert long_fit.process.poll() is None, long_fit.said[-3000:]
    long_fit.process.send_signal(signal.SIGINT)
    assert long_fit.wait() == 0, long_fit.said[-3000:]
    assert "interrupted after" in long_fit.said
    assert "Traceback" not in long_fit.said
    assert {file.name for file in (tmp_path / "run").iterdir()} == set(FILES)
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["ending"].startswith("interrupted after")
    assert record["best_epoch"] >= 1
    assert sorted(os.listdir(tmp_path)) == ["people.csv", "run"]


def test_ctrl_c_while_comparing_leaves_out_the_comparison(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("normwise.workflows.summarize_run.baseline_scores", interrupted)
    out = table.parent / "run"
    result = command("fit", table, "--target", "bought", "--out", out, *QUICK)
    assert result.exit_code == 0, result.output
    assert {file.name for file in out.iterdir()} == set(FILES)
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert "the comparison with scikit-learn was interrupted and left out" in record["warnings"]
    assert [score["model"] for score in record["scores"]] == ["this network"]
    assert "It was compared with nothing." in result.stdout


def test_ctrl_c_while_diagnosing_leaves_out_the_diagnosis(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("normwise.workflows.diagnose_trained.diagnose", interrupted)
    out = table.parent / "run"
    result = command("fit", table, "--target", "bought", "--out", out, *QUICK)
    assert result.exit_code == 0, result.output
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert "the diagnosis was interrupted and left out" in record["warnings"]
    assert record["diagnosis"] is None


@pytest.mark.slow
def test_a_second_ctrl_c_aborts_and_leaves_nothing(long_fit: Terminal, tmp_path: Path) -> None:
    long_fit.process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    long_fit.process.send_signal(signal.SIGINT)
    assert long_fit.wait() == 130, long_fit.said[-3000:]
    assert "aborted; nothing was written." in long_fit.said
    assert "Traceback" not in long_fit.said
    assert os.listdir(tmp_path) == ["people.csv"]


@pytest.mark.slow
def test_kill_leaves_no_run_folder(long_fit: Terminal, tmp_path: Path) -> None:
    long_fit.process.kill()
    assert long_fit.wait() == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["people.csv"]
