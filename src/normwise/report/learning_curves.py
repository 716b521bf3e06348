"""Learning curves: loss and metric by epoch, on training and validation rows, the kept epoch marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normwise.core.column_statistics import Floats
from normwise.core.run_record import RunRecord
from normwise.report.look import Look, reference
from normwise.report.metrics import metric_name
from normwise.report.text import literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

NOT_METRICS = ("loss", "lr", "learning_rate")


def figure(record: RunRecord, look: Look | None = None) -> go.Figure:
    """The history of a run as curves.

    Args:
        record: The run.
        look: Language, colours and width; English, light and wide by default.

    Returns:
        One panel for the loss and one for the first metric, if there is one.
    """
    import plotly.graph_objects as go

    look = look or Look()
    panels = shown_metrics(record)
    traces = [t for i, key in enumerate(panels) for t in _curves(record, key, i + 1, look)]
    layout = look.layout(
        height=(330 if len(panels) == 1 or not look.narrow else 560),
        margin={"l": 8, "r": 12, "t": 62, "b": 8},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yref": "container", "yanchor": "top"},
        annotations=[],
        shapes=[_kept_line(record, i + 1, look) for i in range(len(panels))],
    )
    for i in range(len(panels)):
        layout |= _axes(record, i, len(panels), look)
    layout["annotations"].append(_kept_label(record, look))
    for i, key in enumerate(panels):
        title = literal(metric_name(key, look.language), 40)
        layout["annotations"].append(look.title(title, i + 1))
    return go.Figure(data=traces, layout=layout)


def shown_metrics(record: RunRecord) -> list[str]:
    """The loss, and the first metric beside it."""
    keys = [k for k in record.history if not k.startswith("val_")]
    metrics = [k for k in keys if k not in NOT_METRICS][:1]
    return [k for k in ["loss", *metrics] if k in record.history]


def _curves(record: RunRecord, key: str, panel: int, look: Look) -> list[dict[str, Any]]:
    return [
        _curve(record.history[prefix + key], phrase, panel, look)
        for prefix, phrase in (("", "training"), ("val_", "validation"))
        if prefix + key in record.history
    ]


def _curve(values: Floats, phrase: str, panel: int, look: Look) -> dict[str, Any]:
    training = phrase == "training"
    colour = look.palette.first if training else look.palette.second
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(values) < 15 else "lines",
        "x": list(range(1, len(values) + 1)),
        "y": list(values),
        "name": look.say(phrase),
        "legendgroup": phrase,
        "showlegend": panel == 1,
        "xaxis": reference("x", panel),
        "yaxis": reference("y", panel),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 6, "symbol": "circle" if training else "square"},
        "hovertemplate": "%{y:.4g}",
    }


def _axes(record: RunRecord, index: int, panels: int, look: Look) -> dict[str, Any]:
    side = [0.0, 1.0] if panels == 1 or look.narrow else [[0.0, 0.46], [0.54, 1.0]][index]
    level = [0.0, 1.0] if panels == 1 or not look.narrow else [[0.58, 1.0], [0.0, 0.40]][index]
    epochs = max(len(values) for values in record.history.values())
    x = look.axis(
        domain=side,
        anchor=reference("y", index + 1),
        title={"text": look.say("epoch"), "standoff": 6, "font": {"size": 12, "color": look.palette.muted}},
        range=[1 - 0.03 * epochs, epochs + 0.03 * epochs],
        showgrid=False,
        nticks=8,
        dtick=1 if epochs < 8 else None,
    )
    return {
        f"xaxis{index + 1}": x,
        f"yaxis{index + 1}": look.axis(domain=level, anchor=reference("x", index + 1), nticks=6),
        "hovermode": "x unified",
    }


def _kept_line(record: RunRecord, panel: int, look: Look) -> dict[str, Any]:
    x = record.best_epoch
    line = {"color": look.palette.quiet, "width": 1.5, "dash": "dot"}
    place = {
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "xref": reference("x", panel),
        "yref": reference("y", panel) + " domain",
    }
    return {"type": "line", "layer": "below", "line": line} | place


def _kept_label(record: RunRecord, look: Look) -> dict[str, Any]:
    epochs = max(len(values) for values in record.history.values())
    left = record.best_epoch <= epochs / 2
    return {
        "x": record.best_epoch,
        "xref": "x",
        "y": 1,
        "yref": "y domain",
        "xanchor": "left" if left else "right",
        "yanchor": "top",
        "xshift": 4 if left else -4,
        "text": look.say("kept_epoch", epoch=str(record.best_epoch)),
        "showarrow": False,
        "font": {"size": 12, "color": look.palette.muted},
    }
