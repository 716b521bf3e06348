"""Chromium, for the tests that look at a page in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.report.browser import CHROMIUM, Shown, show

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# Of a module, not longer: while Playwright runs, this thread has an event loop, and asyncio.run refuses.
@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="`./run test-all` installs Playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(name="show")
def _show(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """`show(text, width=, dark=, locale=)`: that page, opened."""
    yield lambda text, **look: show(chromium, text, tmp_path / "page.html", **look)
    for context in chromium.contexts:
        context.close()
