"""An experiment in named runs: each is written when it is done, and what is written is not done again."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.results import write_results
from rich.console import Console
from rich.progress import TaskProgressColumn

from normwise.cli.progress_bar import progress_bar

RESULTS = Path(__file__).parent / "results"
Found = dict[str, Any]
Told = Callable[[float], None]
"""Called with the share of a run that is done."""
Run = Callable[[Mapping[str, Found], Told], Found]
"""From what the runs before it found, and whom to tell, to what it finds."""


@dataclass(frozen=True)
class Study:
    """An experiment.

    Args:
        name: The module of `experiments` that it is.
        settings: All that decides the numbers, as JSON has it.
        runs: The runs by name, in order. Each sets its own seeds, so that it finds the same whenever it runs.
    """

    name: str
    settings: Found
    runs: Mapping[str, Run]


def carry_out(study: Study, out: Path, command: str, console: Console | None = None) -> Found:
    """Does the runs that `out` does not hold yet, and writes it after each.

    Returns:
        What each run found, by its name.

    Raises:
        SystemExit: If `out` holds runs of other settings or no runs, or cannot be written.
    """
    require_place(out)
    found = kept_in(out, study)
    with progress_bar(console or Console(stderr=True), TaskProgressColumn) as progress:
        (task,) = progress.task_ids
        progress.update(task, total=len(study.runs))
        for number, (name, run) in enumerate(study.runs.items()):

            def told(share: float, number: int = number) -> None:
                progress.update(task, completed=number + share)

            progress.update(task, description=f"{study.name}: {name}", completed=number)
            if name in found:
                continue
            begun = time.perf_counter()
            found[name] = plain(run(found, told)) | {"seconds": round(time.perf_counter() - begun, 1)}
            in_order = {name: found[name] for name in study.runs if name in found}
            write_results(out, command, {"settings": study.settings, "runs": in_order})
    return found


def require_place(out: Path) -> None:
    """Says that a file cannot be written before the first run, and not after it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise SystemExit(
            f"{out} cannot be written: {error.strerror or error}. Name another with --out."
        ) from error
    if out.is_dir():
        raise SystemExit(f"{out} is a folder. Name a file with --out.")


def kept_in(out: Path, study: Study) -> Found:
    """The runs that a file holds already."""
    if not out.exists():
        return {}
    try:
        results = json.loads(out.read_text("utf-8"))["results"]
        results = {key: results[key] for key in ("settings", "runs")}
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(
            f"{out} holds no runs of an experiment. Remove it, or name another with --out."
        ) from error
    asked = json.loads(json.dumps(study.settings))
    if results["settings"] != asked:
        differ = [k for k in {*asked, *results["settings"]} if asked.get(k) != results["settings"].get(k)]
        told = ", ".join(
            f"{k}: {results['settings'].get(k)} there, {asked.get(k)} now" for k in sorted(differ)
        )
        raise SystemExit(
            f"{out} holds runs of other settings ({told}). Remove it, or name another with --out."
        )
    return {name: results["runs"][name] for name in study.runs if name in results["runs"]}


def plain(value: Any) -> Any:
    """Arrays as lists, floats to five digits, and None for what is not finite, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def main(
    name: str, doc: str | None, study: Callable[[bool], Study], arguments: list[str] | None = None
) -> None:
    """The command line of an experiment.

    Args:
        name: The module of `experiments` that it is.
        doc: Its docstring, whose first line is the help.
        study: From whether it is the quick version to the experiment.
        arguments: In place of those of the process.
    """
    parser = argparse.ArgumentParser(
        f"python -m experiments.{name}", description=(doc or "").partition("\n")[0]
    )
    parser.add_argument(
        "--quick", action="store_true", help="minutes become seconds, and the numbers mean nothing"
    )
    parser.add_argument(
        "--out", type=Path, help=f"default: experiments/results/{name}.json, -quick with --quick"
    )
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    out = options.out or RESULTS / f"{name}{'-quick' * options.quick}.json"
    command = " ".join([f"python -m experiments.{name}", *(["--quick"] if options.quick else [])])
    carry_out(study(options.quick), out, command)
    print(out)
