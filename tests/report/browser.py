"""A page in Chromium, driven by Playwright: what it said, what it asked for, what axe-core finds in it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIRST_FIGURE = """(() => {
  new MutationObserver((_, self) => {
    if (!document.querySelector(".plot .scatterlayer, .plot .heatmaplayer")) return;
    window.firstFigure = performance.now();
    self.disconnect();
  }).observe(document, { childList: true, subtree: true });
})()"""
FAINT = """() => {
  // axe-core does not read the fill of text in SVG. Contrast as WCAG 2 defines it, 4.5 at least.
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const page = light(rgb(getComputedStyle(document.body).backgroundColor));
  // Plotly itself chooses the colour of text on the cells of a heat map.
  return [...document.querySelectorAll(".plot svg text")].filter((e) => {
    if (e.closest(".heatmap-label")) return false;
    const text = light(rgb(getComputedStyle(e).fill));
    const contrast = (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
    return e.textContent.trim() && contrast < 4.5;
  }).map((e) => e.textContent);
}"""
FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const drawn = e.querySelector(".touch"); // the start point draws its own ring
  const shows = drawn
    ? getComputedStyle(drawn).stroke !== "none"
    : getComputedStyle(e).outlineStyle !== "none";
  return [e.id || e.dataset.toggle || e.dataset.language || e.textContent.trim().slice(0, 40), shows];
}"""
DRAWN = """() => Object.fromEntries([...document.querySelectorAll(".plot")].map((e) => [e.id.slice(5), {
  marks: e.querySelectorAll(".scatterlayer path, .scatterlayer .errorbar, .heatmaplayer image").length,
  text: [...e.querySelectorAll("svg.main-svg text")].map((t) => t.textContent).join("\\n"),
}]))"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclasses.dataclass
class Shown:
    """A page that is open.

    Args:
        page: Playwright's page.
        said: What its console, its errors and its dialogs said.
        requests: What it asked the network for.
    """

    page: Page
    said: list[str] = dataclasses.field(default_factory=list)
    requests: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def listening(cls, page: Page) -> Shown:
        """A page that is not open yet, and what it will say and ask for."""
        shown = cls(page)
        page.on("console", lambda message: shown.said.append(message.text))
        page.on("pageerror", lambda error: shown.said.append(str(error)))
        page.on("dialog", shown._dismiss)
        page.on("request", lambda request: shown.requests.append(request.url))
        return shown

    def _dismiss(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def figures(self) -> dict[str, dict[str, Any]]:
        """Each figure's name to how many `marks` are drawn in it, and the `text` in it."""
        found: dict[str, dict[str, Any]] = self.page.evaluate(DRAWN)
        return found

    def too_wide(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate(WIDER))

    def violations(self) -> list[str]:
        """What axe-core finds, of any weight, with all details unfolded; and faint text in the figures."""
        from axe_playwright_python.sync_playwright import Axe

        self.page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{rule['id']} ({rule['impact']}): {node['html'][:120]}"
            for rule in found
            for node in rule["nodes"]
        ] + [f"faint in a figure: {text}" for text in self.page.evaluate(FAINT)]

    def first_figure(self) -> float:
        """Milliseconds from the opening to the first figure."""
        return float(self.page.evaluate("window.firstFigure"))

    def stops(self) -> dict[str, bool]:
        """What the Tab key reaches, in its order, and whether one sees that the focus is there."""
        found: dict[str, bool] = {}
        self.page.evaluate("document.activeElement.blur()")
        for _ in range(200):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(FOCUSED)
            if stop is None:
                return found
            found[stop[0]] = stop[1] and found.get(stop[0], True)
        raise AssertionError(f"the Tab key reached {len(found)} elements and no end")

    def speak(self, language: str) -> None:
        """Switches the language, "en" or "zh", by a click."""
        self.page.click(f'[data-language="{language}"]')


def show(
    browser: Browser, text: str, file: Path, width: int = 1280, dark: bool = False, locale: str = "en-US"
) -> Shown:
    """The page opened from a file, as its owner opens it, until all its figures are drawn."""
    file.write_text(text, "utf-8")
    colours = "dark" if dark else "light"
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=colours, locale=locale)
    shown = Shown.listening(page)
    page.add_init_script(FIRST_FIGURE)
    page.goto(file.as_uri())
    page.wait_for_selector('html[data-ready="true"]', state="attached")
    shown.requests.remove(file.as_uri())
    return shown
