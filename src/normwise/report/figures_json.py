"""The figures of a page as JSON: each once, with what changes by language, colours and width."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from normwise.core.run_record import RunRecord
from normwise.report import comparison, confusion, feature_histograms, learning_curves, residuals
from normwise.report.look import Look
from normwise.report.patches import differences

if TYPE_CHECKING:
    import plotly.graph_objects as go

R = TypeVar("R")
Draw = Callable[[RunRecord, Look], "go.Figure"]
CHANGES = {"zh": Look(language="zh"), "dark": Look(dark=True), "narrow": Look(narrow=True)}


def figures(record: RunRecord) -> dict[str, Draw]:
    """The figures that this run has, by name."""
    mistakes = any(count for i, row in enumerate(record.confusion) for j, count in enumerate(row) if i != j)
    matrix = 0 < len(record.confusion) <= confusion.MOST_CLASSES
    has = {
        "comparison": (comparison.figure, bool(record.scores and record.scores[0].metrics)),
        "learning": (learning_curves.figure, bool(learning_curves.shown_metrics(record))),
        "features": (feature_histograms.figure, bool(record.features)),
        "confusion": (confusion.figure, matrix or (bool(record.confusion) and mistakes)),
        "residuals": (residuals.figure, bool(record.actual)),
    }
    return {name: draw for name, (draw, there) in has.items() if there}


def changing(draw: Callable[[R, Look], go.Figure], record: R) -> dict[str, Any]:
    """One figure, and its patches: what `Look` changes, independently of each other."""
    base = plain(draw(record, Look()))
    patches = {name: differences(base, plain(draw(record, look))) for name, look in CHANGES.items()}
    return {"base": base, **patches}


def plain(figure: go.Figure) -> Any:
    """A figure as plain data; what JSON lacks, such as NaN, is null."""
    return json.loads(figure.to_json())


def figures_json(draws: Mapping[str, Callable[[R, Look], go.Figure]], record: R) -> str:
    """The figures of a record as JSON that may stand inside a script element."""
    return script_json({name: changing(draw, record) for name, draw in draws.items()})


def script_json(data: Any) -> str:
    """JSON that may stand inside a script element: no ``<``, ``>`` or ``&`` is in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
