"""What a benchmark or an experiment found, with the command, the versions and the machine."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from normwise.tables.atomic import atomic_path
from normwise.workflows.summarize_run import versions


def write_results(out: Path, command: str, results: dict[str, Any]) -> None:
    """Writes results as JSON, with all that is needed to find them again."""
    out.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "command": command,
        "versions": versions(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "results": results,
    }
    with atomic_path(out, overwrite=True) as temporary:
        temporary.write_text(as_json(record), encoding="utf-8")


def as_json(record: dict[str, Any]) -> str:
    """Indented JSON with each list of numbers on one line.

    Example:
        >>> print(as_json({"a": [[1, 2], [0.5, None]]}), end="")
        {
         "a": [
          [1, 2],
          [0.5, null]
         ]
        }
    """
    lists = re.compile(r"\[\s+([\d.,eE+\-\snul]*?)\s+\]")
    text = json.dumps(record, indent=1)
    return lists.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
