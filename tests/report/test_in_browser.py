"""The page in a real browser: drawn, silent, loading nothing, in both languages, wide and narrow."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.report.records import RECORDS

from normwise.report import run_report
from normwise.report.figures_json import figures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=20000",
    "--dump-dom",
)
EARLY = "<script>window.alerts = 0; window.alert = () => { window.alerts += 1; };</script>"
PROBE = """<script>
(function () {
  const shown = () => [...document.querySelectorAll("main p, main h2, header h1")]
    .filter((e) => e.offsetHeight > 0).map((e) => e.innerText).join("\\n");
  const drawn = () => [...document.querySelectorAll(".plot")]
    .map((e) => [e.id, e.querySelectorAll(".scatterlayer path, .heatmaplayer image").length,
      [...e.querySelectorAll("svg.main-svg text")].map((t) => t.textContent).join("\\n")]);
  const state = () => ({
    lang: document.documentElement.lang, title: document.title, text: shown(), figures: drawn(),
    pressed: document.querySelector('[aria-pressed="true"]').dataset.language,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    width: window.innerWidth,
  });
  function report() {
    if (document.documentElement.dataset.ready !== "true") { setTimeout(report, 50); return; }
    const before = state();
    document.querySelector('[data-language="zh"]').click();
    const zh = state();
    document.querySelector('[data-language="en"]').click();
    const result = { before, zh, en: state(), alerts: window.alerts,
      loads: performance.getEntriesByType("resource").map((e) => e.name) };
    window.parent.postMessage(JSON.stringify(result), "*");
  }
  window.addEventListener("message", (event) => {
    const found = document.createElement("pre");
    found.id = "probe";
    found.textContent = event.data;
    document.body.append(found);
  });
  report();
})();
</script>"""
FRAME = """<!DOCTYPE html><html><body>
<iframe src="page.html" style="width:390px;height:900px;border:0"></iframe>
<script>
window.addEventListener("message", (event) => {
  const found = document.createElement("pre");
  found.id = "probe";
  found.textContent = event.data;
  document.body.append(found);
});
</script></body></html>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]


def opened(page: str, folder: Path, *flags: str, narrow: bool = False) -> tuple[dict[str, Any], list[str]]:
    """What the probe found in the page, and what the browser's console said."""
    page = page.replace("<style>", EARLY + "<style>", 1).replace("</body>", PROBE + "</body>")
    (folder / "page.html").write_text(page, "utf-8")
    (folder / "frame.html").write_text(FRAME, "utf-8")
    address = (folder / ("frame.html" if narrow else "page.html")).as_uri()
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, profile, "--window-size=1280,900", *flags, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, encoding="utf-8")
    (found,) = re.findall(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found)), console


CASES = {
    "binary, 1280 px": ("binary", False),
    "regression, 390 px": ("regression", True),
    "hostile, 1280 px": ("hostile", False),
    "hostile, 390 px": ("hostile", True),
    "300 columns, 390 px": ("300 columns", True),
    "undefined values, 1280 px": ("undefined values", False),
}


@pytest.mark.parametrize(("name", "narrow"), CASES.values(), ids=CASES.keys())
def test_page_is_drawn_and_silent(name: str, narrow: bool, tmp_path: Path) -> None:
    record = RECORDS[name]()
    state, console = opened(run_report(record), tmp_path, "--lang=en-US", narrow=narrow)
    assert console == []
    assert state["loads"] == []
    assert state["alerts"] == 0
    assert state["before"]["width"] == (390 if narrow else 1280)
    for seen in (state["before"], state["zh"], state["en"]):
        assert seen["overflow"] == 0
        assert [f[0] for f in seen["figures"]] == [f"plot-{n}" for n in figures(record)]
        assert all(count > 0 for _, count, _ in seen["figures"])


def test_the_switch_changes_text_title_and_figures(tmp_path: Path) -> None:
    state, _ = opened(run_report(RECORDS["binary"]()), tmp_path, "--lang=en-US")
    english, chinese = state["before"], state["zh"]
    assert (english["lang"], english["pressed"]) == ("en", "en")
    assert (chinese["lang"], chinese["pressed"]) == ("zh-Hans", "zh")
    assert english["title"] == "diagnosis – training report"
    assert chinese["title"] == "diagnosis – 训练报告"
    assert "Learning curves" in english["text"]
    assert "学习曲线" not in english["text"]
    assert "学习曲线" in chinese["text"]
    assert "Learning curves" not in chinese["text"]
    words = {name: text for name, _, text in chinese["figures"]}
    assert "保留第 2 轮" in words["plot-learning"]
    assert "本网络" in words["plot-comparison"]
    assert state["en"] == english


def test_a_chinese_browser_gets_chinese(tmp_path: Path) -> None:
    flags = ("--lang=zh-CN", "--accept-lang=zh-CN")
    state, _ = opened(run_report(RECORDS["regression"]()), tmp_path, *flags)
    assert state["before"]["lang"] == "zh-Hans"
    assert "留出集" in state["before"]["text"]


def test_names_are_drawn_letter_by_letter(tmp_path: Path) -> None:
    state, _ = opened(run_report(RECORDS["hostile"]()), tmp_path, "--lang=en-US")
    texts = {name: text for name, _, text in state["before"]["figures"]}
    for part in (
        "<script>alert(1)</script>",
        "$x^2$ & <b>bold</b> &amp;",
        "%{x} {{ name }} {0}",
        "收入（元）",
    ):
        assert part in texts["plot-features"]


def test_the_browser_tells_of_errors_and_loads(tmp_path: Path) -> None:
    broken = '<script>console.error("broken");</script><script src="absent.js"></script>'
    page = run_report(RECORDS["one epoch"]()).replace("<footer>", broken + "<footer>")
    state, console = opened(page, tmp_path)
    assert any("broken" in line for line in console)
    assert any("Content Security Policy" in line for line in console)
    assert [Path(load).name for load in state["loads"]] == ["absent.js"]
