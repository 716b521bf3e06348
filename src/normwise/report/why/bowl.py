"""The loss over two weights, raw and scaled side by side: curves of equal loss, and the descent's path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.core.descent import steps_needed
from normwise.core.measurement import Bowl
from normwise.report.look import Look, reference
from normwise.report.text import literal, number
from normwise.report.why.quadratic import Quadratic

if TYPE_CHECKING:
    import plotly.graph_objects as go

RADII = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5)
"""Longer half axes of the ellipses drawn, by the picture's half side."""


def figure(bowls: tuple[Bowl, ...], look: Look | None = None) -> go.Figure:
    """Up to two bowls side by side, each drawn to scale: one unit of either weight is as long.

    Args:
        bowls: The bowls, raw before scaled.
        look: Language, colours and width; English, light and wide by default.
    """
    import plotly.graph_objects as go

    look = look or Look()
    traces = [trace for i, bowl in enumerate(bowls) for trace in _panel(bowl, i + 1, look)]
    stacked = look.narrow and len(bowls) > 1
    layout = look.layout(
        height=(420 if not stacked else 780),
        margin={"l": 8, "r": 12, "t": 52, "b": 8},
        hovermode="closest",
        annotations=[
            look.title(_title(bowl, look), i + 1) | {"align": "left"} for i, bowl in enumerate(bowls)
        ],
    )
    for i, bowl in enumerate(bowls):
        layout |= _axes(bowl, i + 1, len(bowls), look)
    return go.Figure(data=traces, layout=layout)


def bowl_condition(bowl: Bowl) -> float:
    """κ of the Hessian that is drawn."""
    return Quadratic.of(bowl).condition_number


def _title(bowl: Bowl, look: Look) -> str:
    known = {"raw": "why_raw_inputs", "scaled": "why_scaled_inputs"}
    name = look.say(known[bowl.variant]) if bowl.variant in known else literal(bowl.variant, 30)
    condition = bowl_condition(bowl)
    told = look.say("why_bowl_title", kappa=number(condition, 3), steps=number(steps_needed(condition), 3))
    return f"<b>{name}</b><br>{told}"


def _panel(bowl: Bowl, panel: int, look: Look) -> list[dict[str, Any]]:
    quadratic = Quadratic.of(bowl)
    places = {"xaxis": reference("x", panel), "yaxis": reference("y", panel), "hoverinfo": "skip"}
    colour = look.palette.second if bowl.variant == "raw" else look.palette.first
    curves = [quadratic.ellipse(r * quadratic.reach) for r in RADII]
    x = [v for c in curves for v in (*c[0].tolist(), None)]
    y = [v for c in curves for v in (*c[1].tolist(), None)]
    path = quadratic.path(np.zeros(2))
    best = quadratic.optimum
    return [
        _line(x, y, look.palette.quiet, 1.0) | places,
        _line(path[:, 0].tolist(), path[:, 1].tolist(), colour, 1.2) | places,
        _mark(path[0].tolist(), "circle-open", look.say("why_start"), colour, look) | places,
        _mark(best.tolist(), "x", look.say("why_optimum"), look.palette.ink, look) | places,
    ]


def _line(x: list[Any], y: list[Any], colour: str, width: float) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": colour, "width": width}}


def _mark(place: list[float], symbol: str, text: str, colour: str, look: Look) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [place[0]],
        "y": [place[1]],
        "text": [text],
        "textposition": "bottom center",
        "textfont": {"size": 12, "color": look.palette.ink},
        "marker": {"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2, "color": colour}},
    }


def _axes(bowl: Bowl, panel: int, panels: int, look: Look) -> dict[str, Any]:
    quadratic = Quadratic.of(bowl)
    stacked = look.narrow and panels > 1
    side = [0.0, 1.0] if stacked or panels == 1 else [[0.0, 0.46], [0.54, 1.0]][panel - 1]
    level = [[0.58, 1.0], [0.0, 0.42]][panel - 1] if stacked else [0.0, 1.0]
    spans = [[float(w - quadratic.reach), float(w + quadratic.reach)] for w in quadratic.optimum]
    names = [look.say("why_weight_of", column=literal(column, 24)) for column in bowl.columns]
    common: dict[str, Any] = {
        "nticks": 5,
        "showgrid": False,
        "showline": True,
        "linecolor": look.palette.grid,
    }
    titles = [{"text": name, "font": {"size": 12, "color": look.palette.muted}} for name in names]
    scale = {"scaleanchor": reference("x", panel), "scaleratio": 1}
    return {
        f"xaxis{panel}": look.axis(
            domain=side,
            anchor=reference("y", panel),
            range=spans[0],
            constrain="domain",
            **common | {"title": titles[0]},
        ),
        f"yaxis{panel}": look.axis(
            domain=level,
            anchor=reference("x", panel),
            range=spans[1],
            constrain="domain",
            **common | scale | {"title": titles[1]},
        ),
    }
