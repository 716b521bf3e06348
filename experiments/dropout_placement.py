"""Whether the tabular network is better with dropout behind its last normalization alone, or with less of it.

    python -m experiments.dropout_placement [--seeds 5] [--task adult,…] [--out FILE]

For each data set and seed a quarter of the rows is held out, and the variants are trained on the same others:
held-out loss (cross-entropy, or squared error over the variance), accuracy or R², and what the doctor says of
dropout before a normalization (NRM303). adult.test is not read.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import polars as pl
from benchmarks.data import adult
from benchmarks.results import write_results
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from normwise import TabularClassifier, TabularRegressor, diagnose, recalibrate
from normwise.core.errors import NormwiseWarning
from normwise.graph.replaced import replaced
from normwise.workflows.encode_table import encode_table
from normwise.workflows.presets import PRESETS

VARIANTS = {
    "0.3 behind each": (0.3, False, False),
    "0.2 behind each": (0.2, False, False),
    "0.5 behind the last": (0.5, True, False),
    "0.3 behind each, recalibrated": (0.3, False, True),
}
"""Rate, whether the first hidden layer is left without, and whether the statistics are recalibrated."""


def _own(load: Callable[..., Any]) -> tuple[pl.DataFrame, Any]:
    x, y = load(return_X_y=True)
    return pl.DataFrame(x), y


def _adult() -> tuple[pl.DataFrame, Any]:
    table = adult("data")
    return table.drop("income"), table["income"].to_numpy()


TASKS: dict[str, tuple[Callable[[], tuple[pl.DataFrame, Any]], bool]] = {
    "breast cancer": (lambda: _own(load_breast_cancer), True),
    "digits": (lambda: _own(load_digits), True),
    "diabetes": (lambda: _own(load_diabetes), False),
    "adult": (_adult, True),
}
"""Rows and targets, and whether these are classes."""


def trained(variant: str, classify: bool, seed: int, x: pl.DataFrame, y: Any) -> Any:
    """The fitted estimator."""
    rate, last_only, recalibrated = VARIANTS[variant]
    default, dropout = PRESETS["default"], keras.layers.Dropout

    def placed(rate: float, seed: int | None = None, name: str = "") -> Any:
        return dropout(0.0 if last_only and name == "dropout_1" else rate, seed=seed, name=name)

    PRESETS["default"] = dataclasses.replace(default, dropout=rate)
    try:
        with replaced(keras.layers, "Dropout", placed), warnings.catch_warnings():
            warnings.simplefilter("ignore", NormwiseWarning)
            estimator = TabularClassifier if classify else TabularRegressor
            model = estimator(random_state=seed).fit(x, y)
    finally:
        PRESETS["default"] = default
    if recalibrated:
        recalibrate(model.model_, encode_table(x, model.schema_.columns).inputs())
    return model


def measured(
    model: Any, classify: bool, x: pl.DataFrame, rows: pl.DataFrame, targets: Any
) -> dict[str, float]:
    """Held-out loss and score, and the largest ratio of variances that the doctor tells; 1 for none."""
    if classify:
        loss = log_loss(targets, model.predict_proba(rows), labels=model.classes_)
    else:
        loss = np.mean((model.predict(rows) - targets) ** 2) / np.var(targets)
    inputs = encode_table(x, model.schema_.columns).inputs()
    found = diagnose(model.model_, inputs, select=["NRM303"]).findings
    ratio = max((finding.value for finding in found), default=1.0)
    return {"loss": float(loss), "score": float(model.score(rows, targets)), "NRM303": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--task", type=lambda names: names.split(","), default=list(TASKS))
    parser.add_argument("--out", type=Path, default=Path("experiments/results/dropout_placement.json"))
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for task in arguments.task:
        load, classify = TASKS[task]
        x, y = load()
        runs: dict[str, list[dict[str, float]]] = defaultdict(list)
        for seed in range(arguments.seeds):
            train, test = train_test_split(
                np.arange(len(y)), test_size=0.25, random_state=seed, stratify=y if classify else None
            )
            for variant in VARIANTS:
                keras.utils.clear_session()
                model = trained(variant, classify, seed, x[train], y[train])
                runs[variant].append(measured(model, classify, x[train], x[test], y[test]))
                print(task, seed, variant, runs[variant][-1], flush=True)
            results[task] = {
                variant: {
                    name: {
                        "median": round(statistics.median(run[name] for run in of), 4),
                        "all": [round(run[name], 4) for run in of],
                    }
                    for name in of[0]
                }
                for variant, of in runs.items()
            }
            command = f"python -m experiments.dropout_placement --seeds {arguments.seeds}"
            write_results(arguments.out, command, results)


if __name__ == "__main__":
    main()
