"""Inside the hidden layers: percentiles of pre-activations over training, and by unit; saturation by "
"layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.core.probe import Series
from normwise.core.why_record import Variant, WhyRecord
from normwise.report.look import Look, reference
from normwise.report.why.panels import axis_pair, grid, titled
from normwise.report.why.variants import colour, faint, style

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_FRAMES = 24
"""Steps that the slider stops at, so that the page stays small."""
MOST_UNITS = 64


def pre_activations(variant: Variant) -> list[Series]:
    """Percentiles (steps, 3, units) of each hidden layer, in their order."""
    return [s for s in variant.series if s.name == "pre_activation" and len(s.shape) == 2 and s.steps]


def probed(record: WhyRecord) -> list[Variant]:
    """The variants whose pre-activations were probed."""
    return [v for v in record.variants if pre_activations(v)]


def percentiles(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Percentiles 15, 50 and 85 in the last hidden layer by step, each the median over the units."""
    import plotly.graph_objects as go

    look = look or Look()
    variants = probed(record)
    layout, places = grid(len(variants), look, each=200, legend=False)
    traces: list[dict[str, Any]] = []
    for i, variant in enumerate(variants):
        series = pre_activations(variant)[-1]
        low, mid, high = np.median(series.values, axis=2).T
        traces += _fan(list(series.steps), low, mid, high, variant, i + 1, look)
        x = titled(look.say("why_step"), look) | {"showgrid": False, "nticks": 6}
        layout |= axis_pair(i + 1, places[i], look, x, {"nticks": 5, "exponentformat": "power"})
        layout["annotations"].append(look.title(look.say(f"why_variant_{variant.name}"), i + 1))
    return go.Figure(data=traces, layout=layout)


def units(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Percentiles of the first hidden layer unit by unit; a frame is a step of the training."""
    import plotly.graph_objects as go

    look = look or Look()
    variants = probed(record)
    layout, places = grid(len(variants), look, each=200, legend=False)
    steps = frame_steps(record)
    for i, variant in enumerate(variants):
        x = titled(look.say("why_unit"), look) | {"showgrid": False, "nticks": 6}
        reach = _reach(pre_activations(variant)[0])
        layout |= axis_pair(
            i + 1, places[i], look, x, {"nticks": 5, "range": reach, "exponentformat": "power"}
        )
        layout["annotations"].append(look.title(look.say(f"why_variant_{variant.name}"), i + 1))
    frames = [
        go.Frame(
            name=str(step), data=[_bars(v, step, i + 1, look, whole=False) for i, v in enumerate(variants)]
        )
        for step in steps
    ]
    data = [_bars(v, steps[-1], i + 1, look) for i, v in enumerate(variants)]
    return go.Figure(data=data, layout=layout, frames=frames)


def frame_steps(record: WhyRecord) -> list[int]:
    """The steps that the slider stops at: evenly, the first and the last among them."""
    steps = sorted({s for v in probed(record) for s in pre_activations(v)[0].steps})
    if len(steps) <= MOST_FRAMES:
        return steps
    return [steps[round(i * (len(steps) - 1) / (MOST_FRAMES - 1))] for i in range(MOST_FRAMES)]


def saturation(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The share of saturated outputs of each hidden layer, by variant."""
    import plotly.graph_objects as go

    look = look or Look()
    layout, places = grid(1, look, each=250)
    x = titled(look.say("why_layer"), look) | {"dtick": 1, "showgrid": False}
    layout |= axis_pair(1, places[0], look, x, {"tickformat": ".0%", "range": [-0.03, 1.05]})
    traces = []
    for variant in saturated(record):
        shares = saturation_by_layer(variant)
        more = {"mode": "lines+markers", "x": list(range(1, len(shares) + 1)), "y": shares}
        traces.append(style(variant, look) | more | {"hovertemplate": "%{y:.1%}"})
    return go.Figure(data=traces, layout=layout | {"hovermode": "x unified"})


def saturated(record: WhyRecord) -> list[Variant]:
    """The variants whose saturation is known."""
    return [v for v in record.variants if saturation_by_layer(v)]


def saturation_by_layer(variant: Variant) -> list[float]:
    """The share of saturated outputs layer by layer: as measured after training, else as last probed."""
    measured = [m.value for m in variant.measurements if m.name == "saturation_share" and m.layer]
    if measured:
        return measured
    return [float(s.values[-1].mean()) for s in variant.series if s.name == "saturation" and s.steps]


def _fan(
    steps: list[int], low: Any, mid: Any, high: Any, variant: Variant, panel: int, look: Look
) -> list[dict[str, Any]]:
    axes = {"xaxis": reference("x", panel), "yaxis": reference("y", panel), "legendgroup": variant.name}
    shade = colour(variant.name, look)
    common = {"type": "scatter", "mode": "lines", "x": steps} | axes
    edge = {"line": {"color": shade, "width": 1}, "hovertemplate": "%{y:.3g}<extra></extra>"}
    return [
        common | edge | {"y": low.tolist()},
        common | edge | {"y": high.tolist(), "fill": "tonexty", "fillcolor": faint(shade)},
        common | edge | {"y": mid.tolist(), "line": {"color": shade, "width": 2.4}},
    ]


def _bars(variant: Variant, step: int, panel: int, look: Look, whole: bool = True) -> dict[str, Any]:
    series = pre_activations(variant)[0]
    nearest = int(np.argmin(np.abs(np.array(series.steps) - step)))
    low, mid, high = series.values[nearest][:, :MOST_UNITS]
    spread = {"array": _rounded(high - mid), "arrayminus": _rounded(mid - low)}
    moving = {"type": "scatter", "y": _rounded(mid), "error_y": spread}
    if not whole:
        return moving
    shade = colour(variant.name, look)
    axes = {"xaxis": reference("x", panel), "yaxis": reference("y", panel), "legendgroup": variant.name}
    error = spread | {"type": "data", "symmetric": False, "color": shade, "thickness": 1.5, "width": 0}
    drawn = {
        "mode": "markers",
        "marker": {"color": shade, "size": 6},
        "hovertemplate": "%{y:.3g}<extra></extra>",
    }
    return moving | axes | drawn | {"x": list(range(1, len(mid) + 1)), "error_y": error}


def _reach(series: Series) -> list[float]:
    # The same axis at every step, or what moves would seem to stand still.
    values = series.values[np.isfinite(series.values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (-1.0, 1.0)
    room = 0.05 * (high - low) or 1.0
    return [low - room, high + room]


def _rounded(values: Any) -> list[float]:
    return [float(f"{v:.4g}") for v in values]
