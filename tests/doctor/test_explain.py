"""The stories of the rules, and the page that is made of them."""

from pathlib import Path

import pytest

from normwise.core.errors import NormwiseError
from normwise.doctor.explain import explain, rules_page, rules_table
from normwise.doctor.registry import RULES

PAGE = Path(__file__).parents[2] / "docs" / "doctor-rules.md"


def test_a_story():
    text = explain("stale-statistics")
    assert text == explain("NRM403")
    lines = text.splitlines()
    assert lines[0] == "# NRM403 stale-statistics"
    assert (
        lines[2] == "Moving statistics that are not those of the data, so that inference is another network."
    )
    assert lines[4] == "*warning, measured*"
    assert [line for line in lines if line.startswith("## ")] == [
        "## What it detects",
        "## Why it matters",
        "## Example",
        "## Remedy",
        "## False alarms",
        "## Sources",
    ]


def test_preview_is_said():
    assert "*info, exact, in preview*" in explain("NRM302")
    assert "| NRM302 | normalization-after-activation | info (preview) | exact |" in rules_table()


def test_an_unknown_rule():
    with pytest.raises(NormwiseError, match='there is no rule "NRM999"'):
        explain("NRM999")


def test_the_table_has_every_rule():
    assert [row.split(" | ")[0].strip("| ") for row in rules_table().splitlines()[2:]] == [
        r.code for r in RULES
    ]


def test_the_page_is_up_to_date():
    """If not: python -m normwise.doctor.explain > docs/doctor-rules.md"""
    assert PAGE.read_text(encoding="utf-8") == rules_page()
