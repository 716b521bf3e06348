"""normalization_calls_by: batch normalizations computed by another function, for the time of a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from normwise.graph.replaced import one_at_a_time, replaced
from normwise.layers.batch_normalization import BatchNormalization

BATCH_NORMALIZATIONS = (keras.layers.BatchNormalization, BatchNormalization)
"""The layers, with those derived from them, whose moving statistics normwise knows how to set."""


@contextmanager
def normalization_calls_by(call: Callable[..., Any]) -> Iterator[None]:
    """Within the block, this thread calls batch normalizations by ``call(plain, layer, inputs, **kwargs)``.

    `plain` is the layer's own `call`, which Keras calls once it has converted the inputs, found the mask and
    settled what `training` is. Other threads compute as ever.
    """
    with one_at_a_time(), ExitStack() as stack:
        for kind in BATCH_NORMALIZATIONS:
            stack.enter_context(replaced(kind, "call", _called(kind.call, call)))
        yield


def _called(plain: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    here = threading.get_ident()

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != here:
            return plain(self, *args, **kwargs)
        return call(plain, self, *args, **kwargs)

    return called
