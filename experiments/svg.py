"""Plotly's figures as SVG files for the documentation, drawn by the system's Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Browser, sync_playwright
from plotly.offline import get_plotlyjs

WIDTH = 820


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed at the end."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def with_plotly(browser: Browser) -> Any:
    """An empty page that knows Plotly."""
    page = browser.new_page()
    page.add_script_tag(content=get_plotlyjs())
    return page


def draw(figure: Any, name: str, page: Any) -> str:
    """The figure as SVG, with Plotly's random identifiers replaced: the same figure is the same file."""
    for number, trace in enumerate(figure.data):
        trace.uid = f"{number}"
    figure.update_layout(paper_bgcolor="#ffffff", plot_bgcolor="#ffffff", width=WIDTH)
    arguments = [figure.to_plotly_json(), WIDTH, figure.layout.height]
    address = page.evaluate(
        "([figure, width, height]) => Plotly.toImage(figure, { format: 'svg', width, height })", arguments
    )
    svg = unquote(address.partition(",")[2])
    for identifier in set(re.findall(r'id="(?:top)?defs-([0-9a-f]{6})"', svg)):
        svg = svg.replace(identifier, name)
    return f"{svg}\n"
