"""tools/rows.py and rows.toml."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from tests.house.machine import ROOT

_spec = importlib.util.spec_from_file_location("rows", ROOT / "tools" / "rows.py")
assert _spec is not None
assert _spec.loader is not None
rows = importlib.util.module_from_spec(_spec)
sys.modules["rows"] = rows  # dataclasses look their module up
_spec.loader.exec_module(rows)


def written(folder: Path, *commands: str) -> Path:
    path = folder / "rows.toml"
    entries = (f"[[row]]\ncapability = 'claim {n}'\ncommand = '''{c}'''\n" for n, c in enumerate(commands))
    path.write_text("\n".join(entries))
    return path


def test_a_row_that_fails_is_shown_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "python -c 'print(6 * 7)'", "python -c 'raise SystemExit(3)'", "no-such-command")
    assert rows.main(path) == 1
    assert "1 of 3 rows passed, 0 skipped" in capsys.readouterr().out


def test_all_passed_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows.main(written(tmp_path, "python -c 'print(6 * 7)'")) == 0
    out = capsys.readouterr().out
    assert "42" in out
    assert "1 of 1 rows passed, 0 skipped" in out


def test_what_a_command_said_is_not_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows.main(written(tmp_path, "python -c 'print(\"[red]\")'"))
    assert "[red]" in capsys.readouterr().out


def test_a_claim_made_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "true")
    path.write_text(path.read_text() * 2)
    with pytest.raises(ValueError, match=r"rows\.toml claims more than once: claim 0"):
        rows.read_rows(path)


def test_every_path_in_rows_toml_is_there() -> None:
    words = [word for row in rows.read_rows(ROOT / "rows.toml") for word in row.words()[1:]]
    paths = [word.split("::")[0] for word in words if word.startswith(("tests/", "examples/", "benchmarks/"))]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_what_was_only_skipped_is_not_proved() -> None:
    assert rows._verdict(rows.Proof(True, 1.0, "2 skipped in 0.1s"))[1] == "skipped"
    assert rows._verdict(rows.Proof(True, 1.0, "1 passed, 2 skipped in 0.1s"))[1] == "yes"
    assert rows._verdict(rows.Proof(False, 1.0, "2 skipped in 0.1s"))[1] == "NO"
