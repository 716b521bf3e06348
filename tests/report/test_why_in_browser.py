"""The why page in a real browser: drawn and silent, its sliders, toggles and start point at work.

No checker such as axe-core is installed, so what matters most to people who see or hear the page is checked
here by hand: contrast as computed, names of controls, focus that shows, order by keyboard.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.report.test_in_browser import CHROMIUM, EARLY, FLAGS, FRAME
from tests.report.why_records import WHY_RECORDS, whole

from normwise.core.descent import steps_needed
from normwise.report import why_report
from normwise.report.why.figures import why_figures
from normwise.report.why.quadratic import Quadratic

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]

PROBE = """<script>
(function () {
  const find = (id) => document.getElementById(id);
  const drawn = () => [...document.querySelectorAll(".plot")].map((e) =>
    [e.id, e.querySelectorAll(".scatterlayer path, .scatterlayer .errorbar").length]);
  const fire = (e, kind, more) =>
    e.dispatchEvent(Object.assign(new Event(kind, { bubbles: true }), more || {}));
  const numbers = () => ["play-steps", "play-kappa", "play-drawn", "stretch-value"]
    .map((i) => find(i).textContent);
  const visible = (id) => find(id).data.filter((t) => t.visible !== false && t.showlegend !== false).length;
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  function behind(element) {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  }
  function faint() {
    const found = [];
    for (const e of document.querySelectorAll("body *")) {
      const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
      if (!own || e.closest("svg, script, style, .alt, .skip") || e.offsetHeight === 0) continue;
      const value = contrast(rgb(getComputedStyle(e).color), behind(e));
      if (value < 4.5) found.push([e.tagName, e.textContent.slice(0, 30), value]);
    }
    for (const e of document.querySelectorAll(".plot svg text")) {
      const value = contrast(rgb(getComputedStyle(e).fill), behind(e.closest(".plot")));
      if (e.textContent.trim() && value < 4.5) found.push(["text", e.textContent.slice(0, 30), value]);
    }
    return found;
  }
  function unfocused() {
    const found = [];
    for (const e of document.querySelectorAll("main a, button, input, [tabindex='0'], summary")) {
      if (e.closest("details:not([open])") && e.tagName !== "SUMMARY") continue;
      if (e.closest(".plot") || e.offsetHeight === 0) continue;
      e.focus({ focusVisible: true });
      const ring = e.querySelector(".touch"); // the start point draws its own
      const shows = ring
        ? getComputedStyle(ring).stroke !== "none"
        : getComputedStyle(e).outlineStyle !== "none";
      if (document.activeElement !== e || !shows) found.push(e.outerHTML.slice(0, 80));
    }
    return found;
  }
  function play() {
    if (!find("play")) return null;
    const before = numbers();
    const box = find("stretch");
    box.value = String(Math.log10(30));
    fire(box, "input");
    const wide = numbers();
    const ellipse = find("play-contours").firstChild;
    const shape = Number(ellipse.getAttribute("ry")) / Number(ellipse.getAttribute("rx"));
    find("as-scaled").click();
    const handle = find("play-start");
    const at = () => handle.getAttribute("transform");
    const start = at();
    fire(handle, "keydown", { key: "ArrowUp" });
    const moved = at();
    const held = numbers();
    fire(handle, "keydown", { key: "Home" });
    return { before, wide, shape, start, moved, home: at(), held };
  }
  function tools() {
    const result = {};
    const slider = find("frames-units");
    if (slider) {
      result.last = JSON.stringify(find("plot-units").data[0].y);
      slider.value = "0";
      fire(slider, "input");
      result.first = JSON.stringify(find("plot-units").data[0].y);
      result.step = find("frame-units").textContent;
    }
    const box = document.querySelector('[data-toggle="raw"]');
    if (box && find("plot-curves")) {
      result.all = visible("plot-curves");
      box.click();
      result.less = visible("plot-curves");
      box.click();
      result.again = visible("plot-curves");
    }
    return result;
  }
  function report() {
    if (document.documentElement.dataset.ready !== "true") { setTimeout(report, 50); return; }
    const result = { drawn: drawn(), width: window.innerWidth, faint: faint(), unfocused: unfocused(),
      play: play(), tools: tools(), alerts: window.alerts,
      loads: performance.getEntriesByType("resource").map((e) => e.name),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
    document.querySelector('[data-language="zh"]').click();
    result.zh = { title: document.title, drawn: drawn(),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
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


def opened(page: str, folder: Path, *flags: str, narrow: bool = False) -> tuple[dict[str, Any], list[str]]:
    """What the probe found in the page, and what the browser's console said."""
    page = page.replace("<style>", EARLY + "<style>", 1).replace("</body>", PROBE + "</body>")
    (folder / "page.html").write_text(page, "utf-8")
    (folder / "frame.html").write_text(FRAME, "utf-8")
    address = (folder / ("frame.html" if narrow else "page.html")).as_uri()
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, profile, "--lang=en-US", "--window-size=1280,900", *flags, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, encoding="utf-8")
    (found,) = re.findall(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(found)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


DARK = "--blink-settings=preferredColorScheme=0"
CASES = {
    "whole, 1280 px": ("whole", False, ()),
    "whole, 390 px, dark": ("whole", True, (DARK,)),
    "hostile, 1280 px, dark": ("hostile", False, (DARK,)),
    "hostile, 390 px": ("hostile", True, ()),
    "bare, 390 px": ("bare", True, ()),
    "nothing finite, 1280 px": ("nothing finite", False, ()),
}


@pytest.mark.parametrize(("name", "narrow", "flags"), CASES.values(), ids=CASES.keys())
def test_page_is_drawn_silent_and_legible(
    name: str, narrow: bool, flags: tuple[str, ...], tmp_path: Path
) -> None:
    record = WHY_RECORDS[name]()
    state, console = opened(why_report(record), tmp_path, *flags, narrow=narrow)
    assert console == []
    assert state["loads"] == []
    assert state["alerts"] == 0
    assert state["width"] == (390 if narrow else 1280)
    for seen in (state, state["zh"]):
        assert seen["overflow"] == 0
        assert [key for key, _ in seen["drawn"]] == [f"plot-{key}" for key in why_figures(record)]
    if name != "nothing finite":
        assert all(count > 0 for _, count in state["drawn"])
    assert state["faint"] == []
    assert state["unfocused"] == []


def test_sliders_toggles_and_the_start_point_work(tmp_path: Path) -> None:
    state, console = opened(why_report(whole()), tmp_path)
    assert console == []
    play, tools = state["play"], state["tools"]
    # The scaled bowl stretched 30 times is the raw one, whose steps the formula tells.
    raw, scaled = (Quadratic.of(b).condition_number for b in whole().bowls)
    assert int(play["before"][0].replace(",", "")) == steps_needed(scaled)
    assert float(play["wide"][0].replace(",", "")) == pytest.approx(steps_needed(raw), rel=0.02)
    assert float(play["wide"][1].replace(",", "")) == pytest.approx(raw, rel=0.05)
    assert play["shape"] == pytest.approx(raw**0.5, rel=0.05)
    assert play["wide"][2] == "300"
    assert play["moved"] != play["start"] == play["home"]
    assert play["held"] == play["before"]
    assert tools["first"] != tools["last"]
    assert tools["step"] == "0"
    assert (tools["all"], tools["less"], tools["again"]) == (4, 3, 4)
    assert state["zh"]["title"] == "adult.csv – 为什么要归一化？"


def test_the_checks_find_faint_text_and_hidden_focus(tmp_path: Path) -> None:
    bad = '<p style="color:#999">pale</p><p><button style="outline:none!important">bare</button></p>'
    state, _ = opened(why_report(WHY_RECORDS["bare"]()).replace("</main>", bad + "</main>"), tmp_path)
    assert [text for _, text, _ in state["faint"]] == ["pale"]
    assert len(state["unfocused"]) == 1
