"""The quick version of each experiment: its JSON is enough for figures and tables, and it can be resumed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import paper_tables as tables
from experiments.paper_figures import FIGURES, read
from experiments.study import main

ROOT = Path(__file__).parents[2]
TABLES: dict[str, list[Any]] = {
    "mnist_sigmoid": [tables.mnist_sigmoid],
    "inception_small": [tables.inception_small],
    "placement": [
        lambda f: tables.placement(f, "tanh"),
        lambda f: tables.placement(f, "relu"),
        tables.variance_shift,
    ],
    "small_batch": [tables.small_batch],
    "initialization": [tables.initialization],
    "smoothness": [tables.smoothness],
}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in TABLES if name != "initialization"]
NAMES = ["initialization", *SLOW]


def run(name: str, out: Path) -> dict[str, Any]:
    module = importlib.import_module(f"experiments.{name}")
    main(name, module.__doc__, module.study, ["--quick", "--out", str(out)])
    return dict(json.loads(out.read_text("utf-8")))


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    runs = record["results"]["runs"]
    return {name: {k: v for k, v in found.items() if k != "seconds"} for name, found in runs.items()}


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("name", NAMES)
def test_quick(name: str, tmp_path: Path) -> None:
    out = tmp_path / f"{name}.json"
    record = run(name, out)
    study = importlib.import_module(f"experiments.{name}").study(True)
    assert record["command"] == f"python -m experiments.{name} --quick"
    assert list(record["results"]["runs"]) == list(study.runs)
    whole = without_seconds(record)

    found = read(name, tmp_path)
    figures = [make for experiment, make in FIGURES.values() if experiment == name]
    assert figures
    for make in figures:
        traces = make(found).data
        assert traces
        assert any(np.isfinite(np.array(trace.y, float)).any() for trace in traces if trace.y is not None)
    for table in TABLES[name]:
        assert len(table(found).splitlines()) > 2
        assert "nan" not in table(found)

    del record["results"]["runs"][list(study.runs)[-1]]
    out.write_text(json.dumps(record), "utf-8")
    assert without_seconds(run(name, out)) == whole


def test_figures_and_tables_need_neither_keras_nor_jax() -> None:
    code = (
        "import sys; import experiments.paper_page, experiments.paper_figures;"
        "print([n for n in ('keras', 'jax', 'torch', 'tensorflow', 'playwright') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
