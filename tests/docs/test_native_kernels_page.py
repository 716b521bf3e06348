"""The page's table is that of the benchmark's results."""

import json
from pathlib import Path

from benchmarks.native_batch_norm import CASES, table

ROOT = Path(__file__).parents[2]


def results():
    return json.loads((ROOT / "benchmarks/results/native_batch_norm.json").read_text(encoding="utf-8"))[
        "results"
    ]


def test_the_page_has_the_table_of_the_results():
    assert table(results()) in (ROOT / "docs/native-kernels.md").read_text(encoding="utf-8")


def test_another_figure_is_another_table():
    changed = results()
    changed["jax"][next(iter(CASES))]["milliseconds"]["normwise native"] += 1.0
    assert table(changed) != table(results())
