"""How fast normwise.fit trains, beside Keras on its three backends, PyTorch and scikit-learn.

    python -m benchmarks.training [--repeats 5] [--backends PYTHON] [--out benchmarks/results/training.json]

Three networks: the article's (14-64-64-2, batch 16, 32,000 rows), 784-100-100-100-10 on MNIST (batch 60),
and a small convolutional one (batch 64). Every training is a process of its own and the libraries take
turns. µs a step is over the epochs after the first, which compiles; whole seconds are the process' from
start to end, with imports and compilation, for 20 epochs. TensorFlow and torch run by the Python that
--backends names.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks.results import write_results
from benchmarks.training_peer import LIBRARIES

# A step of these takes milliseconds: fewer epochs say as much.
SLOW = {"Keras on TensorFlow": 2, "Keras on torch": 2}
ON_NETWORK = {
    "article": list(LIBRARIES),
    "mnist": ["normwise", "normwise.fit with Keras' layers", "Keras on JAX", "scikit-learn's MLP"],
    "cnn": ["normwise", "normwise.fit with Keras' layers", "Keras on JAX"],
}


def python_for(library: str, backends: str) -> str:
    needs = LIBRARIES[library][0] in ("tensorflow", "torch") or library.startswith("PyTorch")
    return backends if needs else sys.executable


def train(library: str, network: str, epochs: int, backends: str, caches: str) -> dict[str, Any]:
    """One process; its seconds from start to end, and µs a step of each epoch after the first."""
    environment = {**os.environ, "XDG_CACHE_HOME": caches, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ".:src"}
    command = [python_for(library, backends), "-m", "benchmarks.training_peer", library, network, str(epochs)]
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - begun
    if done.returncode:
        return {
            "error": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else str(done.returncode)
        }
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return {"whole": whole, "us": [1e6 * seconds / told["steps"] for seconds in told["epochs"][1:]]}


def measure(network: str, repeats: int, backends: str, whole_epochs: int) -> dict[str, Any]:
    """Median µs a step of each library, its ratio to normwise's in the same turn, and whole seconds."""
    turns: dict[str, list[dict[str, Any]]] = {library: [] for library in ON_NETWORK[network]}
    with tempfile.TemporaryDirectory() as cold_and_warm:
        for turn in range(repeats):
            for library, runs in turns.items():
                epochs = SLOW.get(library, whole_epochs if network == "article" else 4)
                runs.append(train(library, network, epochs, backends, cold_and_warm))
                print(f"{network}, turn {turn + 1}: {library}: {runs[-1]}", flush=True)
    ours = [statistics.median(run["us"]) for run in turns["normwise"]]
    results: dict[str, Any] = {}
    for library, runs in turns.items():
        if any("error" in run for run in runs):
            results[library] = {"error": next(run["error"] for run in runs if "error" in run)}
            continue
        steps = [statistics.median(run["us"]) for run in runs]
        results[library] = {
            "us_a_step": round(statistics.median(steps), 1),
            "times_normwise": round(statistics.median(s / o for s, o in zip(steps, ours, strict=True)), 2),
        }
        if network == "article" and library not in SLOW:
            results[library]["whole_seconds_20_epochs"] = [round(run["whole"], 1) for run in runs]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--networks", nargs="+", default=list(ON_NETWORK), choices=list(ON_NETWORK))
    parser.add_argument("--backends", default=".venv-backends/bin/python")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/training.json"))
    options = parser.parse_args()
    results = {name: measure(name, options.repeats, options.backends, 20) for name in options.networks}
    write_results(options.out, f"python -m benchmarks.training --repeats {options.repeats}", results)


if __name__ == "__main__":
    main()
