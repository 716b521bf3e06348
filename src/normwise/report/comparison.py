"""The network beside what it is honestly compared with: the main metric, on the same held-out rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from normwise.core.run_record import RunRecord
from normwise.report.look import Look
from normwise.report.metrics import main_metric, metric_name, metric_value, model_name
from normwise.report.text import literal
from normwise.report.verdicts import standard_error

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figure(record: RunRecord, look: Look | None = None) -> go.Figure:
    """One dot a model; of an accuracy, ± its binomial standard error on so many rows.

    Args:
        record: The run; it has at least one score.
        look: Language, colours and width; English, light and wide by default.
    """
    import plotly.graph_objects as go

    look = look or Look()
    metric = main_metric(record)
    values = [s.metrics.get(metric, math.nan) for s in record.scores]
    labels, above = look.rows([model_name(s.model, look.language) for s in record.scores], limit=48)
    n = len(values)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers+text",
        "x": values,
        "y": [n - 1 - i for i in range(n)],
        "text": [metric_value(metric, v) for v in values],
        "textposition": "top center",
        "textfont": {"size": 12, "color": look.palette.ink},
        "marker": {
            "size": 11,
            "color": [look.palette.first] + [look.palette.quiet] * (n - 1),
            "symbol": ["circle"] + ["diamond"] * (n - 1),
        },
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    errors = [standard_error(v, record.held_out_rows) if metric == "accuracy" else 0.0 for v in values]
    if metric == "accuracy":
        bars = {"type": "data", "array": errors, "color": look.palette.muted, "thickness": 1.2, "width": 4}
        trace["error_x"] = bars
    layout = look.layout(
        80 + (66 if look.narrow else 46) * n,
        margin={"l": 8, "r": 28, "t": 30, "b": 8},
        xaxis=look.axis(
            range=_range(values, errors),
            nticks=5 if look.narrow else 8,
            tickformat=".1%" if metric == "accuracy" else None,
        ),
        yaxis=labels | {"showgrid": True},
        annotations=[look.title(literal(metric_name(metric, look.language), 40)), *above],
    )
    return go.Figure(data=[trace], layout=layout)


def _range(values: list[float], errors: list[float]) -> list[float]:
    known = [(v, e) for v, e in zip(values, errors, strict=True) if math.isfinite(v)]
    low = min((v - e for v, e in known), default=0.0)
    high = max((v + e for v, e in known), default=1.0)
    room = 0.25 * (high - low) or 0.01
    return [low - room, high + room]
