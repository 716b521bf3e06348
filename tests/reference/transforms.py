"""Transforms of single numbers, written from their definitions; nothing of normwise in them."""

from __future__ import annotations

import decimal
from decimal import Decimal

# Enough that a power less one keeps seventeen digits where λ is 1e-9, whatever the size of x.
_DIGITS = decimal.Context(prec=60, Emin=-decimal.MAX_EMAX, Emax=decimal.MAX_EMAX)


def yeo_johnson(x: float, lambda_: float) -> Decimal:
    """Yeo & Johnson 2000, eq. 2.1, to 40 digits."""
    with decimal.localcontext(_DIGITS):
        v, p = Decimal(float(x)), Decimal(float(lambda_))
        if v >= 0:
            return ((1 + v) ** p - 1) / p if p else (1 + v).ln()
        return -((1 - v) ** (2 - p) - 1) / (2 - p) if p != 2 else -(1 - v).ln()


def log1p(x: float) -> Decimal:
    """log(1 + x), to 40 digits."""
    with decimal.localcontext(_DIGITS):
        return (1 + Decimal(float(x))).ln()


def scaled(t: Decimal, center: float, scale: float) -> float:
    """(t − center)·scale, rounded once."""
    with decimal.localcontext(_DIGITS):
        return float((t - Decimal(float(center))) * Decimal(float(scale)))


def rank(x: float, knots: list[float], low: list[float], high: list[float]) -> float:
    """How large a share lies below x: linear between knots, the middle at a knot, 0 and 1 beyond them."""
    if x < knots[0]:
        return 0.0
    for k, e in enumerate(knots):
        if x == e:
            return (low[k] + high[k]) / 2
        if k + 1 < len(knots) and e < x < knots[k + 1]:
            return high[k] + (low[k + 1] - high[k]) * (x - e) / (knots[k + 1] - e)
    return 1.0
