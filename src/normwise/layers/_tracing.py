"""What a layer can know of the program that runs it: whether values are there, and whether it runs again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def when_known(count: Any, tell: Callable[[Any], None]) -> None:
    """Call a function with a count's values in NumPy: at once, or on JAX when the compiled program runs and
    none exceeds 1.

    Other compilers run no Python, so that there nothing is called.
    """
    backend = keras.backend.backend()
    if isinstance(count, int):
        tell(count)
    elif backend == "jax":
        import jax

        if isinstance(count, jax.core.Tracer):
            jax.lax.cond(jax.numpy.all(count <= 1), lambda: jax.debug.callback(tell, count), lambda: None)
        else:
            tell(np.asarray(count))
    elif backend == "torch":
        import torch

        if not (
            torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active() or count.is_meta
        ):
            tell(ops.convert_to_numpy(count))
    elif hasattr(count, "numpy"):
        tell(count.numpy())


def recomputing() -> bool:
    """Whether torch runs a forward pass a second time, within the backward pass of a checkpoint."""
    if keras.backend.backend() != "torch":
        return False
    import torch

    return bool(torch._C._current_graph_task_id() != -1)


def static_size(shape: tuple[int | None, ...], channel_axes: tuple[int, ...]) -> int | None:
    """How many values a channel has, or None where the shape is not known yet."""
    sizes = [n for i, n in enumerate(shape) if i not in channel_axes]
    # A list: of a generator torch's compiler makes no product.
    return None if None in sizes else math.prod([int(n or 0) for n in sizes])
