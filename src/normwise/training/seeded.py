"""seeded: random numbers as after `keras.utils.set_random_seed`, and the caller's own afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from normwise.training.keras_trainer import RANDOM_ATTRIBUTES, global_state


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, Python's, NumPy's and Keras' global random numbers are those after a seed.

    Example:
        >>> np.random.seed(7)
        >>> with seeded(0):
        ...     inside = np.random.random()
        >>> after = np.random.random()
        >>> np.random.seed(7)
        >>> after == np.random.random()
        True
    """
    before = random.getstate(), np.random.get_state()
    attributes = {name: global_state.get_global_attribute(name) for name in RANDOM_ATTRIBUTES}
    try:
        keras.utils.set_random_seed(seed)
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        for name, value in attributes.items():
            global_state.set_global_attribute(name, value)


@contextmanager
def numpy_state(state: list[Any]) -> Iterator[None]:
    """Within the block NumPy's generator goes on from the state in the list, which is then replaced."""
    before = np.random.get_state()
    np.random.set_state(state[0])
    try:
        yield
    finally:
        state[0] = np.random.get_state()
        np.random.set_state(before)
