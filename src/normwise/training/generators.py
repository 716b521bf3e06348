"""The state of the random number generators by which Keras shuffles, as plain data."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def generator_states() -> dict[str, Any]:
    """NumPy's global generator, which orders rows of arrays, and Python's, which orders a PyDataset."""
    return {"numpy": _plain(np.random.get_state(legacy=False)), "python": _plain(random.getstate())}


def set_generator_states(states: dict[str, Any]) -> None:
    """What `generator_states` gave."""
    np.random.set_state(states["numpy"])
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))


def _plain(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, tuple):
        return [_plain(value) for value in state]
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state
