"""How well and how fast the tabular estimators learn, beside scikit-learn's models.

    python -m benchmarks.tabular [--seeds 10] [--out benchmarks/results/tabular.json]

Adult is trained on adult.data and scored on adult.test; the default settings were chosen on validation rows
of adult.data alone. Digits (ten classes) and diabetes (regression) are scikit-learn's own, a quarter held out
anew for each seed. The models take turns within each seed; medians over the seeds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pandas as pd
from benchmarks.data import adult
from benchmarks.results import write_results
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from normwise import TabularClassifier, TabularRegressor
from normwise.core.errors import NormwiseWarning

Split = tuple[Any, Any, Any, Any]
Models = dict[str, Callable[[int], Any]]


def _for_table(model: Any) -> Any:
    """A model behind StandardScaler and one-hot, as scikit-learn's users write it."""
    numbers = make_column_selector(dtype_include=np.number)
    text = make_column_selector(dtype_exclude=np.number)
    columns = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), text), sparse_threshold=0
    )
    return make_pipeline(columns, model)


def _mlp(kind: type, seed: int, early_stopping: bool) -> Any:
    return kind(hidden_layer_sizes=(64, 64), max_iter=500, early_stopping=early_stopping, random_state=seed)


def _boosting_for_table(seed: int) -> Any:
    text = make_column_selector(dtype_exclude=np.number)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = make_column_transformer((codes, text), remainder="passthrough", verbose_feature_names_out=False)
    return make_pipeline(
        columns.set_output(transform="pandas"), HistGradientBoostingClassifier(random_state=seed)
    )


def _scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


def _scaled_both(model: Any) -> Any:
    """A regressor on standardized columns and a standardized target."""
    return TransformedTargetRegressor(_scaled(model), transformer=StandardScaler())


def _adult() -> Iterator[Split]:
    # pandas by way of plain lists: no need of PyArrow.
    train, test = (pd.DataFrame(adult(part).to_dict(as_series=False)) for part in ("data", "test"))
    while True:
        yield train.drop(columns="income"), test.drop(columns="income"), train["income"], test["income"]


def _own_data(load: Callable[..., Any], classify: bool) -> Iterator[Split]:
    X, y = load(return_X_y=True)
    seed = 0
    while True:
        yield train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y if classify else None)
        seed += 1


TASKS: dict[str, tuple[Callable[[], Iterator[Split]], Models]] = {
    "adult (accuracy)": (
        _adult,
        {
            "normwise": lambda seed: TabularClassifier(random_state=seed),
            "normwise, the article's preset": lambda seed: TabularClassifier("article", random_state=seed),
            "logistic regression": lambda _: _for_table(LogisticRegression(max_iter=1000)),
            "MLP, early stopping": lambda seed: _for_table(_mlp(MLPClassifier, seed, True)),
            "gradient boosting": _boosting_for_table,
        },
    ),
    "digits (accuracy)": (
        lambda: _own_data(load_digits, True),
        {
            "normwise": lambda seed: TabularClassifier(random_state=seed),
            "logistic regression": lambda _: _scaled(LogisticRegression(max_iter=1000)),
            "MLP": lambda seed: _scaled(_mlp(MLPClassifier, seed, False)),
            "MLP, early stopping": lambda seed: _scaled(_mlp(MLPClassifier, seed, True)),
            "gradient boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
        },
    ),
    "diabetes (R2)": (
        lambda: _own_data(load_diabetes, False),
        {
            "normwise": lambda seed: TabularRegressor(random_state=seed),
            "ridge regression": lambda _: _scaled_both(Ridge()),
            "MLP": lambda seed: _scaled_both(_mlp(MLPRegressor, seed, False)),
            "MLP, early stopping": lambda seed: _scaled_both(_mlp(MLPRegressor, seed, True)),
            "gradient boosting": lambda seed: HistGradientBoostingRegressor(random_state=seed),
        },
    ),
}


def run(task: str, seeds: int) -> dict[str, dict[str, Any]]:
    """Scores and seconds of each model of a task, seed by seed, the models taking turns."""
    splits, models = TASKS[task]
    results: dict[str, dict[str, Any]] = {name: {"scores": [], "seconds": []} for name in models}
    for seed, (X, X_test, y, y_test) in zip(range(seeds), splits(), strict=False):
        for name, make in models.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NormwiseWarning)
                start = time.perf_counter()
                model = make(seed).fit(X, y)
                results[name]["seconds"].append(round(time.perf_counter() - start, 2))
                results[name]["scores"].append(round(float(model.score(X_test, y_test)), 5))
    for name, result in results.items():
        result["median_score"] = statistics.median(result["scores"])
        result["median_seconds"] = statistics.median(result["seconds"])
        low, high = min(result["scores"]), max(result["scores"])
        print(
            f"{task:20s} {name:32s} {result['median_score']:.4f}  ({low:.4f} to {high:.4f})  "
            f"{result['median_seconds']:6.1f} s",
            flush=True,
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--task", choices=list(TASKS), action="append")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.task is None and not os.environ.get("NORMWISE_DATA"):
        print("Adult is left out: NORMWISE_DATA is to name the folder that holds adult/ (see README.md)")
        arguments.task = [task for task in TASKS if not task.startswith("adult")]
    results = {task: run(task, arguments.seeds) for task in arguments.task or TASKS}
    if arguments.out:
        write_results(arguments.out, f"python -m benchmarks.tabular --seeds {arguments.seeds}", results)


if __name__ == "__main__":
    main()
