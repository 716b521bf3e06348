"""The run page in a real browser: drawn, silent, for everybody, in both languages, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.report.browser import Shown
from tests.report.records import RECORDS

from normwise.report import run_report
from normwise.report.figures_json import figures

pytestmark = pytest.mark.slow
Show = Callable[..., Shown]

CASES = {
    "binary, 1280 px": ("binary", 1280, False),
    "binary, 390 px, dark": ("binary", 390, True),
    "regression, 1280 px, dark": ("regression", 1280, True),
    "regression, 390 px": ("regression", 390, False),
    "hostile, 1280 px": ("hostile", 1280, False),
    "hostile, 390 px": ("hostile", 390, False),
    "300 columns, 390 px": ("300 columns", 390, False),
    "undefined values, 1280 px": ("undefined values", 1280, False),
}


@pytest.mark.parametrize(("name", "width", "dark"), CASES.values(), ids=CASES.keys())
def test_page_is_drawn_silent_and_accessible(name: str, width: int, dark: bool, show: Show) -> None:
    record = RECORDS[name]()
    shown = show(run_report(record), width=width, dark=dark)
    for language in ("en", "zh", "en"):
        shown.speak(language)
        assert list(shown.figures()) == list(figures(record))
        assert all(figure["marks"] > 0 for figure in shown.figures().values())
        assert shown.too_wide() == 0
    for language in ("en", "zh"):
        shown.speak(language)
        assert shown.violations() == []
    assert all(shown.stops().values())
    assert (shown.said, shown.requests) == ([], [])


def test_the_switch_changes_text_title_and_figures(show: Show) -> None:
    shown = show(run_report(RECORDS["binary"]()))
    page = shown.page
    state = lambda: (  # noqa: E731
        page.get_attribute("html", "lang"),
        page.title(),
        page.inner_text("main"),
        shown.figures(),
    )
    english = state()
    page.focus('[data-language="zh"]')
    page.keyboard.press("Enter")
    chinese = state()
    shown.speak("en")
    assert english[:2] == ("en", "diagnosis – training report")
    assert chinese[:2] == ("zh-Hans", "diagnosis – 训练报告")
    assert "Learning curves" in english[2]
    assert "学习曲线" not in english[2]
    assert "学习曲线" in chinese[2]
    assert "Learning curves" not in chinese[2]
    assert "保留第 2 轮" in chinese[3]["learning"]["text"]
    assert "本网络" in chinese[3]["comparison"]["text"]
    assert state() == english


def test_a_chinese_browser_gets_chinese(show: Show) -> None:
    page = show(run_report(RECORDS["regression"]()), locale="zh-CN").page
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert page.get_attribute('[data-language="zh"]', "aria-pressed") == "true"
    assert "留出集" in page.inner_text("main")


def test_names_are_drawn_letter_by_letter(show: Show) -> None:
    text = show(run_report(RECORDS["hostile"]())).figures()["features"]["text"]
    for part in (
        "<script>alert(1)</script>",
        "$x^2$ & <b>bold</b> &amp;",
        "%{x} {{ name }} {0}",
        "收入（元）",
    ):
        assert part in text


BROKEN = """<script>console.error("broken"); alert(1);</script><script>undefined.broken</script>
<script src="absent.js"></script><img src="absent.png" alt="">"""


def test_the_helper_hears_errors_dialogs_and_requests(show: Show) -> None:
    page = run_report(RECORDS["one epoch"]())
    shown = show(page.replace("<footer>", BROKEN + "<footer>"))
    for part in ("broken", "dialog: 1", "Cannot read properties", "Content Security Policy"):
        assert any(part in said for said in shown.said), part
    without_policy = show(
        page.replace("default-src 'none'", "img-src *").replace("<footer>", BROKEN + "<footer>")
    )
    assert any(request.endswith("absent.png") for request in without_policy.requests)


FAULTS = {
    "color-contrast (serious)": '<p style="color: #999">pale</p>',
    "label (critical)": '<input type="range">',
    "image-alt (critical)": '<img src="data:,">',
    "aria-command-name (serious)": '<div role="button" tabindex="0"></div>',
    "heading-order (moderate)": "<h6>deep</h6>",
    "faint in a figure": '<div class="plot"><svg><text y="9" fill="#ccc">pale</text></svg></div>',
}


def test_the_helper_finds_what_shuts_people_out(show: Show) -> None:
    bad = "".join(FAULTS.values()) + '<button style="outline: none !important">bare</button>'
    shown = show(run_report(RECORDS["one epoch"]()).replace("</main>", bad + "</main>"))
    assert {found.partition(":")[0] for found in shown.violations()} == set(FAULTS)
    assert [name for name, seen in shown.stops().items() if not seen] == ["bare"]
