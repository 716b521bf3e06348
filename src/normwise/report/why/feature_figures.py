"""The features: their standard deviations before and after scaling, and each one's share of what is felt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from normwise.core.measurement import Measurement
from normwise.core.run_record import FeatureRecord
from normwise.core.why_record import WhyRecord
from normwise.report.look import Look, reference
from normwise.report.text import literal
from normwise.report.why.panels import legend_above, log_ticks, titled

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN = 12
SHARES = ("share_of_variance", "share_of_first_gradient")
BLINDNESS = ("units_saturated_by_column",)


def shown_features(features: Sequence[FeatureRecord]) -> list[FeatureRecord]:
    """Up to 12 features, from the largest spread to the smallest, both ends and evenly between."""
    ordered = sorted(features, key=lambda f: -f.std if math.isfinite(f.std) else math.inf)
    if len(ordered) <= SHOWN:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (SHOWN - 1))] for i in range(SHOWN)]


def by_column(measurements: Sequence[Measurement], name: str, variant: str) -> dict[str, float]:
    """What was measured of each column in one variant."""
    return {m.column: m.value for m in measurements if m.name == name and m.variant == variant}


def spread(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Standard deviations on one logarithmic axis, before and after scaling."""
    look = look or Look()
    features = shown_features(record.features)
    raw = {f.name: f.std for f in features}
    scaled = by_column(record.measurements, "feature_std", "scaled")
    axis = {"type": "log", "tickangle": 0} | log_ticks([*raw.values(), *scaled.values()])
    axis |= titled(look.say("why_std_axis"), look)
    return _dots(look, [(raw, scaled, axis, "")], features)


def shares(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """Each column's share of the first layer's variance, and of its first gradient, raw and scaled."""
    return _of_columns(record, measured_shares(record), look or Look())


def measured_shares(record: WhyRecord) -> list[str]:
    """Which shares were measured."""
    return _measured(record, SHARES)


def blindness(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The share of the first layer's units that each column alone saturates, raw and scaled."""
    return _of_columns(record, measured_blindness(record), look or Look())


def measured_blindness(record: WhyRecord) -> list[str]:
    """Whether it was measured, and there are columns to name."""
    return _measured(record, BLINDNESS) if record.features else []


def column_measurements(record: WhyRecord) -> tuple[Measurement, ...]:
    """What was measured of columns, on the data or on the networks without batch normalization."""
    return record.measurements + tuple(m for v in record.variants if not v.normalized for m in v.measurements)


def _measured(record: WhyRecord, names: Sequence[str]) -> list[str]:
    found = {m.name for m in column_measurements(record) if m.column}
    return [name for name in names if name in found]


def _of_columns(record: WhyRecord, names: list[str], look: Look) -> go.Figure:
    """Shares by column, raw and scaled, one panel each."""
    panels = []
    for name in names:
        axis = {
            "tickformat": ".0%",
            "range": [-0.03, 1.05],
            "dtick": 0.5 if look.narrow else 0.2,
            "tickangle": 0,
        }
        values = [by_column(column_measurements(record), name, v) for v in ("raw", "scaled")]
        title = look.say(f"why_{name}") if len(names) > 1 else ""
        panels.append((values[0], values[1], axis, title))
    return _dots(look, panels, shown_features(record.features))


def single(feature: FeatureRecord, look: Look | None = None) -> go.Figure:
    """One feature: how its values lie before and after scaling, each on its own axis."""
    import plotly.graph_objects as go

    look = look or Look()
    traces = [
        {
            "type": "bar",
            "x": [(a + b) / 2 for a, b in zip(h.edges, h.edges[1:], strict=False)],
            "y": list(h.counts),
            "width": [b - a for a, b in zip(h.edges, h.edges[1:], strict=False)],
            "marker": {"color": shade},
            "xaxis": reference("x", i + 1),
            "hovertemplate": "%{x:.4g}: %{y}<extra></extra>",
        }
        for i, (h, shade) in enumerate(
            ((feature.before, look.palette.second), (feature.after, look.palette.first))
        )
    ]
    layout = look.layout(
        280,
        title={"text": literal(feature.name, 60), "x": 0, "xanchor": "left", "font": {"size": 14}},
        margin={"l": 8, "r": 12, "t": 64, "b": 8},
        xaxis=look.axis(domain=[0, 0.46]),
        xaxis2=look.axis(domain=[0.54, 1]),
        yaxis=look.axis(),
        annotations=[
            look.title(look.say("before_scaling"), 1, shared_y=True),
            look.title(look.say("after_scaling"), 2, shared_y=True),
        ],
    )
    return go.Figure(data=traces, layout=layout)


def _dots(
    look: Look,
    panels: list[tuple[dict[str, float], dict[str, float], dict[str, Any], str]],
    features: list[FeatureRecord],
) -> go.Figure:
    import plotly.graph_objects as go

    names = [f.name for f in features]
    labels, above = look.rows(names)
    traces = [t for i, p in enumerate(panels) for t in _pair(names, p[0], p[1], i + 1, look)]
    top = 58 if panels[0][3] == "" else 78
    layout = look.layout(
        height=top + 44 + (46 if look.narrow else 32) * len(names),
        margin={"l": 8, "r": 16, "t": top, "b": 8},
        hovermode="closest",
        showlegend=True,
        legend=legend_above(),
        yaxis=labels,
        annotations=above,
    )
    for i, (_, _, axis, title) in enumerate(panels):
        side = [0.0, 1.0] if len(panels) == 1 else [[0.0, 0.45], [0.55, 1.0]][i]
        layout[f"xaxis{i + 1}"] = look.axis(domain=side, **axis)
        layout["annotations"] = [*layout["annotations"], look.title(title, i + 1, shared_y=True)]
    return go.Figure(data=traces, layout=layout)


def _pair(
    names: list[str], raw: dict[str, float], scaled: dict[str, float], panel: int, look: Look
) -> list[dict[str, Any]]:
    n = len(names)
    x: list[float | None] = []
    y: list[float | None] = []
    for i, name in enumerate(names):
        x += [_drawable(raw.get(name)), _drawable(scaled.get(name)), None]
        y += [n - 1 - i, n - 1 - i, None]
    axes = {"xaxis": reference("x", panel), "yaxis": "y"}
    link = {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", "showlegend": False}
    link |= {"line": {"color": look.palette.grid, "width": 3}}
    kinds = (
        (raw, "before_scaling", look.palette.second, "circle"),
        (scaled, "after_scaling", look.palette.first, "square"),
    )
    dots = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [_drawable(values.get(name)) for name in names],
            "y": [n - 1 - i for i in range(n)],
            "text": [literal(name, 40) for name in names],
            "name": look.say(phrase),
            "legendgroup": phrase,
            "showlegend": panel == 1,
            "marker": {"color": shade, "size": 9, "symbol": mark},
            "hovertemplate": "<b>%{text}</b><br>%{x:.3g}<extra>%{fullData.name}</extra>",
        }
        | axes
        for values, phrase, shade, mark in kinds
    ]
    return [link | axes, *dots]


def _drawable(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None
