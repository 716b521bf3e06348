"""Curves over training steps as an SVG: one panel above the other, the lines labelled where they run."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

INK, MUTED, GRID = "#1d2126", "#59626d", "#e1e4e8"
COLORS = ("#0072b2", "#c84e00")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 62, 14, 54, 60
STYLE = (
    f"font: 17px system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: {MUTED}"
)


@dataclass(frozen=True)
class Mark:
    """A point of a curve and what is written at it: above or below, from it to the right or up to it."""

    curve: str
    step: float
    text: str
    below: bool = False
    left: bool = False


@dataclass(frozen=True)
class Panel:
    """Two curves of shares by step; the steps' axis is logarithmic, the shares' one may be."""

    title: str
    curves: dict[str, list[float]]
    limits: tuple[float, float]
    ticks: tuple[float, ...]
    marks: tuple[Mark, ...]
    log: bool = False


def percent(value: float) -> str:
    """A share as it is read."""
    return f"{100 * value:.2g}%" if value < 0.995 else f"{100 * value:.0f}%"


def line_figure(panels: list[Panel], steps: list[int], guide: int, description: str) -> str:
    """The SVG, with a line down at the step `guide`; its ground is white so that dark pages can show it."""
    height = HEIGHT * len(panels)
    drawn = "".join(_panel(panel, i * HEIGHT, steps, guide) for i, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" style="{STYLE}">\n<title>{escape(description)}</title>\n'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>\n{drawn}</svg>\n'
    )


def _panel(panel: Panel, above: int, steps: list[int], guide: int) -> str:
    top, bottom = above + TOP, above + HEIGHT - BOTTOM

    def across(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * float(np.log(step) / np.log(steps[-1]))

    def up(value: float) -> float:
        here = np.array([*panel.limits, value])
        low, high, at = np.log(here) if panel.log else here
        return bottom - (bottom - top) * float((at - low) / (high - low))

    parts = [_text(16, above + 34, panel.title, f'font-weight="600" fill="{INK}"')]
    for tick in panel.ticks:
        parts.append(f'<path d="M{LEFT} {up(tick):.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>\n')
        parts.append(_text(LEFT - 8, up(tick) + 6, percent(tick), 'text-anchor="end"'))
    dashes = f'stroke="{MUTED}" stroke-dasharray="2 4"'
    parts.append(f'<path d="M{across(guide):.1f} {top}V{bottom}" {dashes}/>\n')
    decades = [10**i for i in range(int(np.log10(steps[-1])) + 1)]
    for step in decades:
        # The outermost numbers stay inside the figure.
        anchor = "start" if step == decades[0] else "end" if step == decades[-1] else "middle"
        parts.append(_text(across(step), bottom + 23, f"{step}", f'text-anchor="{anchor}"'))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 44, "training steps", 'text-anchor="middle"'))

    color = dict(zip(panel.curves, COLORS, strict=True))
    for name, curve in panel.curves.items():
        points = " ".join(f"{across(s):.1f},{up(v):.1f}" for s, v in zip(steps, curve, strict=True))
        look = f'fill="none" stroke="{color[name]}" stroke-width="2.5" stroke-linejoin="round"'
        parts.append(f'<polyline points="{points}" {look}/>\n')
    for mark in panel.marks:
        x = across(mark.step)
        y = float(np.interp(x, [across(s) for s in steps], [up(v) for v in panel.curves[mark.curve]]))
        look = f'r="5" fill="{color[mark.curve]}" stroke="#ffffff" stroke-width="1.5"'
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" {look}/>\n')
        look = f'font-weight="600" fill="{color[mark.curve]}" text-anchor="{"end" if mark.left else "start"}"'
        parts.append(_text(x + (-16 if mark.left else 8), y + (24 if mark.below else -11), mark.text, look))
    return "".join(parts)


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>\n'
