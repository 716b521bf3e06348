"""The tables in docs/paper-reproduced.md, made anew from experiments/results.

    python -m experiments.paper_page

Each stands between `<!-- table NAME -->` and `<!-- end -->`; what is between them is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments import paper_tables as tables
from experiments.paper_claims import claims_table
from experiments.paper_figures import FIGURES, read

Found = dict[str, Any]
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "paper-reproduced.md"
EXPERIMENTS = tuple(dict.fromkeys(experiment for experiment, _ in FIGURES.values()))
TABLES: dict[str, Callable[[Mapping[str, Found]], str]] = {
    "claims": claims_table,
    "mnist_sigmoid": lambda found: tables.mnist_sigmoid(found["mnist_sigmoid"]),
    "inception_small": lambda found: tables.inception_small(found["inception_small"]),
    "placement tanh": lambda found: tables.placement(found["placement"], "tanh"),
    "placement relu": lambda found: tables.placement(found["placement"], "relu"),
    "variance shift": lambda found: tables.variance_shift(found["placement"]),
    "small_batch": lambda found: tables.small_batch(found["small_batch"]),
    "initialization": lambda found: tables.initialization(found["initialization"]),
    "smoothness": lambda found: tables.smoothness(found["smoothness"]),
}
BLOCK = re.compile(r"<!-- table ([^>]+) -->\n.*?<!-- end -->", re.DOTALL)


def renewed(page: str, found: Mapping[str, Found]) -> str:
    """The page with its tables as the results have them."""

    def block(old: re.Match[str]) -> str:
        return f"<!-- table {old[1]} -->\n\n{TABLES[old[1]](found)}\n\n<!-- end -->"

    return BLOCK.sub(block, page)


def results() -> dict[str, Found]:
    """All results, by experiment."""
    return {name: read(name, ROOT / "experiments" / "results") for name in EXPERIMENTS}


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8"), results()), "utf-8")
