"""Any Curve or Series as lines; the moments by depth, and the ranges of Santurkar et al. over training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.core.measurement import Curve
from normwise.core.probe import Series
from normwise.core.why_record import Variant, WhyRecord
from normwise.report.look import Look, reference
from normwise.report.text import literal
from normwise.report.why.panels import axis_pair, grid, log_ticks, titled
from normwise.report.why.variants import band, style

if TYPE_CHECKING:
    import plotly.graph_objects as go

SMOOTHNESS = ("loss_range", "gradient_predictiveness", "effective_beta", "eta_beta")
DEPTH = ("activation_std", "gradient_rms")
MOST_LINES = 60
FEW = 10
"""So few points are marked, since a line alone may be a single point."""


def measured(record: WhyRecord, names: Sequence[str]) -> list[str]:
    """Which of these curves any variant has."""
    return [n for n in names if any(c.name == n for v in record.variants for c in v.curves)]


def smoothness(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Santurkar's ranges over training, one panel a measure."""
    return _panels(record, measured(record, SMOOTHNESS), "why_step", {"nticks": 6}, look or Look())


def depth(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The spread of activations and the size of gradients, layer by layer, one panel each."""
    return _panels(record, measured(record, DEPTH), "why_any_layer", {"dtick": 1}, look or Look())


def _panels(record: WhyRecord, names: list[str], across: str, ticks: dict[str, Any], look: Look) -> go.Figure:
    """A panel for each curve: a line for each variant, and its range where it has one."""
    import plotly.graph_objects as go

    layout, places = grid(len(names), look, each=250)
    traces: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        found = _of(record, name)
        axes = {"xaxis": reference("x", i + 1), "yaxis": reference("y", i + 1)}
        first = {v.name for j in range(i) for v, c in _of(record, names[j])}
        for variant, curve in found:
            drawn = _ranged(variant, curve, look)
            traces += [t | axes for t in drawn]
            traces[-1]["showlegend"] = variant.name not in first
        x = titled(look.say(across), look) | {"showgrid": False} | ticks
        values = [v for _, c in found for v in (*c.y, *c.low, *c.high) if math.isfinite(v)]
        log = {"type": "log"} | log_ticks(values) if min(values, default=0) > 0 else {"nticks": 6}
        layout |= axis_pair(i + 1, places[i], look, x, log)
        layout["annotations"].append(look.title(look.say(f"why_{name}"), i + 1))
    return go.Figure(data=traces, layout=layout)


def curve_figure(curve: Curve, look: Look | None = None) -> go.Figure:
    """One curve, and its range where it has one."""
    import plotly.graph_objects as go

    look = look or Look()
    line = {"type": "scatter", "mode": "lines+markers", "x": list(curve.x), "y": list(curve.y)}
    traces = [line | {"line": {"color": look.palette.first}, "name": literal(curve.name, 40)}]
    for edge in (curve.low, curve.high):
        if edge:
            dotted = {"color": look.palette.quiet, "dash": "dot"}
            traces.append(
                {"type": "scatter", "mode": "lines", "x": list(curve.x), "y": list(edge), "line": dotted}
            )
    layout = _plain_layout(curve.name, curve.unit, literal(curve.x_name, 40), curve.x, look)
    return go.Figure(data=traces, layout=layout)


def series_figure(series: Series, look: Look | None = None) -> go.Figure:
    """What a probe measured, step by step: a line for each number of its value, 60 at most."""
    import plotly.graph_objects as go

    look = look or Look()
    flat = series.values.reshape(len(series.steps), -1)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(series.steps),
            "y": flat[:, i].tolist(),
            "name": ", ".join(str(int(k)) for k in np.unravel_index(i, series.shape)) if series.shape else "",
            "line": {"color": look.palette.first, "width": 1.4},
            "opacity": 1.0 if flat.shape[1] == 1 else 0.5,
        }
        for i in range(min(flat.shape[1], MOST_LINES))
    ]
    name = " · ".join(part for part in (series.name, series.place) if part)
    return go.Figure(data=traces, layout=_plain_layout(name, series.unit, look.say("why_step"), (), look))


def _of(record: WhyRecord, name: str) -> list[tuple[Variant, Curve]]:
    return [(v, c) for v in record.variants for c in v.curves if c.name == name]


def _ranged(variant: Variant, curve: Curve, look: Look) -> list[dict[str, Any]]:
    line = style(variant, look) | {"mode": "lines", "x": list(curve.x), "y": list(curve.y)}
    if len(curve.x) <= FEW:
        line["mode"] = "lines+markers"
    line |= {"hovertemplate": "%{y:.4g}"}
    if not curve.low or not curve.high:
        return [line]
    return [band(list(curve.x), list(curve.low), list(curve.high), variant, look), line]


def _plain_layout(name: str, unit: str, x_name: str, x: tuple[float, ...], look: Look) -> dict[str, Any]:
    rates = x_name == "learning rate" and all(v > 0 for v in x)
    across = titled(x_name, look) | ({"type": "log"} if rates else {})
    title = {"text": literal(name, 80), "x": 0, "xanchor": "left", "font": {"size": 14}}
    return look.layout(
        340,
        title=title,
        margin={"l": 8, "r": 12, "t": 48, "b": 8},
        xaxis=look.axis(**across),
        yaxis=look.axis(**titled(literal(unit, 40) if unit else "", look)),
    )
