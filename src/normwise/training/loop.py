"""take_steps: one pass over the batches of an epoch, in training or in validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from normwise.training.buffers import Buffer, Source, buffers
from normwise.training.distribute import distributed
from normwise.training.interrupt import interruptible
from normwise.training.keras_trainer import EpochBatches
from normwise.training.pace import SHORT_SECONDS, Pace
from normwise.training.phase import State, is_kept
from normwise.training.program import Programs, Result

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
        not_finite: What to do about a loss that is not finite; None leaves it to the callbacks.
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
    fits = False
    coming = map(distributed, buffers(batches, source, first))
    following = next(coming, None)
    while following is not None:
        buffer, start, program = following, 0, None
        while start < buffer.steps:
            step = buffer.first + start
            stop = min(start + pace.until(step), buffer.steps)
            if pace.begins(step):
                begin(step)
            if model._jax_state_synced:
                state, program = phase.take_state(model), None
            fits = is_kept(state) if program is None else fits
            kept = state if fits else None
            begun = time.perf_counter()
            with phase.kept_on_failure(model, kept):
                result = programs.start(state, buffer.data, start, stop, buffer.first, program)
                state, logs, program = result.state, result.logs, result.program
                phase.give_state(model, state)
            # The next batches are put together while the device computes.
            if stop == buffer.steps and following is buffer:
                following = next(coming, None)
            with phase.kept_on_failure(model, kept):
                # To wait for a thread costs more than a step of a small network.
                ready = pace.is_short(stop - start) and result.is_ready_within(SHORT_SECONDS)
                is_finite = result.finite() if ready else interruptible(result.finite)
            if programs.measuring is not None:
                programs.measuring.take(result.kept, buffer.first + stop)
            if not is_finite and not_finite is not None:
                not_finite(result, kept, buffer, start)
            pace.took(stop - start, time.perf_counter() - begun)
            start = int(result.done)
            last = buffer.first + start - 1
            if not is_finite or pace.ends(last) or (start == buffer.steps and following is None):
                end(pace.number(last), logs)
                between()
                if getattr(model, phase.stop_flag):
                    return logs
                if chunk_done is not None and following is not None:
                    chunk_done(last + 1)
    return logs
