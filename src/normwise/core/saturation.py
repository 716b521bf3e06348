"""Where an activation function is flat, so that next to nothing is learned through it: the one definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

AT = 0.97
"""From where tanh counts as saturated: there its derivative, 1 − y², is below 0.06."""

SATURATED: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda y: abs(y) > AT,
    "hard_tanh": lambda y: abs(y) > AT,
    "softsign": lambda y: abs(y) > AT,
    "sigmoid": lambda y: abs(2 * y - 1) > AT,
    "hard_sigmoid": lambda y: abs(2 * y - 1) > AT,
    "relu": lambda y: y == 0,
    "relu6": lambda y: (y == 0) | (y == 6),
}
"""Of a function's outputs, in NumPy or in traced code, which count as saturated. A function that is not here
has no flat part."""

DEFINITION = (
    "|y| > 0.97 (tanh, hard_tanh, softsign), |2y - 1| > 0.97 (sigmoid, hard_sigmoid), y = 0 (relu, relu6) or"
    " y = 6 (relu6)"
)
"""The same in words, y being the output."""

SATURATED_FROM: dict[str, float] = {
    "tanh": math.atanh(AT),
    "hard_tanh": AT,
    "softsign": AT / (1 - AT),
    "sigmoid": 2 * math.atanh(AT),
    "hard_sigmoid": 3 * AT,
}
"""Of a function that is flat on both sides alike, from which pre-activation on it is saturated."""
