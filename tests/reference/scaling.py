"""Scaling as its definitions say, in float64 NumPy, one column at a time, NaN being missing."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm


def seen(column, weights=None):
    """The values that a column has, each with how often it was seen; of weight 0 it was not."""
    x = np.asarray(column, dtype=np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    there = ~np.isnan(x) & (w > 0)
    return x[there], w[there]


def _mean(values, weights):
    return math.fsum(values * weights) / math.fsum(weights)


def _keep_missing(x, y):
    return np.where(np.isnan(x), np.nan, y)


def standardized(column, training, ddof=0, with_mean=True, with_std=True, weights=None):
    """``(x − mean)/std``, the sums exact; 0 for a constant."""
    known, w = seen(training, weights)
    mean = _mean(known, w)
    variance = math.fsum(w * (known - mean) ** 2) / (math.fsum(w) - ddof)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    return (x - mean * with_mean) / (math.sqrt(variance) if with_std else 1.0)


def normalized(column, training, low=0.0, high=1.0, weights=None):
    """``(x − min)/(max − min)·(high − low) + low``; `low` for a constant."""
    known, _ = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, low)
    return (x - known.min()) / (known.max() - known.min()) * (high - low) + low


def by_the_largest(column, training, weights=None):
    """``x / max|x|``; 0 for a constant."""
    known, _ = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    return x / np.abs(known).max()


def quantile(known, p):
    """Between the ordered values v[⌊h⌋] and v[⌊h⌋ + 1], h = (n − 1)·p."""
    v = sorted(known)
    h = (len(v) - 1) * p
    below = math.floor(h)
    above = min(below + 1, len(v) - 1)
    return v[below] + (h - below) * (v[above] - v[below])


def weighted_quantile(known, weights, p):
    """The mean of the values at the ranks from h to h + 1, h = (Σw − 1)·p, each at as many as its weight."""
    pairs = [(Fraction(float(v)), Fraction(float(w))) for v, w in sorted(zip(known, weights, strict=True))]
    h = (sum(w for _, w in pairs) - 1) * Fraction(float(p))
    below, total = Fraction(0), Fraction(0)
    for v, w in pairs:
        total += v * max(min(below + w, h + 1) - max(below, h), 0)
        below += w
    return float(total)


def _quantile(known, w, p, weights):
    return quantile(known, p) if weights is None else weighted_quantile(known, w, p)


def robust(column, training, low=25.0, high=75.0, unit_variance=False, weights=None):
    """``(x − median)/(q_high − q_low)``; the whole range where that is 0; 0 for a constant."""
    known, w = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    low_end, middle, high_end = (_quantile(known, w, p, weights) for p in (low / 100, 0.5, high / 100))
    spread = high_end - low_end
    spread = spread or known.max() - known.min()
    normal = norm.ppf(high / 100) - norm.ppf(low / 100) if unit_variance else 1.0
    return (x - middle) / spread * normal


def ranked(column, training, n_quantiles=1000, normal=False, weights=None):
    """The share of the values up to x, by lines between quantiles; the middle of both ends at a tie."""
    known, w = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    rows = len(np.atleast_1d(training)) if weights is None else round(math.fsum(weights))
    n = max(2, min(n_quantiles, rows))
    p = [k / (n - 1) for k in range(n)]
    q = [_quantile(known, w, v, weights) for v in p]
    found = np.array([np.nan if math.isnan(v) else _rank(v, q, p) for v in x.ravel()]).reshape(x.shape)
    return norm.ppf(np.clip(found, 1e-7, 1 - 1e-7)) if normal else found


def _rank(v, q, p):
    if v < q[0]:
        return 0.0
    if v > q[-1]:
        return 1.0
    at = [p[k] for k in range(len(q)) if q[k] == v]
    if at:
        return (at[0] + at[-1]) / 2
    k = max(k for k in range(len(q)) if q[k] < v)
    return p[k] + (p[k + 1] - p[k]) * (v - q[k]) / (q[k + 1] - q[k])


def yeo_johnson(x, lam):
    """Eq. 2.1: four cases."""
    y = np.full(np.shape(x), np.nan)
    x = np.asarray(x, np.float64)
    above, below = x >= 0, x < 0
    y[above] = np.log(x[above] + 1) if lam == 0 else ((x[above] + 1) ** lam - 1) / lam
    y[below] = -np.log(1 - x[below]) if lam == 2 else -((1 - x[below]) ** (2 - lam) - 1) / (2 - lam)
    return y


def _slope(x, lam):
    """∂T/∂λ, for λ other than 0 and 2."""
    y, t = yeo_johnson(x, lam), np.log1p(np.abs(x))
    return np.where(
        x >= 0, ((1 + np.abs(x)) ** lam * t - y) / lam, ((1 + np.abs(x)) ** (2 - lam) * t + y) / (2 - lam)
    )


def likeliest_lambda(known, w=None):
    """The λ of the largest profile likelihood of a normal distribution: where its slope is 0."""
    w = np.ones(len(known)) if w is None else w
    logs = (w * np.sign(known) * np.log1p(np.abs(known))).sum()

    def slope(lam):
        y, by_lam = yeo_johnson(known, lam), _slope(known, lam)
        y, by_lam = y - _mean(y, w), by_lam - _mean(by_lam, w)
        return logs - w.sum() * _mean(y * by_lam, w) / _mean(y * y, w)

    return brentq(slope, -5.9871, 7.9131, xtol=1e-13)


def powered(column, training, weights=None):
    """The likeliest Yeo–Johnson transformation, standardized; 0 for a constant."""
    known, w = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    lam = likeliest_lambda(known, w)
    fitted = yeo_johnson(known, lam)
    mean = _mean(fitted, w)
    return (yeo_johnson(x, lam) - mean) / math.sqrt(_mean((fitted - mean) ** 2, w))


def logarithmic(column, training, weights=None):
    """``log(1 + x)``, standardized; 0 for a constant."""
    known, w = seen(training, weights)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    fitted = np.log1p(known)
    mean = _mean(fitted, w)
    return (np.log1p(x) - mean) / math.sqrt(_mean((fitted - mean) ** 2, w))


def by_column(formula, table, training=None, **options):
    """A formula applied to each column of (rows, columns)."""
    x = np.asarray(table, dtype=np.float64)
    fitted = x if training is None else np.asarray(training, dtype=np.float64)
    return np.stack([formula(x[:, i], fitted[:, i], **options) for i in range(x.shape[1])], axis=1)
