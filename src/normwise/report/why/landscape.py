"""The loss around trained networks, one panel each: curves of equal loss, and the paths of descents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.core.measurement import Surface
from normwise.report.look import Look, reference
from normwise.report.phrases import PHRASES
from normwise.report.text import literal, number
from normwise.report.why.panels import HEADING, axis_pair, grid, titled
from normwise.report.why.variants import colour

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEAST = 0.01
"""Share of the range of the losses that the logarithm of none is drawn at."""
CURVES = 12
PATHS = 8
"""More starts than that are a tangle."""
LINE = 18
"""Pixels of the second line of a heading."""


def figure(surfaces: Sequence[Surface], look: Look | None = None) -> go.Figure:
    """A panel for each surface; the curves of equal loss are evenly spaced in log(loss − lowest).

    Args:
        surfaces: The surfaces, each of a variant.
        look: Language, colours and width; English, light and wide by default.
    """
    import plotly.graph_objects as go

    look = look or Look()
    layout, places = grid(len(surfaces), look, each=330, legend=False, heading=HEADING + LINE)
    traces: list[dict[str, Any]] = []
    for i, surface in enumerate(surfaces):
        axes = {"xaxis": reference("x", i + 1), "yaxis": reference("y", i + 1)}
        traces += [trace | axes for trace in _panel(surface, look)]
        names = ("first", "second")
        across, up = (
            titled(look.say(f"why_landscape_{name}", curvature=number(curvature, 3)), look)
            | {"showgrid": False, "nticks": 5, "range": [float(along[0]), float(along[-1])]}
            for name, curvature, along in zip(
                names, surface.curvatures, (surface.first, surface.second), strict=True
            )
        )
        layout |= axis_pair(i + 1, places[i], look, across, up)
        layout["annotations"].append(look.title(_title(surface, look), i + 1) | {"align": "left"})
    return go.Figure(data=traces, layout=layout)


def _title(surface: Surface, look: Look) -> str:
    known = f"why_variant_{surface.variant}"
    name = look.say(known) if known in PHRASES else literal(surface.variant, 30)
    told = look.say(
        "why_landscape_title",
        steps=number(float(np.median(surface.steps)), 3),
        reached=str(int(np.isfinite(surface.steps).sum())),
        all=str(len(surface.steps)),
    )
    return f"<b>{name}</b><br>{told}"


def _panel(surface: Surface, look: Look) -> list[dict[str, Any]]:
    # Plotly takes rows from below, each along the horizontal axis.
    losses = np.array(surface.losses).reshape(len(surface.first), len(surface.second)).T
    above = losses - min(surface.lowest, float(losses.min()))
    height = float(above.max())
    level = np.log10(above / height + LEAST) if height > 0 else np.zeros_like(above)
    own = colour(surface.variant, look)
    contours = {"start": np.log10(LEAST), "end": 0.0, "size": -np.log10(LEAST) / CURVES, "coloring": "none"}
    ground = {
        "type": "contour",
        "x": list(surface.first),
        "y": list(surface.second),
        "z": _short(level),
        "customdata": _short(losses),
        "hovertemplate": look.say("why_landscape_loss") + " %{customdata:.4g}<extra></extra>",
        "contours": contours,
        "line": {"color": look.palette.quiet, "width": 1},
        "showscale": False,
    }
    return [ground, *_paths(surface, own), _network(look)]


def _paths(surface: Surface, shade: str) -> list[dict[str, Any]]:
    places = [np.array(path).reshape(-1, 2) for path in surface.paths[:PATHS]]
    x, y = ([v for path in places for v in (*path[:, axis].tolist(), None)] for axis in (0, 1))
    starts = [[float(path[0, axis]) for path in places] for axis in (0, 1)]
    common = {"type": "scatter", "hoverinfo": "skip", "line": {"color": shade, "width": 1.2}}
    dots = {"color": shade, "size": 6, "symbol": "circle-open", "line": {"width": 1.5, "color": shade}}
    return [
        common | {"mode": "lines", "x": x, "y": y, "opacity": 0.8},
        common | {"mode": "markers", "x": starts[0], "y": starts[1], "marker": dots},
    ]


def _network(look: Look) -> dict[str, Any]:
    """Where the network itself is: the middle."""
    ink = look.palette.ink
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [0.0],
        "y": [0.0],
        "text": [look.say("why_landscape_network")],
        "textposition": "bottom center",
        "textfont": {"size": 12, "color": ink},
        "marker": {"symbol": "x", "size": 9, "color": ink},
        "hoverinfo": "skip",
    }


def _short(values: Any) -> list[list[float]]:
    """To four significant digits: they are drawn, and read by hovering."""
    return [[float(f"{value:.3e}") for value in row] for row in values]
