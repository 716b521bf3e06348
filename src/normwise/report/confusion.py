"""The confusion matrix: counts and row shares, or, of many classes, the largest confusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normwise.core.run_record import RunRecord
from normwise.report.look import Look
from normwise.report.text import literal, percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_CLASSES = 20
LARGEST = 20


def figure(record: RunRecord, look: Look | None = None) -> go.Figure:
    """Held-out rows by true class and predicted class.

    Args:
        record: The run; a classification.
        look: Language, colours and width; English, light and wide by default.

    Returns:
        A matrix of up to 20 classes; beyond that, a dot for each of the 20 most frequent mistakes.
    """
    look = look or Look()
    return _matrix(record, look) if len(record.confusion) <= MOST_CLASSES else _largest(record, look)


def shares(record: RunRecord) -> list[list[float]]:
    """Of the rows of each true class, the share predicted as each class; 0 where there is no row."""
    return [[count / (sum(row) or 1) for count in row] for row in record.confusion]


def largest_confusions(record: RunRecord) -> list[tuple[str, str, int, float]]:
    """True class, predicted class, rows and share of the true class: up to 20 mistakes, the largest first."""
    share = shares(record)
    mistakes = [
        (count, i, j)
        for i, row in enumerate(record.confusion)
        for j, count in enumerate(row)
        if i != j and count > 0
    ]
    mistakes.sort(key=lambda m: (-m[0], m[1], m[2]))
    classes = record.schema.classes
    return [(classes[i], classes[j], count, share[i][j]) for count, i, j in mistakes[:LARGEST]]


def _matrix(record: RunRecord, look: Look) -> go.Figure:
    import plotly.graph_objects as go

    n = len(record.confusion)
    share, colours = shares(record), look.palette
    trace = {
        "type": "heatmap",
        "z": share,
        "x": list(range(n)),
        "y": list(range(n)),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, colours.surface], [1, colours.heat]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": [
            [_cell(c, s, n, look) for c, s in zip(*rows, strict=True)]
            for rows in zip(record.confusion, share, strict=True)
        ],
        "texttemplate": "%{text}",
        "textfont": {"size": _size(n, look)},
        "customdata": _notes(record),
        "hovertemplate": "%{customdata[0]} → %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    }
    labels = [literal(c, 10 if look.narrow else 20) for c in record.schema.classes]
    marks = {"tickmode": "array", "tickvals": list(range(n)), "ticktext": labels, "showgrid": False}
    named = {"standoff": 10, "font": {"size": 12, "color": colours.muted}}
    layout = look.layout(
        110 + (n * 92 if n <= 3 else max(300, min(n, 14) * (34 if look.narrow else 44))),
        xaxis=look.axis(**marks, side="top", title=named | {"text": look.say("predicted_class")}),
        yaxis=look.axis(**marks, autorange="reversed", title=named | {"text": look.say("true_class")}),
        shapes=[
            {
                "type": "rect",
                "xref": "paper",
                "yref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": 0,
                "y1": 1,
                "line": {"color": colours.grid, "width": 1},
            }
        ],
    )
    return go.Figure(data=[trace], layout=layout)


def _cell(count: int, share: float, n: int, look: Look) -> str:
    if n > 12 and (look.narrow or count == 0):
        return ""
    if n <= (4 if look.narrow else 8):
        return f"<b>{count:,}</b><br>{percent(share, 0 if look.narrow else 1)}"
    return f"{count:,}" if count else ""


def _size(n: int, look: Look) -> int:
    return (14 if n <= 4 else 12) - (2 if look.narrow else 0)


def _notes(record: RunRecord) -> list[list[list[str]]]:
    names = [literal(c, 60) for c in record.schema.classes]
    return [
        [[names[i], names[j], f"{c:,} · {percent(s)}"] for j, (c, s) in enumerate(zip(*rows, strict=True))]
        for i, rows in enumerate(zip(record.confusion, shares(record), strict=True))
    ]


def _largest(record: RunRecord, look: Look) -> go.Figure:
    import plotly.graph_objects as go

    mistakes = largest_confusions(record)
    labels, above = look.rows([f"{a} → {b}" for a, b, _, _ in mistakes], limit=40)
    places = [len(mistakes) - 1 - i for i in range(len(mistakes))]
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [count for _, _, count, _ in mistakes],
        "y": places,
        "text": [f"{count:,} · {percent(share)}" for _, _, count, share in mistakes],
        "textposition": "middle right",
        "marker": {"color": look.palette.second, "size": 9},
        "hoverinfo": "skip",
    }
    top = max((count for _, _, count, _ in mistakes), default=1)
    title = {
        "text": look.say("rows_confused"),
        "standoff": 8,
        "font": {"size": 12, "color": look.palette.muted},
    }
    layout = look.layout(
        90 + (44 if look.narrow else 26) * max(1, len(mistakes)),
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        xaxis=look.axis(range=[0, top * 1.35], title=title, dtick=1 if top < 6 else None, nticks=6),
        yaxis=labels | {"showgrid": True},
        annotations=above,
    )
    return go.Figure(data=[trace], layout=layout)
