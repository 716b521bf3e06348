"""By how much a right PowerScaler may be off on given data: derived here, not tried out."""

from __future__ import annotations

import math

import numpy as np
from tests.reference.scaling import likeliest_lambda, seen, yeo_johnson

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23}
WIDTH = 1e-5
"""Half the base of the parabola whose top is taken for the likeliest λ."""
STEP = 1e-3
"""For differences in λ in place of derivatives."""


def likelihood(known, w, lam):
    """The profile log-likelihood, and the sum of the sizes of its terms: what its rounding is a part of."""
    y = yeo_johnson(known, lam)
    variance = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
    terms = (
        -w.sum() / 2 * math.log(variance),
        (lam - 1) * (w * np.sign(known) * np.log1p(np.abs(known))).sum(),
    )
    return sum(terms), sum(abs(term) for term in terms)


def lambda_error(known, w, lam):
    """What λ is off by at most, as the top of a parabola through ℓ(λ − h), ℓ(λ) and ℓ(λ + h), h = `WIDTH`.

    The top lies at ``λ + h/2·(ℓ(λ − h) − ℓ(λ + h))/(h²·ℓ'')``. An error δ of each ℓ moves it by at most
    ``δ/(h·|ℓ''|)``, and the curve, which is no parabola, by ``h²·|ℓ'''/ℓ''|``. ℓ holds ``n/2·log Var``, in
    which a relative error of ``ε·(2 + √n)`` of the variance is ``n/2`` times that; its terms round besides.
    """
    at = [likelihood(known, w, lam + k * STEP)[0] for k in (-2, -1, 0, 1, 2)]
    second = abs(at[1] - 2 * at[2] + at[3]) / STEP**2
    third = abs(at[4] - 2 * at[3] + 2 * at[1] - at[0]) / (2 * STEP**3)
    rounding = EPSILON["float64"] * (w.sum() / 2 * (2 + math.sqrt(len(known))) + likelihood(known, w, lam)[1])
    return rounding / (WIDTH * second) + WIDTH**2 * third / second


def power_errors(column, training, weights=None, dtype="float64", logarithm=False):
    """What y = (T(x) − mean)/std, and x from that y, are off by at most, in their units.

    y moves by ``|∂y/∂λ|·δλ``. ``T = (exp(l·g) − 1)/l`` of ``g = log(1 + |x|)`` is off by ``ε·(4 + 2·|l|·g)``
    of itself, as the exponent's rounding is a share of the result; its mean and the difference from it by
    ``ε·(4 + √n)`` of the largest T. A table of float32 rounds y once more, by half of its ε.

    On the way back λ is the same one. ``∂x/∂T = (1 + |x|)^(1 − l)`` magnifies what y, T and the mean are off
    by, and ``x = exp(g) − 1`` adds ``ε·(4 + 2·g)·(1 + |x|)``.
    """
    known, w = seen(training, weights)
    x, _ = seen(column)
    lam = 0.0 if logarithm else likeliest_lambda(known, w)
    off = 0.0 if logarithm else lambda_error(known, w, lam)

    def standardized(by):
        fitted = yeo_johnson(known, by)
        mean = np.average(fitted, weights=w)
        std = math.sqrt(np.average((fitted - mean) ** 2, weights=w))
        return (yeo_johnson(x, by) - mean) / std, std, np.abs(fitted).max()

    (y, std, largest), bent = standardized(lam), yeo_johnson(x, lam)
    slope = np.abs(standardized(lam + STEP)[0] - standardized(lam - STEP)[0]) / (2 * STEP)
    grown, power = np.log1p(np.abs(x)), np.where(x < 0, 2 - lam, lam)
    eps, rounded = EPSILON["float64"], EPSILON["float32"] / 2 if dtype == "float32" else 0.0
    of_power = eps * (4 + 2 * np.abs(power) * grown) * np.abs(bent)
    of_mean = eps * (4 + math.sqrt(len(known))) * largest
    there = slope * off * (not logarithm) + (of_power + of_mean) / std + rounded * np.abs(y)
    magnified = (1 + np.abs(x)) ** (1 - power) * (of_power + of_mean + rounded * np.abs(y) * std)
    back = magnified + eps * (4 + 2 * grown) * (1 + np.abs(x)) + rounded * np.abs(x)
    return there.max(), back.max()
