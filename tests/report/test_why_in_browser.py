"""The why page in a real browser: drawn, silent, for everybody; sliders, toggles and start point at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.report.browser import Shown
from tests.report.records import HOSTILE
from tests.report.why_records import WHY_RECORDS, whole

from normwise.core.descent import steps_needed
from normwise.report import why_report
from normwise.report.why.figures import why_figures
from normwise.report.why.quadratic import Quadratic

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Show = Callable[..., Shown]

CASES = {
    "whole, 1280 px": ("whole", 1280, False),
    "whole, 1280 px, dark": ("whole", 1280, True),
    "whole, 390 px": ("whole", 390, False),
    "whole, 390 px, dark": ("whole", 390, True),
    "hostile, 1280 px, dark": ("hostile", 1280, True),
    "hostile, 390 px": ("hostile", 390, False),
    "bare, 390 px": ("bare", 390, False),
    "nothing finite, 1280 px": ("nothing finite", 1280, False),
}
EMPTY = {"nothing finite": {"curves", "rates"}}
"""Figures whose values are all undefined have axes and no marks."""


@pytest.mark.parametrize(("name", "width", "dark"), CASES.values(), ids=CASES.keys())
def test_page_is_drawn_silent_and_accessible(name: str, width: int, dark: bool, show: Show) -> None:
    record = WHY_RECORDS[name]()
    shown = show(why_report(record), width=width, dark=dark)
    for language in ("en", "zh"):
        shown.speak(language)
        drawn = shown.figures()
        assert list(drawn) == list(why_figures(record))
        assert {key for key, figure in drawn.items() if figure["marks"] == 0} == EMPTY.get(name, set())
        assert shown.too_wide() == 0
        assert shown.violations() == []
    assert all(shown.stops().values())
    assert (shown.said, shown.requests) == ([], [])


def test_names_come_through_letter_by_letter(show: Show) -> None:
    shown = show(why_report(WHY_RECORDS["hostile"]()))
    drawn = shown.figures()["spread"]["text"]
    for name in ("<script>alert(1)</script>", "quote \" and ' apostrophe", "收入（元）"):
        assert name in HOSTILE
        assert name in drawn
        assert name in shown.page.text_content("#features table")


def test_the_first_figure_is_there_in_time(show: Show) -> None:
    """The text is painted first; then Plotly's JavaScript, 1.5 MB, has to be run (docs/decisions/0108)."""
    shown = show(why_report(whole()))
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    assert shown.page.evaluate(paint) < 1000
    assert shown.first_figure() < 5000


def number(page: Page, selector: str) -> float:
    return float(page.inner_text(selector).replace(",", ""))


def test_the_slider_stretches_the_bowl(show: Show) -> None:
    """The scaled bowl stretched 30 times is the raw one, whose steps the formula tells."""
    page = show(why_report(whole())).page
    raw, scaled = (Quadratic.of(b).condition_number for b in whole().bowls)
    assert number(page, "#play-steps") == steps_needed(scaled)
    before = page.get_attribute("#stretch", "value"), page.inner_text("#play-kappa")
    page.click("#as-raw")
    assert number(page, "#stretch-value") == pytest.approx(30, rel=0.02)
    assert number(page, "#play-kappa") == pytest.approx(raw, rel=0.05)
    assert number(page, "#play-steps") == pytest.approx(steps_needed(raw), rel=0.02)
    assert page.inner_text("#play-drawn") == "300"
    rx, ry = (float(page.get_attribute("#play-contours ellipse", name) or 0) for name in ("rx", "ry"))
    assert ry / rx == pytest.approx(raw**0.5, rel=0.05)
    page.click("#as-scaled")
    page.focus("#stretch")
    page.keyboard.press("ArrowRight")
    assert number(page, "#stretch-value") > 1
    page.keyboard.press("ArrowLeft")
    assert (page.get_attribute("#stretch", "value"), page.inner_text("#play-kappa")) == before


def test_the_start_point_moves_by_mouse_and_by_keyboard(show: Show) -> None:
    page = show(why_report(whole())).page
    place = lambda: page.get_attribute("#play-start", "transform")  # noqa: E731
    path = lambda: page.get_attribute("#play-path", "points")  # noqa: E731
    home, steps = place(), page.inner_text("#play-steps")
    page.focus("#play-start")
    page.keyboard.press("ArrowUp")
    by_keyboard, drawn = place(), path()
    page.keyboard.press("Home")
    assert place() == home != by_keyboard
    box = page.locator("#play").bounding_box() or {}
    right_above = {"x": 0.75 * box["width"], "y": 0.25 * box["height"]}
    page.locator("#play-start .dot").drag_to(page.locator("#play"), target_position=right_above)
    assert place() not in (home, by_keyboard)
    x, y = (float(v) for v in (place() or "").removeprefix("translate(").rstrip(")").split())
    assert (x, y) == pytest.approx((50, -50), abs=2)
    assert path() != drawn
    assert page.inner_text("#play-steps") == steps  # at the best rate, from wherever it begins


def test_the_step_slider_shows_the_distributions_of_that_step(show: Show) -> None:
    page = show(why_report(whole())).page
    last = page.evaluate("document.getElementById('plot-units').data[0].y")
    page.focus("#frames-units")
    page.keyboard.press("Home")
    assert page.inner_text("#frame-units") == "0"
    assert page.get_attribute("#frames-units", "aria-valuetext") == "0"
    assert page.evaluate("document.getElementById('plot-units').data[0].y") != last
    page.keyboard.press("End")
    assert page.evaluate("document.getElementById('plot-units').data[0].y") == last


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_toggles_hide_a_variant_and_bring_it_back(by: str, show: Show) -> None:
    page = show(why_report(whole())).page
    lines = """document.getElementById('plot-curves').data
        .filter((t) => t.visible !== false && t.showlegend !== false).length"""
    assert page.evaluate(lines) == 4
    for expected in (3, 4):
        if by == "mouse":
            page.click(".toggle.raw")
        else:
            page.focus('[data-toggle="raw"]')
            page.keyboard.press("Space")
        assert page.evaluate(lines) == expected


def test_the_switch_changes_title_and_figures(show: Show) -> None:
    shown = show(why_report(whole()))
    assert "raw inputs" in shown.figures()["curves"]["text"]
    shown.page.focus('[data-language="zh"]')
    shown.page.keyboard.press("Enter")
    assert shown.page.title() == "adult.csv – 为什么要归一化？"
    assert "原始输入" in shown.figures()["curves"]["text"]
