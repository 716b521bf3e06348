"""Panels of one figure: side by side on a wide page, one below the other on a narrow one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from normwise.report.look import Look, reference
from normwise.report.text import number

GAP = 0.08
HEADING = 46


def domains(
    index: int, count: int, columns: int, height: int, heading: int = HEADING
) -> tuple[list[float], list[float]]:
    """Where a panel lies, from 0 to 1, in a grid that is filled row by row.

    Args:
        index: The panel, from 0.
        count: How many there are.
        columns: How many stand side by side.
        height: The figure's height in pixels, so that headings fit between the rows.
        heading: The pixels that a heading takes.
    """
    rows = -(-count // columns)
    row, column = divmod(index, columns)
    wide, air = (1 - GAP * (columns - 1)) / columns, (heading + 34) / height
    tall = (1 - air * (rows - 1)) / rows
    left, top = column * (wide + GAP), 1 - row * (tall + air)
    return [left, left + wide], [max(0.0, top - tall), top]


def grid(
    count: int, look: Look, each: int = 250, columns: int = 2, legend: bool = True, heading: int = HEADING
) -> tuple[dict[str, Any], list[tuple[list[float], list[float]]]]:
    """The layout of a grid of panels, and where each lies."""
    across = 1 if look.narrow else min(columns, max(1, count))
    rows = -(-max(1, count) // across)
    top = heading - 16 + (legend_height(look) if legend else 0)
    height = rows * each + (rows - 1) * heading + top
    layout = look.layout(
        height, margin={"l": 8, "r": 12, "t": top, "b": 8}, showlegend=legend, annotations=[]
    )
    if legend:
        layout["legend"] = legend_above()
    return layout, [domains(i, count, across, height, heading) for i in range(count)]


def legend_above() -> dict[str, Any]:
    """A legend in lines above the panels."""
    place = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
    return place | {"traceorder": "normal"}


def legend_height(look: Look) -> int:
    """Pixels for it: four names stand in one line, or on a narrow page below each other."""
    return 96 if look.narrow else 34


def axis_pair(
    panel: int, place: tuple[list[float], list[float]], look: Look, x: dict[str, Any], y: dict[str, Any]
) -> dict[str, Any]:
    """Both axes of a panel, from 1."""
    side, level = place
    return {
        f"xaxis{panel}": look.axis(domain=side, anchor=reference("y", panel), **x),
        f"yaxis{panel}": look.axis(domain=level, anchor=reference("x", panel), **y),
    }


def titled(text: str, look: Look) -> dict[str, Any]:
    """An axis' title."""
    return {"title": {"text": text, "standoff": 6, "font": {"size": 12, "color": look.palette.muted}}}


def log_ticks(values: Sequence[float]) -> dict[str, Any]:
    """Marks of a logarithmic axis: 1, 2 and 5 where it spans little, powers of ten where it spans much."""
    known = [v for v in values if math.isfinite(v) and v > 0]
    if not known:
        return {}
    first, last = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    parts = (
        (1, 2, 3, 4, 5, 6, 8) if max(known) < 10 * min(known) else (1, 2, 5) if last - first <= 2 else (1,)
    )
    step = max(1, (last - first) // 6)
    marks = [float(f"{m}e{k}") for k in range(first, last + 1, step) for m in parts]
    return {"tickmode": "array", "tickvals": marks, "ticktext": [number(m) for m in marks]}
