"""A strict reader of HTML pages for tests: balanced elements, what is loaded, what is shown."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
LOADING = frozenset({"src", "srcset", "data", "poster", "action", "background"})


class PageReader(HTMLParser):
    """Reads a page; `problems` names what is not well formed, `loads` what the page would load.

    Args:
        page: The text of the page.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.problems: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self.open]
        self.problems += [f"#{i} stands twice" for i in self.ids if self.ids.count(i) > 1]
        self.problems += [f"#{i} is nowhere" for i in self.references if i not in self.ids]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name in LOADING or (tag == "link" and name == "href" and value != "data:,"):
            self.loads.append(f"{tag} {name}={value}")
        if name.startswith("on") or name == "style":
            self.problems.append(f"{tag} has {name}={value}")
        if name == "id":
            self.ids.append(value)
        if name == "href" and value.startswith("#"):
            self.references.append(value[1:])
        if name in ("aria-labelledby", "aria-describedby"):
            self.references += value.split()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.text += data
