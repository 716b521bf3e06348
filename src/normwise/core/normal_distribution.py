"""The normal distribution and its inverse: one formula for arrays, tensors in traced code and expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Operations(NamedTuple):
    """What the formulas need besides ``+ − * / **`` and comparisons.

    `where` takes a condition, what holds where it is true, and what holds elsewhere. Where a condition is
    null, Narwhals takes the last, and Polars holds NaN for larger than any number: the formulas are written
    such that null and NaN go through them to the end all the same. `let` gives back what it is given, in a
    form that may be used more than once: an expression would else be computed anew each time.
    """

    where: Callable[[Any, Any, Any], Any]
    sqrt: Callable[[Any], Any]
    log: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    absolute: Callable[[Any], Any]
    let: Callable[[Any], Any] = lambda value: value


NUMPY = Operations(np.where, np.sqrt, np.log, np.exp, np.abs)

# Wichura 1988, PPND16: numerators and denominators, the highest power first.
_CENTRE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852545925,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
_TAIL = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
_FAR_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)
# Hart 1968, no. 5666, as West 2005 gives it.
_HART = (
    (
        3.52624965998911e-2,
        0.700383064443688,
        6.37396220353165,
        33.912866078383,
        112.079291497871,
        221.213596169931,
        220.206867912376,
    ),
    (
        8.83883476483184e-2,
        1.75566716318264,
        16.064177579207,
        86.7807322029461,
        296.564248779674,
        637.333633378831,
        793.826512519948,
        440.413735824752,
    ),
)
_HART_ENDS = 7.07106781186547


def quantile(p: Any, complement: Any = None, operations: Operations = NUMPY) -> Any:
    """The value below which a standard normal variable falls with a given probability.

    ``y = Φ⁻¹(p)``, to a relative error of about 1e-16 in float64. 0 gives −∞, 1 gives ∞, anything outside
    [0, 1] NaN; NaN and null stay.

    Args:
        p: The probability, in [0, 1], of any shape: an array, a tensor, an expression.
        complement: 1 − p, where it is known better than the subtraction would give it: beside 1, floats are
            too coarse for the upper tail, and float32 ends at 5.2.
        operations: The functions that fit the kind of p; NumPy's by default.

    Returns:
        y, of the kind of p.

    Example:
        >>> quantile(np.array([0.0, 0.025, 0.5, 0.975])).round(6).tolist()
        [-inf, -1.959964, 0.0, 1.959964]

    Source:
        Wichura 1988, "Algorithm AS 241: The Percentage Points of the Normal Distribution", PPND16.
    """
    q = 1.0 - p if complement is None else complement
    where, sqrt, log, _, absolute, let = operations
    # Each branch is given numbers that suit it also where it is not taken: else its gradient is NaN.
    tail = let(where(p > q, q, p))
    inside = where(tail <= 0.0, 0.25, tail)
    distance = let(where(p > q, 0.5 - tail, tail - 0.5))
    outer = absolute(distance) > 0.425
    centred = let(where(outer, 0.0, distance))
    squared = let(0.180625 - centred * centred)
    r = let(sqrt(-log(inside)))
    far = r > 5.0
    beyond, near = let(where(far, r, 5.0) - 5.0), let(where(far, 5.0, r) - 1.6)
    in_tail = let(where(far, _ratio(_FAR_TAIL, beyond), _ratio(_TAIL, near)))
    size = let(where(tail <= 0.0, float("inf"), in_tail))
    y = where(outer, where(p > q, size, -size), centred * _ratio(_CENTRE, squared))
    return where(tail < 0.0, float("nan"), y)


def probability(y: Any, operations: Operations = NUMPY) -> Any:
    """The probability that a standard normal variable falls below a value.

    ``p = Φ(y)``, in float64 to an absolute error below 1e-15 and a relative one below 1e-8 while y > −37; the
    upper tail is ``Φ(−y)``. NaN and null stay.

    Args:
        y: The value, of any shape: an array, a tensor, an expression.
        operations: The functions that fit the kind of y; NumPy's by default.

    Returns:
        p in [0, 1], of the kind of y.

    Example:
        >>> probability(np.array([-np.inf, -1.959964, 0.0, 1.959964])).round(6).tolist()
        [0.0, 0.025, 0.5, 0.975]

    Source:
        Hart 1968, "Computer Approximations", no. 5666, by West 2005, "Better approximations to cumulative
        normal functions"; beyond |y| = 7.07 the continued fraction given there.
    """
    where, exp, absolute = operations.where, operations.exp, operations.absolute
    let = operations.let
    size = let(absolute(y))
    far = size > _HART_ENDS
    near, beyond = let(where(far, 0.0, size)), let(where(far, size, _HART_ENDS))
    fraction = beyond + 1.0 / (beyond + 2.0 / (beyond + 3.0 / (beyond + 4.0 / (beyond + 0.65))))
    factor = where(far, 1.0 / (fraction * 2.506628274631), _ratio(_HART, near))
    upper = let(exp(-0.5 * size * size) * factor)
    return where(y > 0.0, 1.0 - upper, upper)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    return _horner(coefficients[0], x) / _horner(coefficients[1], x)


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    value = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        value = value * x + c
    return value
