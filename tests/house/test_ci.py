"""`.ci/run` runs everything, ends with pytest's own line, and fails if anything did."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.house.machine import ROOT

FAKE_RUN = """#!/bin/sh
echo "$1 with data ${NORMWISE_DATA:-none}"
[ "$1" = check ] || echo "=================== 7 passed, 1 skipped in 0.42s ==================="
[ "$1" != test-all ] || echo "normwise: a line after it"
[ "$1" != "$BREAKS" ]
"""


def ci(folder: Path, breaks: str) -> subprocess.CompletedProcess[str]:
    project = folder / "project"
    (project / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", project / ".ci" / "run")
    (project / "run").write_text(FAKE_RUN)
    (project / "run").chmod(0o755)
    tools = folder / "bin"
    tools.mkdir()
    for name in ("chromium", "debootstrap", "dash"):  # present, so that nothing is installed
        (tools / name).symlink_to("/bin/true")
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "BREAKS": breaks}
    environment.pop("NORMWISE_DATA", None)
    return subprocess.run(
        ["bash", str(project / ".ci" / "run")], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("breaks", ["", "check", "test", "test-all"])
def test_ends_with_pytests_line_and_counts_every_failure(tmp_path: Path, breaks: str) -> None:
    result = ci(tmp_path, breaks)
    assert result.returncode == (1 if breaks else 0)
    lines = result.stdout.splitlines()
    assert lines[-1] == "=================== 7 passed, 1 skipped in 0.42s ==================="
    outcomes = {line.split(":")[0]: line.split()[1] for line in lines[-4:-1]}
    assert outcomes == {
        name: "FAILED" if name == breaks else "passed" for name in ("check", "test", "test-all")
    }


def test_the_data_beside_the_checkout_is_found(tmp_path: Path) -> None:
    beside = tmp_path / "shared" / "datasets"
    beside.mkdir(parents=True)
    assert f"test with data {beside}" in ci(tmp_path, "").stdout
