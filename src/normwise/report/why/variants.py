"""The four ways of training: their names, colours, dashes and symbols, and what is read from their seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from normwise.core.why_record import Variant, WhyRecord
from normwise.report.look import Look

# After Okabe and Ito; told apart by dash and symbol too.
_LIGHT = {"raw": "#c84e00", "scaled": "#0072b2", "raw_bn": "#a8457f", "scaled_bn": "#007a5a"}
_DARK = {"raw": "#e69f00", "scaled": "#56b4e9", "raw_bn": "#e08bbf", "scaled_bn": "#2fc09a"}
_SYMBOLS = {"raw": "circle", "scaled": "square", "raw_bn": "diamond", "scaled_bn": "triangle-up"}
ORDER = ("raw", "scaled", "raw_bn", "scaled_bn")


def colour(name: str, look: Look) -> str:
    """The colour of a variant."""
    return (_DARK if look.dark else _LIGHT).get(name, look.palette.quiet)


def symbol(name: str) -> str:
    """Its marker."""
    return _SYMBOLS.get(name, "cross")


def style(variant: Variant, look: Look) -> dict[str, Any]:
    """The trace of a variant: named, in its colour; dashed with batch normalization."""
    own = colour(variant.name, look)
    return {
        "type": "scatter",
        "name": look.say(f"why_variant_{variant.name}"),
        "legendgroup": variant.name,
        "line": {"color": own, "width": 2, "dash": "dash" if variant.normalized else "solid"},
        "marker": {"color": own, "size": 7, "symbol": symbol(variant.name)},
    }


def faint(shade: str, share: float = 0.16) -> str:
    """A colour to fill with."""
    red, green, blue = (int(shade[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def band(x: list[float], low: list[float], high: list[float], variant: Variant, look: Look) -> dict[str, Any]:
    """The range between two curves, filled."""
    kept = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if math.isfinite(b) and math.isfinite(c)]
    there = [k[0] for k in kept]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*there, *reversed(there)],
        "y": [*(k[1] for k in kept), *reversed([k[2] for k in kept])],
        "fill": "toself",
        "fillcolor": faint(colour(variant.name, look)),
        "line": {"width": 0},
        "legendgroup": variant.name,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def middle(values: list[float]) -> float:
    """The median of what is a number; NaN if nothing is."""
    known = [v for v in values if not math.isnan(v)]
    return float(np.median(known)) if known else math.nan


def history(variant: Variant, key: str) -> list[list[float]]:
    """A metric epoch by epoch: of each epoch, one value a seed."""
    seeds = [t.history[key] for t in variant.trainings if key in t.history]
    epochs = max((len(s) for s in seeds), default=0)
    return [[s[e] for s in seeds if e < len(s)] for e in range(epochs)]


def usable_limit(record: WhyRecord) -> float:
    """The highest median loss of a usable learning rate; a loss that is NaN counts as infinite."""
    medians = [np.median(np.nan_to_num(p.losses, nan=math.inf)) for v in record.variants for p in v.sweep]
    best = float(min(medians, default=math.nan))
    return max(best, float(np.finfo(np.float64).tiny)) * record.usable_tolerance
