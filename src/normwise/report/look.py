"""Look: the language, the colours and the width that a figure is drawn for."""

from __future__ import annotations

import dataclasses
from typing import Any

from normwise.report.phrases import PHRASES
from normwise.report.text import literal

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
)


@dataclasses.dataclass(frozen=True)
class Palette:
    """Colours after Okabe and Ito, which people with every kind of colour vision tell apart."""

    ink: str
    muted: str
    grid: str
    surface: str
    first: str
    second: str
    quiet: str
    heat: str


LIGHT = Palette("#1d2126", "#59626d", "#e1e4e8", "#ffffff", "#0072b2", "#c84e00", "#8b949e", "#0072b2")
DARK = Palette("#e4e7ea", "#9fa8b3", "#2f363e", "#15181c", "#56b4e9", "#e69f00", "#77818c", "#1f70aa")


@dataclasses.dataclass(frozen=True)
class Look:
    """What a figure is drawn for.

    Args:
        language: ``"en"`` or ``"zh"``.
        dark: Light lines on a dark page.
        narrow: The width of a telephone.

    Example:
        >>> Look(language="zh").say("epoch")
        '轮次'
    """

    language: str = "en"
    dark: bool = False
    narrow: bool = False

    @property
    def palette(self) -> Palette:
        """The colours."""
        return DARK if self.dark else LIGHT

    def say(self, phrase: str, **values: str) -> str:
        """The phrase in this language."""
        text = PHRASES[phrase]
        return (text.zh if self.language == "zh" else text.en).format(**values)

    def axis(self, **more: Any) -> dict[str, Any]:
        """An axis of the common style."""
        colours = self.palette
        plain = {"showgrid": True, "gridcolor": colours.grid, "zeroline": False, "showline": False}
        fixed = {"fixedrange": True, "automargin": True, "tickfont": {"color": colours.muted, "size": 12}}
        return plain | fixed | {"ticks": "", "title": {"standoff": 8}} | more

    def layout(self, height: int, **more: Any) -> dict[str, Any]:
        """A layout of the common style, `height` pixels high."""
        colours = self.palette
        return {
            "template": {},
            "height": height,
            "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
            "font": {"family": FONT, "size": 13, "color": colours.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hoverlabel": {
                "bgcolor": colours.surface,
                "bordercolor": colours.muted,
                "font": {"family": FONT, "size": 13, "color": colours.ink},
            },
            "dragmode": False,
            "showlegend": False,
        } | more

    def title(self, text: str, panel: int = 1, shared_y: bool = False) -> dict[str, Any]:
        """The heading of one panel: left-aligned, right above it."""
        return {
            "x": 0,
            "y": 1,
            "xref": reference("x", panel) + " domain",
            "yref": reference("y", 1 if shared_y else panel) + " domain",
            "xanchor": "left",
            "yanchor": "bottom",
            "yshift": 6,
            "text": text,
            "showarrow": False,
            "font": {"size": 13, "color": self.palette.ink},
        }

    def rows(
        self, names: list[str], limit: int = 28, lift: float = 0.0
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A vertical axis whose rows, from the top, bear names: in the margin, or above each row if narrow.

        `lift` moves them up from the row's line, in rows.
        """
        n = len(names)
        places = [n - 1 - i for i in range(n)]
        axis = self.axis(
            tickmode="array",
            tickvals=[place + lift for place in places],
            ticktext=[literal(name, limit) for name in names],
            showgrid=False,
            showticklabels=not self.narrow,
            range=[-0.35, n - 0.05],
        )
        above = [
            {
                "x": 0,
                "xref": "paper",
                "y": place + 0.5 + lift,
                "xanchor": "left",
                "yanchor": "middle",
                "text": literal(name, 40),
                "showarrow": False,
                "visible": self.narrow,
                "font": {"size": 12, "color": self.palette.muted},
            }
            for place, name in zip(places, names, strict=True)
        ]
        return axis, above


def reference(axis: str, number: int) -> str:
    """How Plotly calls the axis of a panel, from 1.

    Example:
        >>> reference("x", 1), reference("y", 2)
        ('x', 'y2')
    """
    return axis if number == 1 else f"{axis}{number}"
