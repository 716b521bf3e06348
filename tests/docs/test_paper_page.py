"""docs/paper-reproduced.md says what experiments/results holds, and shows the pictures of it."""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path

import pytest
from experiments.paper_claims import claims
from experiments.paper_figures import FIGURES, read
from experiments.paper_page import PAGE, TABLES, renewed, results

ROOT = Path(__file__).parents[2]
TEXT = PAGE.read_text("utf-8")


def test_the_tables_are_up_to_date() -> None:
    """If not: python -m experiments.paper_page"""
    assert renewed(TEXT, results()) == TEXT


def test_every_table_is_there_once() -> None:
    assert sorted(re.findall(r"<!-- table ([^>]+) -->", TEXT)) == sorted(TABLES)


def test_other_results_change_the_page() -> None:
    found = copy.deepcopy(results())
    for run in found["small_batch"]["runs"].values():
        run["test accuracy"] = [0.5 for _ in run["test accuracy"]]
    assert renewed(TEXT, found) != TEXT


def test_every_claim_has_a_verdict() -> None:
    verdicts = {verdict for *_, verdict in claims(results())}
    assert verdicts <= {"held", "within the spread", "the contrary", "in part", "alike"}


def test_every_experiment_was_run_whole() -> None:
    import importlib

    for name, found in results().items():
        study = importlib.import_module(f"experiments.{name}").study(False)
        assert found["settings"] == study.settings, name
        assert list(found["runs"]) == list(study.runs), name


def test_every_picture_is_shown_and_described() -> None:
    shown = dict(re.findall(r"!\[([^\]]+)\]\(images/([^)]+)\)", TEXT))
    assert sorted(shown.values()) == sorted(f"{name}.svg" for name in FIGURES)
    assert all(len(words) > 30 for words in shown)
    assert all((ROOT / "docs" / "images" / file).is_file() for file in shown.values())


@pytest.mark.slow
def test_the_pictures_are_up_to_date() -> None:
    """If not: python -m experiments.paper_figures"""
    if shutil.which("chromium") is None:
        pytest.skip("there is no chromium on PATH to draw with")
    svg = pytest.importorskip("experiments.svg", reason="playwright is not installed", exc_type=ImportError)
    with svg.chromium() as browser:
        page = svg.with_plotly(browser)
        for name, (experiment, figure) in FIGURES.items():
            drawn = svg.draw(figure(read(experiment, ROOT / "experiments" / "results")), name, page)
            assert (ROOT / "docs" / "images" / f"{name}.svg").read_text("utf-8") == drawn, name
