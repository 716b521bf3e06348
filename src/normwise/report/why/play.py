"""What the page's own script needs to redraw the bowl: a bowl, and how far the raw data is stretched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from normwise.core.descent import WITHIN
from normwise.core.measurement import Bowl
from normwise.core.why_record import WhyRecord
from normwise.report.text import one_line

LEAST, MOST = 0.01, 100.0
"""The slider's ends, as factors."""


def played_bowl(record: WhyRecord) -> Bowl | None:
    """The bowl to play with: the scaled one, or else the first; None if its numbers are no bowl."""
    for bowl in sorted(record.bowls, key=lambda b: b.variant != "scaled"):
        numbers = (*bowl.hessian, *bowl.optimum)
        if all(math.isfinite(v) for v in numbers) and bowl.hessian[0] > 0 and bowl.hessian[3] > 0:
            return bowl
    return None


def play_data(record: WhyRecord) -> dict[str, Any]:
    """The bowl, the feature that is stretched, and the slider's ends in powers of ten; empty without a "
    "bowl."""
    bowl = played_bowl(record)
    if bowl is None:
        return {}
    ratio = raw_ratio(record)
    ends = [math.log10(LEAST), math.log10(MOST)]
    if math.isfinite(ratio):
        ends = [min(ends[0], math.floor(math.log10(ratio))), max(ends[1], math.ceil(math.log10(ratio)))]
    return {
        "hessian": list(bowl.hessian),
        "optimum": list(bowl.optimum),
        "columns": [one_line(c, 24) for c in bowl.columns],
        "gain": WITHIN,
        "raw": math.log10(ratio) if math.isfinite(ratio) else None,
        "low": ends[0],
        "high": ends[1],
    }


def raw_ratio(record: WhyRecord) -> float:
    """How much wider the first feature of the bowl is than the second in the raw data, by their spread."""
    bowl = played_bowl(record)
    raw = [b for b in record.bowls if b.variant == "raw" and bowl is not None and b.columns == bowl.columns]
    if not raw or bowl is None or bowl.variant != "scaled":
        return math.nan
    # Stretching a feature by s multiplies its entry on the diagonal by s².
    first, second = (raw[0].hessian[i] / bowl.hessian[i] for i in (0, 3))
    ratio = float(np.sqrt(first / second)) if first > 0 and second > 0 else math.nan
    return ratio if math.isfinite(ratio) and ratio > 0 else math.nan
