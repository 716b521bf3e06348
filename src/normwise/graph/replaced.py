"""replaced, layer_calls_by: attributes and Keras' layer call, exchanged for the time of a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras

_ONE_AT_A_TIME = threading.RLock()
"""Of two threads, the one that ends last would put back the other's method, for good."""


def one_at_a_time() -> AbstractContextManager[object]:
    """Within the block, other threads that want to exchange something wait for its end."""
    return _ONE_AT_A_TIME


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Within the block, an attribute has another value."""
    before = vars(owner)[name]
    # Keras' layers look closely at what is set on them; type.__setattr__ is what a class needs.
    put = type.__setattr__ if isinstance(owner, type) else object.__setattr__
    put(owner, name, value)
    try:
        yield
    finally:
        put(owner, name, before)


@contextmanager
def layer_calls_by(call: Callable[..., Any]) -> Iterator[None]:
    """Within the block, this thread calls layers by ``call(plain, layer, *args, **kwargs)``.

    `plain` is Keras' own call. Other threads call layers as ever; one that wants the same waits for the end.
    """
    here = threading.get_ident()
    with one_at_a_time():
        plain = keras.layers.Layer.__call__

        def called(self: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != here:
                return plain(self, *args, **kwargs)
            return call(plain, self, *args, **kwargs)

        with replaced(keras.layers.Layer, "__call__", called):
            yield
