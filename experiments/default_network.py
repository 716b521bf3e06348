"""How the default of the tabular networks was chosen: on validation rows of Adult's training file.

    python -m experiments.default_network [--seeds 5] [--out experiments/results/default_network.json]

Every variant trains on the same 85% of adult.data and is judged by its lowest validation loss on the same
other 15%, seed by seed; medians. adult.test is not read.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks.data import adult
from benchmarks.results import write_results

from normwise import TabularClassifier
from normwise.core.errors import NormwiseWarning
from normwise.workflows.presets import PRESETS

VARIANTS: dict[str, dict[str, Any]] = {
    "the default": {},
    "without quantile bins": {"quantile_bins": 0},
    "32 quantile bins": {"quantile_bins": 32},
    "relu": {"activation": "relu"},
    "tanh": {"activation": "tanh"},
    "128, 64 units": {"hidden_units": (128, 64)},
    "256, 128 units": {"hidden_units": (256, 128)},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.5": {"dropout": 0.5},
    "batch 64": {"batch_size": 64},
    "learning rate 3e-3": {"learning_rate": 3e-3},
    "the output normalized too": {"normalize_output": True},
}


def judge(variant: dict[str, Any], seed: int, columns: Any) -> tuple[float, float]:
    """The lowest validation loss and the seconds of one training."""
    default = PRESETS["default"]
    PRESETS["default"] = dataclasses.replace(default, **variant)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NormwiseWarning)
            model = TabularClassifier(random_state=seed).fit(columns.drop("income"), columns["income"])
    finally:
        PRESETS["default"] = default
    return min(model.history_["val_loss"]), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    table = adult("data")
    results = {}
    for name, variant in VARIANTS.items():
        runs = [judge(variant, seed, table) for seed in range(arguments.seeds)]
        losses, seconds = zip(*runs, strict=True)
        results[name] = {
            "validation_losses": [round(loss, 5) for loss in losses],
            "median_validation_loss": round(statistics.median(losses), 5),
            "median_seconds": round(statistics.median(seconds), 1),
        }
        print(f"{name:28s} {statistics.median(losses):.4f}  {statistics.median(seconds):5.1f} s", flush=True)
    if arguments.out:
        write_results(
            arguments.out, f"python -m experiments.default_network --seeds {arguments.seeds}", results
        )


if __name__ == "__main__":
    main()
