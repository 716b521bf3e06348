"""The page in both languages quotes what experiments/results/why.json holds; its pictures are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("why.md", "why.zh.md")}
FOUND = json.loads((ROOT / "experiments" / "results" / "why.json").read_text("utf-8"))["results"]
VARIANTS = ("raw", "scaled", "raw_bn", "scaled_bn")


def measured(table: str, name: str, variant: str, column: str = "") -> float:
    (value,) = [
        m["value"]
        for m in FOUND[table]["measurements"]
        if (m["name"], m["variant"], m["column"]) == (name, variant, column)
    ]
    return float(value)


def sentence(table: str, key: str) -> dict[str, float]:
    return next(s["numbers"] for s in FOUND[table]["verdict"] if s["key"] == key)


def quoted() -> dict[str, str]:
    """What is said to what it must read as."""
    told = {
        "share": f"{measured('adult', 'share_of_variance', 'raw', 'fnlwgt'):.1%}",
        "κ of the valley": f"{FOUND['bowls']['sizes'][0]['condition number']:.1f}",
        "κ of the bowl": f"{FOUND['bowls']['sizes'][1]['condition number']:.2f}",
        "κ of all, Adult": f"{measured('adult', 'condition_number_second_moments', 'scaled'):.1f}",
        "κ of all, cancer": f"{measured('breast cancer', 'condition_number_second_moments', 'scaled'):,.0f}",
    }
    for before, table in (("4.9·10⁹", "adult"), ("2.4·10¹²", "breast cancer")):
        digits, _, power = f"{measured(table, 'condition_number_second_moments', 'raw'):.1e}".partition("e+")
        superscript = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        assert before == f"{digits}·10{superscript}"
        told[f"κ of raw {table}"] = before
    for name, of in FOUND["bowls"].items():
        for bowl in of:
            assert bowl["descent_steps_least"] == bowl["descent_steps_most"]
            told[f"steps, {name} {bowl['variant']}"] = f"{bowl['descent_steps']:,.0f}"
    for name, bowl in zip(("raw", "scaled"), FOUND["bowls"]["collinear"], strict=True):
        told[f"κ collinear {name}"] = f"{bowl['condition number']:,.0f}"
    for table in ("adult", "breast cancer"):
        told[f"saturated {table}"] = f"{100 * sentence(table, 'saturation')['before']:.3g}%"
        told[f"normalized {table}"] = f"{sentence(table, 'saturation_normalized')['after']:.1%}"
        told[f"rows {table}"] = f"{FOUND[table]['rows']['held out']:,}"
        told[f"budget {table}"] = f"{sentence(table, 'scaling_steps_reaches')['budget']:,.0f}"
    return told


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_the_measured_ones(page: str) -> None:
    missing = {what: text for what, text in quoted().items() if text not in PAGES[page]}
    assert missing == {}


@pytest.mark.parametrize("page", PAGES)
def test_the_table_is_the_measured_one(page: str) -> None:
    rows = [re.split(r" *\| *", line)[2:6] for line in PAGES[page].splitlines() if line.startswith("| ")]
    expected: list[list[Any]] = []
    for name in VARIANTS:
        row = []
        for table in ("adult", "breast cancer"):
            found = FOUND[table]["variants"][name]
            steps = found["steps to the target"]
            row += [None if steps is None else f"{steps:g}", f"{found['held-out metric']:.1%}"]
        expected.append(row)
    told = [[cell if re.fullmatch(r"[\d.%]+", cell) else None for cell in row] for row in rows[-4:]]
    assert told == expected


@pytest.mark.parametrize("page", PAGES)
def test_pictures_are_there_and_all_are_shown(page: str) -> None:
    language = "zh" if ".zh." in page else "en"
    shown = set(re.findall(r"!\[[^\]]{20,}\]\(images/([^)]+)\)", PAGES[page]))
    assert shown == {file.name for file in (ROOT / "docs" / "images").glob(f"why-*-{language}.svg")}


def test_a_wrong_number_would_be_seen() -> None:
    assert "κ = 36.2" not in PAGES["why.md"]
    wrong = PAGES["why.md"].replace("36.1", "36.2")
    assert quoted()["κ of the valley"] not in wrong


@pytest.mark.parametrize("page", PAGES)
def test_the_lines_under_the_bowls_draw_them(page: str) -> None:
    """As they stand, after the block that comes first, but for the training on Adult."""
    block = PAGES[page].split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec("".join(line for line in block.splitlines(keepends=True) if "adult" not in line), names)
    lines = re.findall(r"^    (normwise\.plot\(normwise\.insight\.bowl.*)$", PAGES[page], re.MULTILINE)
    told = [eval(line, names).layout.annotations[0].text.partition("<br>")[2] for line in lines]
    of = [bowl for name in ("sizes", "collinear") for bowl in FOUND["bowls"][name]]
    expected = [(f"{b['condition number']:.3g}", f"{b['descent_steps']:,.0f}") for b in of]
    found = [re.findall(r"\d+(?:[.,]\d+)*", text) for text in told]
    assert [(f"{float(k.replace(',', '')):.3g}", steps) for k, steps in found] == expected
