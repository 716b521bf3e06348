"""Runs the command behind each row of rows.toml and prints what is proved: the script behind `./run rows`."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """A capability and the command that proves it."""

    capability: str
    command: str

    def words(self) -> list[str]:
        """The command, with this interpreter for "python"."""
        first, *rest = shlex.split(self.command)
        return [sys.executable if first == "python" else first, *rest]


@dataclass(frozen=True)
class Proof:
    """What the command said just now."""

    passed: bool
    seconds: float
    last_line: str


def read_rows(path: Path) -> list[Row]:
    """The rows of a TOML file; a row lacks nothing and no capability is claimed twice."""
    rows = [Row(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["row"]]
    claimed = [row.capability for row in rows]
    twice = sorted({capability for capability in claimed if claimed.count(capability) > 1})
    if twice:
        raise ValueError(f"{path.name} claims more than once: {', '.join(twice)}")
    return rows


def prove(row: Row, folder: Path = ROOT) -> Proof:
    """Runs a row's command in a folder."""
    started = time.monotonic()
    try:
        done = subprocess.run(row.words(), cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        return Proof(False, time.monotonic() - started, str(error))
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return Proof(done.returncode == 0, time.monotonic() - started, lines[-1] if lines else "")


def _verdict(proof: Proof) -> tuple[str, str]:
    """Style and word: tests that were all skipped prove nothing, though their command succeeds."""
    if not proof.passed:
        return "bold red", "NO"
    if "skipped" in proof.last_line and "passed" not in proof.last_line:
        return "yellow", "skipped"
    return "green", "yes"


def render(proofs: list[tuple[Row, Proof]]) -> Table:
    """The table that is printed."""
    table = Table("capability", "command", "passed", "seconds", "it said", show_lines=True)
    for row, proof in proofs:
        style, verdict = _verdict(proof)
        cells = (row.capability, row.command, f"[{style}]{verdict}[/]", f"{proof.seconds:.0f}")
        table.add_row(*cells, proof.last_line.strip("= ").replace("[", r"\["))
    return table


def main(path: Path = ROOT / "rows.toml") -> int:
    """Proves every row; 1 if one failed."""
    console = Console()
    proofs: list[tuple[Row, Proof]] = []
    for row in read_rows(path):
        console.print(f"[dim]{row.command}[/]")
        proofs.append((row, prove(row, path.parent)))
    console.print(render(proofs))
    words = [_verdict(proof)[1] for _, proof in proofs]
    failed, skipped = words.count("NO"), words.count("skipped")
    console.print(f"{words.count('yes')} of {len(proofs)} rows passed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
