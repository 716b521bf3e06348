"""The doctor on every architecture of keras.applications: what it finds, seconds, and memory.

    KERAS_BACKEND=jax python -m benchmarks.doctor_applications [--only ResNet50,…] [--side 64] [--out FILE]

`python -m benchmarks.doctor --page` has the table.

Each architecture has a process of its own. Weights are random, the statistics of the normalizations those
of random images behind these weights (`benchmarks.fold.randomize`); so an error is a false one. Seconds are
those of one diagnosis in a fresh process, compiling included; the memory is the most that the process held,
libraries and the making of the model included, and beside it what it held before the diagnosis. A file that
exists keeps its results of other architectures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.applications import architectures, smallest
from benchmarks.fold import batch_normalizations, randomize
from benchmarks.results import write_results

import normwise

ROWS = 16
CLASSES = 10
RESULTS = Path("benchmarks/results/doctor_applications.json")


def mebibytes() -> float:
    """The most that this process has held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def processor() -> float:
    """Seconds of all cores: what other work on the machine hardly changes."""
    times = os.times()
    return times.user + times.system


def one(name: str, side: int) -> dict[str, Any]:
    """What the doctor finds in one architecture."""
    keras.utils.set_random_seed(0)
    make = architectures()[name]
    side = max(side, smallest(make))
    base = make(weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3))
    random = np.random.default_rng(0)
    x = random.uniform(0.0, 255.0, (ROWS, side, side, 3))
    # Every image has colours of its own, or pooled features would be nearly the same for all.
    x = (x * random.uniform(0.5, 1.0, (ROWS, 1, 1, 3))).astype("float32")
    y = np.arange(ROWS) % CLASSES
    # With more than the variance of these images the statistics would be stale, and rightly found so.
    randomize(base, x, random, least_variance=0.0)
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="head")(base.output)
    model = keras.Model(base.input, outputs, name=name)
    model.compile("adam", "sparse_categorical_crossentropy")
    before, start, spent = mebibytes(), time.perf_counter(), processor()
    diagnosis = normwise.diagnose(model, x, y)
    seconds = time.perf_counter() - start
    findings = Counter((f.severity, f.code) for f in diagnosis.findings)
    return {
        "side": side,
        "layers": len(model._flatten_layers()),
        "normalizations": len(batch_normalizations(model)),
        "parameters": model.count_params(),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor() - spent, 1),
        "mebibytes": mebibytes(),
        "mebibytes_before": before,
        "findings": {f"{code} {severity}": n for (severity, code), n in sorted(findings.items())},
        "errors": [f"{f.code} {f.layer}: {f.evidence}" for f in diagnosis.findings if f.severity == "error"],
        "examples": {f.code: f"{f.layer}: {f.evidence}" for f in reversed(diagnosis.findings)},
        "checks": dict(Counter(check.status for check in diagnosis.checks)),
        "failed": [f"{c.code}: {c.reason}" for c in diagnosis.checks if c.status == "failed"],
        "unseen": list(diagnosis.unseen),
    }


def table(results: dict[str, Any]) -> str:
    """The results as a table of Markdown, the quickest first."""
    lines = [
        "| architecture | layers | processor seconds | seconds | most memory, MiB | before, MiB | findings |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    done = [(name, r) for name, r in results.items() if "seconds" in r]
    for name, r in sorted(done, key=lambda item: item[1]["processor_seconds"]):
        found = ", ".join(f"{n} × {what}" for what, n in r["findings"].items()) or "none"
        numbers = (r["layers"], r["processor_seconds"], r["seconds"], r["mebibytes"], r["mebibytes_before"])
        lines.append(f"| {' | '.join([name, *map(str, numbers), found])} |")
    return "\n".join(lines) + "\n"


def in_a_process(name: str, side: int) -> dict[str, Any]:
    """The same, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.doctor_applications", "--one", name, "--side", str(side)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"crashed": done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", type=lambda names: names.split(","))
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.one, arguments.side)))
        return
    out = arguments.out or (None if arguments.only else RESULTS)
    command = f"KERAS_BACKEND=jax python -m benchmarks.doctor_applications --side {arguments.side}"
    results: dict[str, Any] = {}
    if out and out.exists():
        results = json.loads(out.read_text(encoding="utf-8"))["results"]
    for name in arguments.only or architectures():
        results[name] = in_a_process(name, arguments.side)
        print(f"{name}: {json.dumps(results[name], ensure_ascii=False)}", flush=True)
        if out:  # after each: what takes hours may be ended
            write_results(out, command, results)
    errors = sum(len(r.get("errors", [])) for r in results.values())
    crashed = [name for name, r in results.items() if "crashed" in r]
    done = [r for r in results.values() if "seconds" in r]
    print(f"{len(results)} architectures: {errors} errors found, crashed: {', '.join(crashed) or 'none'}")
    if done:
        slowest, largest = (max(r[what] for r in done) for what in ("seconds", "mebibytes"))
        print(f"the longest took {slowest} s, the largest {largest} MiB")


if __name__ == "__main__":
    main()
