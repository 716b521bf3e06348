"""Keras' History as plain data, and back."""

from __future__ import annotations

from typing import Any

import numpy as np


def plain_history(history: Any) -> dict[str, Any]:
    """Its values by epoch: numbers as they are, arrays as lists beside their dtype."""
    values = {name: [_plain(value) for value in of] for name, of in history.history.items()}
    return {"values": values, "epochs": list(history.epoch)}


def give_history(history: Any, plain: dict[str, Any]) -> None:
    """Fills a History with what `plain_history` gave."""
    history.history = {name: [_value(value) for value in of] for name, of in plain["values"].items()}
    history.epoch = list(plain["epochs"])


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    array = np.asarray(value)
    return {"dtype": array.dtype.name, "values": array.tolist()}


def _value(plain: Any) -> Any:
    return np.array(plain["values"], plain["dtype"])[()] if isinstance(plain, dict) else plain
