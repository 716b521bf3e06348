"""Remedies: the words for one that is carried out, and for one that the user does."""

from __future__ import annotations

from typing import Literal

from normwise.core.diagnosis import Remedy

Action = Literal["insert scaling", "drop bias", "recalibrate", "raise precision", "remove dropout"]


def carried_out(action: Action, code: str, text: str, safety: Literal["safe", "unsafe"]) -> Remedy:
    """A remedy that `normwise.apply_remedies` carries out for the findings of the rule of this code."""
    allowed = ', safety="all"' if safety == "unsafe" else ""
    call = f'fixed = normwise.apply_remedies(model, x, y, select=["{code}"]{allowed}).model'
    return Remedy(action, text, call, safety)


def by_hand(text: str, code: str = "") -> Remedy:
    """A remedy that is left to the user."""
    return Remedy("", text, code, "manual")
