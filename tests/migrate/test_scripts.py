"""Ten programs in the style of 2015 to 2019, written for these tests, run after migrate without an edit."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("libcst", reason="needs LibCST: pip install 'normwise[migrate]'")

from normwise.migrate.migrate_code import migrate_code

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def test_there_are_ten():
    assert len(SCRIPTS) == 10


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs(script, monkeypatch, tmp_path, capsys):
    migration = migrate_code(script.read_text(encoding="utf-8"))
    assert migration.left == ()
    assert migrate_code(migration.code).code == migration.code
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.chdir(tmp_path)
    state = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(migration.code, str(script), "exec"), {"__name__": "__main__"})
        finally:
            np.random.set_state(state)
    assert capsys.readouterr().out.strip()
    assert "tensorflow" not in migration.code.replace("TensorFlow", "").lower()
    for line in script.read_text(encoding="utf-8").splitlines():
        if "#" in line:
            assert line[line.index("#") :] in migration.code
