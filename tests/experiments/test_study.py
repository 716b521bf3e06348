"""A study goes on where it was stopped, and does not mix settings."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments.study import Study, carry_out, plain
from rich.console import Console

ROOT = Path(__file__).parents[2]
QUIET = Console(file=io.StringIO())


def counted(calls: list[str], stop_at: str = "", size: int = 3) -> Study:
    """Three runs, the later ones after what the first found; one of them may break off."""

    def run(name: str) -> Any:
        def do(found: Any, told: Any) -> dict[str, Any]:
            if name == stop_at:
                raise KeyboardInterrupt
            calls.append(name)
            told(0.5)
            return {"value": found["a"]["value"] + 1 if found else size}

        return do

    return Study("made up", {"size": size}, {name: run(name) for name in "abc"})


def values(out: Path) -> dict[str, Any]:
    runs = json.loads(out.read_text("utf-8"))["results"]["runs"]
    return {name: run["value"] for name, run in runs.items()}


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    out, calls = tmp_path / "found.json", []  # type: ignore[var-annotated]
    with pytest.raises(KeyboardInterrupt):
        carry_out(counted(calls, stop_at="b"), out, "command", QUIET)
    assert values(out) == {"a": 3}
    found = carry_out(counted(calls), out, "command", QUIET)
    assert calls == ["a", "b", "c"]
    assert values(out) == {"a": 3, "b": 4, "c": 4} == {name: run["value"] for name, run in found.items()}


def test_a_run_that_is_missing_amid_the_others_keeps_its_place(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    carry_out(counted([]), out, "command", QUIET)
    record = json.loads(out.read_text("utf-8"))
    del record["results"]["runs"]["b"]
    out.write_text(json.dumps(record), "utf-8")
    calls: list[str] = []
    carry_out(counted(calls), out, "command", QUIET)
    assert calls == ["b"]
    assert list(values(out)) == ["a", "b", "c"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    carry_out(counted([]), out, "command", QUIET)
    before = out.read_bytes()
    with pytest.raises(SystemExit) as refused:
        carry_out(counted([], size=5), out, "command", QUIET)
    assert str(refused.value) == (
        f"{out} holds runs of other settings (size: 3 there, 5 now). Remove it, or name another with --out."
    )
    assert out.read_bytes() == before


def test_a_place_that_cannot_be_written_is_refused_before_the_first_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    calls: list[str] = []
    for out, why in ((tmp_path, "is a folder"), (tmp_path / "file" / "found.json", "cannot be written: ")):
        with pytest.raises(SystemExit) as refused:
            carry_out(counted(calls), out, "command", QUIET)
        assert str(refused.value).startswith(f"{out} {why}")
    assert calls == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"results": {"runs": {}}}', '{"results": 3}'])
def test_a_file_of_something_else_is_kept(tmp_path: Path, content: str) -> None:
    out = tmp_path / "found.json"
    out.write_text(content)
    with pytest.raises(SystemExit) as refused:
        carry_out(counted([]), out, "command", QUIET)
    assert str(refused.value).startswith(f"{out} holds no runs of an experiment.")
    assert out.read_text() == content


def test_the_command_the_versions_and_the_machine_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    carry_out(counted([]), out, "python -m experiments.made_up", QUIET)
    record = json.loads(out.read_text("utf-8"))
    assert record["command"] == "python -m experiments.made_up"
    assert {"python", "keras", "jax"} <= set(record["versions"])
    assert record["machine"].endswith(f"{os.cpu_count()} cores")
    assert record["results"]["settings"] == {"size": 3}
    assert all(run["seconds"] >= 0 for run in record["results"]["runs"].values())


KILLED = """
import sys, time
from pathlib import Path
from experiments.study import Study, carry_out

def wait(found, told):
    print("waiting", flush=True)
    time.sleep(60)

runs = {"a": lambda found, told: {"value": 1}, "b": wait}
carry_out(Study("killed", {}, runs), Path(sys.argv[1]), "command")
"""


def test_a_killed_process_leaves_whole_runs(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(out)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    assert values(out) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["found.json"]


def test_values_are_what_json_has_words_for() -> None:
    given = {
        "a": np.array([1.0, np.nan, np.inf]),
        2: (np.int64(3), np.True_),
        "c": 0.123456789,
        "d": [None, "x"],
    }
    assert plain(given) == {"a": [1.0, None, None], "2": [3, True], "c": 0.12346, "d": [None, "x"]}
    assert [type(v) for v in plain(given)["2"]] == [int, bool]


def test_progress_is_shown_by_run(tmp_path: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)

    def slow(_: Any, told: Any) -> dict[str, Any]:
        told(0.5)
        time.sleep(0.3)
        return {}

    carry_out(Study("shown", {}, {"first run": slow, "second run": slow}), tmp_path / "f.json", "", console)
    text = screen.getvalue()
    assert "shown: first run" in text
    assert "25%" in text
    assert "75%" in text
