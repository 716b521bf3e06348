"""Scaling in float64 NumPy, one column at a time, written from the formulas; nothing of normwise in it."""

from __future__ import annotations

import math

import numpy as np


def values_of(column):
    """The numbers of a column: NaN left out."""
    x = np.asarray(column, dtype=np.float64)
    return x[~np.isnan(x)]


def standardized(column, training):
    """``(x − mean)/std`` with the mean and population standard deviation of `training`; 0 for a constant."""
    known = values_of(training)
    mean = math.fsum(known) / len(known)
    variance = math.fsum((known - mean) ** 2) / len(known)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return np.where(np.isnan(x), np.nan, 0.0)
    return (x - mean) / math.sqrt(variance)


def normalized(column, training, low=0.0, high=1.0):
    """``(x − min)/(max − min)·(high − low) + low``; `low` for a constant."""
    known = values_of(training)
    x = np.asarray(column, dtype=np.float64)
    if known.min() == known.max():
        return np.where(np.isnan(x), np.nan, low)
    return (x - known.min()) / (known.max() - known.min()) * (high - low) + low


def by_column(formula, table, training=None, **options):
    """A formula applied to each column of (rows, columns)."""
    x = np.asarray(table, dtype=np.float64)
    fitted = x if training is None else np.asarray(training, dtype=np.float64)
    return np.stack([formula(x[:, i], fitted[:, i], **options) for i in range(x.shape[1])], axis=1)
