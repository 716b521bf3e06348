"""Seconds and memory of the scalers by the size of a table, as an SVG with linear axes."""

from __future__ import annotations

from html import escape
from typing import Any

from experiments.line_figure import COLORS, GRID, INK, MUTED, STYLE

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 62, 24, 54, 56
LABELS = {"standard_by_normwise": "StandardScaler", "robust_by_normwise": "RobustScaler"}


def size_figure(by_size: dict[str, Any]) -> str:
    """The SVG of what `benchmarks.scaling --sizes` found; its ground is white, for dark pages."""
    rows = [int(size) / 1e6 for size in by_size]
    panels = (("Seconds to fit", "seconds"), ("Peak of the process' memory, MB", "megabytes"))
    drawn = ""
    for i, (title, unit) in enumerate(panels):
        curves = {name: [float(found[name][unit]) for found in by_size.values()] for name in LABELS}
        drawn += _panel(title, rows, curves, i * HEIGHT)
    title = "Seconds and peak memory of StandardScaler and RobustScaler, by millions of rows of 14 columns"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}" width="{WIDTH}" '
        f'height="{2 * HEIGHT}" role="img" style="{STYLE}">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{2 * HEIGHT}" rx="6" fill="#ffffff"/>\n{drawn}</svg>\n'
    )


def _panel(title: str, rows: list[float], curves: dict[str, list[float]], above: int) -> str:
    top, bottom = above + TOP, above + HEIGHT - BOTTOM
    step = _step(max(max(values) for values in curves.values()))
    highest = step * 4

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / rows[-1]
        return across, bottom - (bottom - top) * y / highest

    parts = [_text(16, above + 34, title, f'font-weight="600" fill="{INK}"')]
    for tick in range(5):
        _, y = at(0, tick * step)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>\n')
        parts.append(_text(LEFT - 8, y + 6, f"{tick * step:g}", 'text-anchor="end"'))
    for x in rows:
        parts.append(_text(at(x, 0)[0], bottom + 23, f"{x:g}", 'text-anchor="middle"'))
    look = f'text-anchor="middle" fill="{MUTED}"'
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 44, "million rows", look))
    for (name, values), color in zip(curves.items(), COLORS, strict=True):
        points = [at(x, y) for x, y in zip(rows, values, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.5"/>\n')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>\n' for x, y in points]
        below = values[-1] == min(v[-1] for v in curves.values())
        end = points[-1][1] + (26 if below else -12)
        look = f'font-weight="600" fill="{color}" text-anchor="end"'
        parts.append(_text(WIDTH - RIGHT, end, f"{LABELS[name]} {values[-1]:.3g}", look))
    return "".join(parts)


def _step(largest: float) -> float:
    """A round quarter of the axis."""
    return next(s for s in (0.5, 1, 2, 5, 10, 20, 25, 50, 100, 125, 150, 200, 250, 500) if s * 4 > largest)


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>\n'
