"""The architectures of keras.applications, and the smallest image that each takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import keras


def architectures() -> dict[str, Callable[..., Any]]:
    """Every public function of keras.applications and its modules that makes a model."""
    places = [keras.applications, *(m for _, m in inspect.getmembers(keras.applications, inspect.ismodule))]
    makers = {
        name: function
        for place in places
        for name, function in inspect.getmembers(place, inspect.isfunction)
        if "include_top" in inspect.signature(function).parameters
    }
    return dict(sorted(makers.items()))


def smallest(make: Callable[..., Any]) -> int:
    """The smallest side of an image, as the constructor says when it refuses a smaller one."""
    try:
        make(weights=None, include_top=False, input_shape=(1, 1, 3))
    except ValueError as error:
        return int(re.search(r"at least (\d+)x\1", str(error))[1])  # type: ignore[index]
    raise AssertionError("an image of one pixel was accepted")
