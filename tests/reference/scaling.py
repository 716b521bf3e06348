"""Scaling as its definitions say, in float64 NumPy, one column at a time, NaN being missing."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm


def values_of(column):
    """The values that a column has, in float64."""
    x = np.asarray(column, dtype=np.float64)
    return x[~np.isnan(x)]


def _keep_missing(x, y):
    return np.where(np.isnan(x), np.nan, y)


def standardized(column, training, ddof=0, with_mean=True, with_std=True):
    """``(x − mean)/std``, the sums exact; 0 for a constant."""
    known = values_of(training)
    mean = math.fsum(known) / len(known)
    variance = math.fsum((known - mean) ** 2) / (len(known) - ddof)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    return (x - mean * with_mean) / (math.sqrt(variance) if with_std else 1.0)


def normalized(column, training, low=0.0, high=1.0):
    """``(x − min)/(max − min)·(high − low) + low``; `low` for a constant."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, low)
    return (x - known.min()) / (known.max() - known.min()) * (high - low) + low


def by_the_largest(column, training):
    """``x / max|x|``; 0 for a constant."""
    known = values_of(training)
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


def robust(column, training, low=25.0, high=75.0, unit_variance=False):
    """``(x − median)/(q_high − q_low)``; the whole range where that is 0; 0 for a constant."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    spread = quantile(known, high / 100) - quantile(known, low / 100)
    spread = spread or known.max() - known.min()
    normal = norm.ppf(high / 100) - norm.ppf(low / 100) if unit_variance else 1.0
    return (x - quantile(known, 0.5)) / spread * normal


def ranked(column, training, n_quantiles=1000, normal=False):
    """The share of the values up to x, by lines between quantiles; the middle of both ends at a tie."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    n = max(2, min(n_quantiles, len(np.atleast_1d(training))))
    p = [k / (n - 1) for k in range(n)]
    q = [quantile(known, v) for v in p]
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


def likeliest_lambda(known):
    """The λ of the largest profile likelihood of a normal distribution: where its slope is 0."""
    logs = (np.sign(known) * np.log1p(np.abs(known))).sum()

    def slope(lam):
        y, by_lam = yeo_johnson(known, lam), _slope(known, lam)
        return logs - len(known) * np.mean((y - y.mean()) * (by_lam - by_lam.mean())) / y.var()

    return brentq(slope, -5.9871, 7.9131, xtol=1e-13)


def powered(column, training):
    """The likeliest Yeo–Johnson transformation, standardized; 0 for a constant."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    lam = likeliest_lambda(known)
    fitted = yeo_johnson(known, lam)
    return (yeo_johnson(x, lam) - fitted.mean()) / fitted.std()


def logarithmic(column, training):
    """``log(1 + x)``, standardized; 0 for a constant."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return _keep_missing(x, 0.0)
    return (np.log1p(x) - np.log1p(known).mean()) / np.log1p(known).std()


def by_column(formula, table, training=None, **options):
    """A formula applied to each column of (rows, columns)."""
    x = np.asarray(table, dtype=np.float64)
    fitted = x if training is None else np.asarray(training, dtype=np.float64)
    return np.stack([formula(x[:, i], fitted[:, i], **options) for i in range(x.shape[1])], axis=1)
