"""take_steps: one pass over the batches of an epoch, in training or in validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from normwise.training.buffers import Buffer, Source, buffers
from normwise.training.distribute import distributed
from normwise.training.keras_trainer import EpochBatches
from normwise.training.pace import Pace
from normwise.training.phase import State
from normwise.training.program import Programs, Result

KEPT_BYTES = 256 * 2**20
"""States of at most so many bytes are copied before a call, to find out where a loss stopped being finite."""

NotFinite = Callable[[Result, Any, Buffer, int], None]
"""Called with a result whose loss is not finite, the state before the call (or None), the buffer, and where
in it the call began."""


def take_steps(
    programs: Programs,
    batches: EpochBatches,
    source: Source,
    callbacks: Any,
    pace: Pace,
    between: Callable[[], None],
    not_finite: NotFinite | None = None,
    first: int = 0,
    chunk_done: Callable[[int], None] | None = None,
) -> Any:
    """Runs Keras' step over every batch, with Keras' calls of the callbacks around each call of the program.

    Args:
        programs: The compiled programs of the model and phase.
        batches: The batches, reset.
        source: How they are stacked.
        callbacks: A `keras.callbacks.CallbackList`.
        pace: How many steps a call takes.
        between: Called after every call of the program.
        not_finite: What to do about a loss that is not finite; None goes on.
        first: The step of the epoch to begin with.
        chunk_done: Called with the next step after every call of the program but the epoch's last.

    Returns:
        The last step's logs.
    """
    model, phase = programs.model, programs.phase
    begin = getattr(callbacks, f"on_{phase.name}_batch_begin")
    end = getattr(callbacks, f"on_{phase.name}_batch_end")
    model._jax_state_synced = True
    state: State = ()
    logs: Any = {}
    coming = map(distributed, buffers(batches, source, first))
    buffer = next(coming, None)
    while buffer is not None:
        start = 0
        while start < buffer.steps:
            stop = min(start + pace.steps, buffer.steps)
            begin(buffer.first + start)
            if model._jax_state_synced:
                state = phase.take_state(model)
            kept = _copy(state) if not_finite is not None else None
            begun = time.perf_counter()
            result = programs.start(state, buffer.data, start, stop, buffer.first)
            state, logs = result.state, result.logs
            phase.give_state(model, state)
            # The next batches are put together while the device computes.
            following = next(coming, None) if stop == buffer.steps else buffer
            if programs.measuring is not None:
                programs.measuring.take(result.kept, buffer.first + stop)
            if not result.finite() and not_finite is not None:
                not_finite(result, kept, buffer, start)
            pace.took(stop - start, time.perf_counter() - begun)
            end(buffer.first + stop - 1, logs)
            between()
            if getattr(model, phase.stop_flag):
                return logs
            if chunk_done is not None and following is not None:
                chunk_done(buffer.first + stop)
            start = stop
        buffer = following
    return logs


def _copy(state: State) -> Any:
    leaves = [leaf for kind in state for leaf in kind]
    if sum(leaf.nbytes for leaf in leaves) > KEPT_BYTES or not all(
        leaf.is_fully_addressable for leaf in leaves
    ):
        return None
    return tuple([np.array(leaf) for leaf in kind] for kind in state)
