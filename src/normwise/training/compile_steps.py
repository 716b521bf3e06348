"""compile_loop, compile_one: the steps of a program, as XLA runs them quickest on the device at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# XLA's CPU client runs kernels that do not wait for each other side by side. Those of a small network take
# less time than handing them over: 46 µs a step of the article's network, and 38 in this order (0091).
IN_ORDER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}


def slow_in_a_loop(lowered: Any) -> bool:
    """Whether XLA would compile the steps much better outside of a loop.

    For the CPU it brings the gradients of a convolution into the form that its library takes in a program's
    outermost computation alone; in a loop they are plain nested loops (55 ms a step in place of 12).
    """
    return jax.default_backend() == "cpu" and "stablehlo.convolution" in lowered.as_text()


def compile_loop(lowered: Any) -> Any:
    """The program of a loop over steps."""
    if jax.default_backend() == "cpu":
        try:
            return lowered.compile(compiler_options=IN_ORDER)
        except jax.errors.JaxRuntimeError as error:
            # An option of XLA's own, which another version may not have.
            if "No such compile option" not in str(error):
                raise
    return lowered.compile()


def compile_one(lowered: Any, keep: bool = False) -> Callable[..., tuple[Any, ...]]:
    """A function that calls the program of one step again and again, with the arguments of a loop's.

    The program gives its state up; with `keep`, the first one stays, and a copy of it is given up.
    """
    one = lowered.compile()

    def steps(state: Any, data: Any, start: Any, stop: Any) -> tuple[Any, ...]:
        state = jax.tree.map(jnp.copy, state) if keep else state
        logs, finite, i = None, True, int(start)
        while i < stop and finite:
            state, logs, is_finite = one(state, data, np.int32(i))
            finite, i = bool(is_finite), i + 1
        return state, logs, i, finite

    return steps
