"""What a benchmark or an experiment found, with the command, the versions and the machine."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

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
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
