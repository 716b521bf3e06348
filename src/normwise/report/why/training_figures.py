"""With and without: validation loss by epoch, steps to the target, and the loss by learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from normwise.core.why_record import Variant, WhyRecord
from normwise.report.look import Look
from normwise.report.why.panels import axis_pair, grid, log_ticks, titled
from normwise.report.why.variants import band, colour, history, middle, style, symbol, usable_limit

if TYPE_CHECKING:
    import plotly.graph_objects as go


def curves(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Validation loss by epoch: the median over the seeds, and their range."""
    look = look or Look()
    x = titled(look.say("epoch"), look) | {"showgrid": False, "nticks": 8}
    y = titled(look.say("why_validation_loss"), look) | _log_axis(_losses(record))
    traces = [t for v in record.variants for t in _curve(v, look)]
    return _one(traces, x, y, look, [_level(record.target_loss, look.say("why_target"), look)])


def steps(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Steps to the target: a mark a seed, and a bar at their median; a seed that never came is left out."""
    import plotly.graph_objects as go

    look = look or Look()
    labels, above = look.rows([look.say(f"why_variant_{v.name}") for v in record.variants])
    rows = {v.name: len(record.variants) - 1 - i for i, v in enumerate(record.variants)}
    traces = [t for v in reached(record) for t in _marks(v, rows[v.name], look)]
    height = 60 + (58 if look.narrow else 40) * len(record.variants)
    x = titled(look.say("why_steps_axis"), look)
    x |= {"type": "log", "exponentformat": "power"} | log_ticks(
        [t.steps_to_target for v in reached(record) for t in v.trainings]
    )
    layout = look.layout(height, xaxis=look.axis(**x), yaxis=labels, annotations=above, hovermode="closest")
    return go.Figure(data=traces, layout=layout)


def reached(record: WhyRecord) -> list[Variant]:
    """The variants of which a seed reached the target."""
    return [v for v in record.variants if any(math.isfinite(t.steps_to_target) for t in v.trainings)]


def rates(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The lowest validation loss by learning rate: the median over the seeds, and their range."""
    look = look or Look()
    x = titled(look.say("why_learning_rate"), look)
    x |= {"type": "log", "showgrid": False, "exponentformat": "power", "dtick": 1}
    values = [loss for v in record.variants for p in v.sweep for loss in p.losses]
    y = titled(look.say("why_lowest_loss"), look) | _log_axis(values)
    traces = [t for v in record.variants if v.sweep for t in _sweep(v, look)]
    levels = [_level(usable_limit(record), look.say("why_usable_limit"), look)]
    return _one(traces, x, y, look, levels)


def _one(
    traces: list[dict[str, Any]],
    x: dict[str, Any],
    y: dict[str, Any],
    look: Look,
    levels: list[tuple[dict[str, Any], dict[str, Any]] | None],
) -> go.Figure:
    import plotly.graph_objects as go

    layout, places = grid(1, look, each=340)
    layout |= axis_pair(1, places[0], look, x, y) | {"hovermode": "x unified"}
    layout["shapes"] = [level[0] for level in levels if level]
    layout["annotations"] = [level[1] for level in levels if level]
    return go.Figure(data=traces, layout=layout)


def _curve(variant: Variant, look: Look) -> list[dict[str, Any]]:
    seeds = history(variant, "val_loss")
    x = [float(e + 1) for e in range(len(seeds))]
    return _with_band(variant, x, seeds, look)


def _sweep(variant: Variant, look: Look) -> list[dict[str, Any]]:
    x = [p.learning_rate for p in variant.sweep]
    return _with_band(variant, x, [list(p.losses) for p in variant.sweep], look, "lines+markers")


def _with_band(
    variant: Variant, x: list[float], seeds: list[list[float]], look: Look, mode: str = "lines"
) -> list[dict[str, Any]]:
    known = [[v for v in values if math.isfinite(v)] for values in seeds]
    low, high = ([f(v) if v else math.nan for v in known] for f in (min, max))
    # A point at which most seeds failed is no success of those left: a gap, not their median.
    mid = [middle(k) if 2 * len(k) > len(s) else math.nan for k, s in zip(known, seeds, strict=True)]
    line = style(variant, look) | {"mode": mode, "x": x, "y": mid, "hovertemplate": "%{y:.4g}"}
    return [band(x, low, high, variant, look), line]


def _marks(variant: Variant, row: int, look: Look) -> list[dict[str, Any]]:
    shade = colour(variant.name, look)
    seen = [t.steps_to_target for t in variant.trainings if math.isfinite(t.steps_to_target)]
    common = {"type": "scatter", "mode": "markers", "legendgroup": variant.name, "showlegend": False}
    name = look.say(f"why_variant_{variant.name}")
    hover = {"name": name, "hovertemplate": "%{x:,}<extra>%{fullData.name}</extra>"}
    dots = {"marker": {"color": shade, "size": 10, "symbol": symbol(variant.name), "opacity": 0.75}}
    bar = {"marker": {"color": shade, "size": 24, "symbol": "line-ns-open", "line": {"width": 3}}}
    return [
        common | hover | dots | {"x": seen, "y": [row] * len(seen)},
        common | hover | bar | {"x": [middle(seen)], "y": [row]},
    ]


def _level(value: float, text: str, look: Look) -> tuple[dict[str, Any], dict[str, Any]] | None:
    if not math.isfinite(value) or value <= 0:
        return None
    line = {"color": look.palette.quiet, "width": 1.5, "dash": "dot"}
    shape = {"type": "line", "layer": "below", "line": line, "xref": "paper", "x0": 0, "x1": 1}
    label = {"xref": "paper", "x": 1, "xanchor": "right", "yanchor": "bottom", "showarrow": False}
    label |= {"text": text, "font": {"size": 12, "color": look.palette.muted}}
    return shape | {"y0": value, "y1": value}, label | {"y": math.log10(value)}


def _losses(record: WhyRecord) -> list[float]:
    return [x for v in record.variants for seeds in history(v, "val_loss") for x in seeds]


def _log_axis(values: list[float]) -> dict[str, Any]:
    return {"type": "log", "exponentformat": "power"} | log_ticks(values)
