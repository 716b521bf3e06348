"""A machine of one's own for `run`: a private PATH with fake Pythons and a fake uv, and a small project."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What `run` may lean on: POSIX utilities, no compiler, no make.
UTILITIES = ("cat", "cksum", "dirname", "env", "find", "grep", "mkdir", "rm", "sh", "sort")

# Answers the questions that `run` asks of a Python; anything else goes into the log.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *"import venv, ensurepip"*) exit {no_venv} ;;
    *"import virtualenv"*) exit 1 ;;
    *"import pip"*) exit 0 ;;
    "-m venv "*) echo "venv $3" >>"$LOG"; {make} ;;
    *"pip install"*) echo "pip $*" >>"$LOG"; [ -z "${{FAIL:-}}" ] ;;
    *) echo "python $*" >>"$LOG" ;;
esac
"""
MAKE = 'mkdir -p "$3/bin" && /bin/cp "$0" "$3/bin/python" && /bin/cp "$0" "$3/bin/normwise"'
FAKE_UV = """#!/bin/sh
case "$1 $2" in
    "--version ") echo uv 0 ;;
    "venv --quiet")
        echo "uv venv $5" >>"$LOG"
        python=$(command -v "$4")
        mkdir -p "$5/bin"
        /bin/cp "$python" "$5/bin/python"
        /bin/cp "$python" "$5/bin/normwise"
        ;;
    *) echo "uv $*" >>"$LOG"; echo "no-cache=${UV_NO_CACHE:-}" >>"$LOG"; [ -z "${FAIL:-}" ] ;;
esac
"""


def copy_project(folder: Path) -> Path:
    """What a clone has and `./run demo` needs, without what was built here."""
    folder.mkdir(parents=True)
    for name in ("run", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("requirements", "tools", "src", "native"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return folder


class Machine:
    """`bin` is all that is on PATH, `project` a copy of what `run` reads, `log` what the fakes were asked."""

    def __init__(self, folder: Path, name: str = "a project"):
        self.bin, self.project, self.home = folder / "bin", folder / name, folder / "home"
        self._log = folder / "log"
        self.bin.mkdir(parents=True)
        self.home.mkdir()
        for utility in UTILITIES:
            (self.bin / utility).symlink_to(shutil.which(utility) or f"/bin/{utility}")
        (self.project / "src").mkdir(parents=True)
        (self.project / "native").mkdir()
        (self.project / "src" / "a file.py").write_text("x = 1\n")
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            (self.project / file).write_text(file)
        shutil.copy(ROOT / "run", self.project / "run")
        shutil.copytree(ROOT / "requirements", self.project / "requirements")

    def tool(self, name: str, script: str) -> Path:
        """Puts an executable on the PATH."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)
        return path

    def python(self, name: str, version: str, *, venv: bool = True, make: str = MAKE) -> Path:
        """Puts a fake Python of that version on the PATH."""
        return self.tool(name, FAKE_PYTHON.format(version=version, no_venv=0 if venv else 1, make=make))

    def uv(self) -> Path:
        """Puts a fake uv on the PATH."""
        return self.tool("uv", FAKE_UV)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`./run arguments` by dash, or by whatever `sh` is where there is no dash."""
        shell = shutil.which("dash") or shutil.which("sh") or "/bin/sh"
        clean = {"PATH": str(self.bin), "HOME": str(self.home), "LOG": str(self._log), **environment}
        return subprocess.run(
            [shell, str(self.project / "run"), *arguments],
            env=clean, capture_output=True, text=True, check=False, cwd=os.sep, timeout=60,
        )  # fmt: skip

    def log(self) -> list[str]:
        """What the fakes were asked since the last call."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines
