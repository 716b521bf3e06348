"""Features before scaling, on one common logarithmic axis, and after it: one row a feature."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from normwise.core.run_record import FeatureRecord, Histogram, RunRecord
from normwise.report.look import Look
from normwise.report.signed_log import place, ticks, unit_of
from normwise.report.text import literal, number

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN = 12
RIDGE = 0.68
"""The height of a histogram; the rest of its row is air, or on a narrow screen its name."""
WIDEST = 8.0
"""The axis after scaling ends here, so that one far outlier does not make needles of all the others."""


def figure(record: RunRecord, look: Look | None = None) -> go.Figure:
    """The distributions of up to 12 numeric features over the training rows, before and after scaling.

    The heights are densities on the axis as drawn, each scaled to its own maximum: the areas are right,
    and a row says nothing about how many values its neighbour has.

    Args:
        record: The run; it has at least one numeric feature.
        look: Language, colours and width; English, light and wide by default.
    """
    import plotly.graph_objects as go

    look = look or Look()
    features = shown_features(record)
    unit = unit_of([f.std for f in features])
    traces = [
        trace
        for i, feature in enumerate(features)
        for trace in _rows(feature, len(features) - 1 - i, unit, look)
    ]
    labels, above = look.rows([f.name for f in features], lift=0.3)
    height = 74 + (62 if look.narrow else 44) * len(features)
    middle = 0.49 if look.narrow else 0.5
    layout = look.layout(
        height,
        hovermode="closest",
        xaxis=_before_axis(features, unit, look, [0, middle - 0.015]),
        xaxis2=_after_axis(features, look, [middle + 0.015, 1]),
        yaxis=labels,
        annotations=[
            look.title(look.say("before_scaling"), 1, shared_y=True),
            look.title(look.say("after_scaling"), 2, shared_y=True),
            *above,
        ],
    )
    return go.Figure(data=traces, layout=layout)


def shown_features(record: RunRecord) -> list[FeatureRecord]:
    """Up to 12 features from the smallest spread to the largest, both ends and evenly between."""
    ordered = sorted(record.features, key=lambda f: f.std if math.isfinite(f.std) else math.inf)
    if len(ordered) <= SHOWN:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (SHOWN - 1))] for i in range(SHOWN)]


def _rows(feature: FeatureRecord, base: int, unit: float, look: Look) -> list[dict[str, Any]]:
    places = [place(e, unit) for e in feature.before.edges]
    before = _outline(feature.before, places, base)
    after = _outline(feature.after, list(feature.after.edges), base)
    both = ((before, "x", look.palette.second), (after, "x2", look.palette.first))
    return [
        _ridge(outline, axis, colour, look) | {"name": literal(feature.name, 40)}
        for outline, axis, colour in both
    ]


def _outline(histogram: Histogram, places: list[float], base: int) -> dict[str, Any]:
    """The outline of a histogram whose edges stand at `places`, and at each point what its bar counts."""
    x, y, notes = [places[0]], [float(base)], [""]
    for i, height in enumerate(_densities(histogram, places)):
        note = (
            f"{number(histogram.edges[i])} … {number(histogram.edges[i + 1])}: {number(histogram.counts[i])}"
        )
        x += [places[i], places[i + 1]]
        y += [base + height, base + height]
        notes += [note, note]
    return {"x": [*x, places[-1]], "y": [*y, float(base)], "customdata": [*notes, ""]}


def _ridge(outline: dict[str, Any], axis: str, colour: str, look: Look) -> dict[str, Any]:
    return outline | {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "fillcolor": _faint(colour),
        "line": {"color": colour, "width": 1.2, "simplify": False},
        "xaxis": axis,
        "yaxis": "y",
        "hoveron": "points",
        "hovertemplate": "<b>%{fullData.name}</b><br>%{customdata} "
        + look.say("rows_unit")
        + "<extra></extra>",
    }


def _densities(histogram: Histogram, edges: list[float]) -> list[float]:
    widths = [max(b - a, 1e-12) for a, b in itertools.pairwise(edges)]
    raw = [c / w for c, w in zip(histogram.counts, widths, strict=True)]
    top = max(raw, default=0.0)
    return [RIDGE * r / top if top > 0 else 0.0 for r in raw]


def _before_axis(
    features: list[FeatureRecord], unit: float, look: Look, domain: list[float]
) -> dict[str, Any]:
    ends = [e for f in features for e in (f.before.edges[0], f.before.edges[-1])]
    places, labels = ticks(min(ends), max(ends), unit, limit=4 if look.narrow else 8)
    low, high = place(min(ends), unit), place(max(ends), unit)
    room = 0.03 * (high - low) or 1.0
    marks = {"tickmode": "array", "tickvals": places, "ticktext": labels, "tickangle": 0}
    return look.axis(domain=domain, range=[low - room, high + room], **marks)


def _after_axis(features: list[FeatureRecord], look: Look, domain: list[float]) -> dict[str, Any]:
    low = max(-WIDEST, min(f.after.edges[0] for f in features))
    high = min(WIDEST, max(f.after.edges[-1] for f in features))
    room = 0.03 * (high - low) or 1.0
    return look.axis(domain=domain, range=[low - room, high + room], nticks=5 if look.narrow else 9)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.28)"
