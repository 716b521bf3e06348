"""Predicted against actual values of the held-out rows, and what is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normwise.core.run_record import RunRecord
from normwise.report.look import Look, reference

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figure(record: RunRecord, look: Look | None = None) -> go.Figure:
    """Two panels over the held-out rows: predicted by actual, and residual (actual − predicted) by predicted.

    Args:
        record: The run; a regression.
        look: Language, colours and width; English, light and wide by default.
    """
    import plotly.graph_objects as go

    look = look or Look()
    actual, predicted = list(record.actual), list(record.predicted)
    left = [a - p for a, p in zip(actual, predicted, strict=True)]
    traces = [
        _points(actual, predicted, 1, look, ("actual", "predicted")),
        _points(predicted, left, 2, look, ("predicted", "residual")),
    ]
    layout = look.layout(
        780 if look.narrow else 400,
        hovermode="closest",
        shapes=[_line(actual + predicted, 1, look), _line(predicted, 2, look)],
        annotations=[
            look.title(look.say("predicted_by_actual"), 1),
            look.title(look.say("residual_by_predicted"), 2),
        ],
    )
    layout |= _axes(0, look, "actual", "predicted") | _axes(1, look, "predicted", "residual")
    return go.Figure(data=traces, layout=layout)


def _points(x: list[float], y: list[float], panel: int, look: Look, names: tuple[str, str]) -> dict[str, Any]:
    template = f"{look.say(names[0])} %{{x:.4g}}<br>{look.say(names[1])} %{{y:.4g}}<extra></extra>"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "xaxis": reference("x", panel),
        "yaxis": reference("y", panel),
        "marker": {"color": look.palette.first, "size": 5, "opacity": 0.55 if len(x) < 600 else 0.35},
        "hovertemplate": template,
    }


def _line(values: list[float], panel: int, look: Look) -> dict[str, Any]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    ends = {"x0": low, "x1": high, "y0": low if panel == 1 else 0, "y1": high if panel == 1 else 0}
    line = {"color": look.palette.second, "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": reference("x", panel), "yref": reference("y", panel), "line": line} | ends


def _axes(index: int, look: Look, x: str, y: str) -> dict[str, Any]:
    side = [0.0, 1.0] if look.narrow else [[0.0, 0.46], [0.54, 1.0]][index]
    level = [[0.57, 1.0], [0.0, 0.43]][index] if look.narrow else [0.0, 1.0]

    def title(key: str) -> dict[str, Any]:
        return {"text": look.say(key), "standoff": 8, "font": {"size": 12, "color": look.palette.muted}}

    return {
        f"xaxis{index + 1}": look.axis(
            domain=side, anchor=reference("y", index + 1), title=title(x), nticks=6
        ),
        f"yaxis{index + 1}": look.axis(
            domain=level, anchor=reference("x", index + 1), title=title(y), nticks=6
        ),
    }
