"""Together: the steps of many models of one architecture as one compiled program, over one copy of the data.

    (state₁, …, stateₖ)  ←  vmap(step)((state₁, …, stateₖ), (data[rows₁ᵢ], …, data[rowsₖᵢ]))

Every array of the state has the members on its first axis.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from normwise.training.compile_steps import compile_loop
from normwise.training.measuring import Measuring
from normwise.training.phase import Phase, State


class Together:
    """The compiled programs of one architecture and phase, one for each shape of rows.

    Args:
        model: A compiled, built Keras model, whose step is taken; its own variables are not.
        phase: Which of its steps.
        arrays: The data, as Keras' step takes a batch, with all rows; on the device.
        rows_by_member: Whether each member has rows of its own, (members, steps, batch), or all the same,
            (steps, batch).
        measuring: The probes, if there are any.
    """

    def __init__(
        self, model: Any, phase: Phase, arrays: Any, rows_by_member: bool, measuring: Measuring | None = None
    ) -> None:
        self.step = getattr(model, f"{phase.name}_step")
        self.arrays, self.measuring = arrays, measuring
        self.axes = (0, 0 if rows_by_member else None)
        self._programs: dict[Any, Any] = {}

    def start(self, state: State, rows: Any, start: int, stop: int, first: int) -> tuple[State, Any, Any]:
        """Steps `start` up to `stop` of stacked rows, the first of which are step `first` of the epoch.

        Returns:
            The state, the last step's logs, each (members,), and what probes measured.
        """
        offset = self.measuring.epoch_first if self.measuring is not None else 0
        steps = np.int32(start), np.int32(stop), np.int32(offset + first)
        arguments = (state, (self.arrays, rows), *steps)
        # The state and the data of an object always have the same shapes.
        if rows.shape not in self._programs:
            lowered = jax.jit(self._whole, donate_argnums=0).lower(*arguments)
            self._programs[rows.shape] = compile_loop(lowered)
        state, logs, _, _, kept = self._programs[rows.shape](*arguments)
        return state, logs, kept

    def _whole(self, state: State, data: Any, start: Any, stop: Any, first: Any) -> tuple[Any, ...]:
        if self.measuring is None:
            return (*self._steps(state, data, start, stop), None)
        measures = [self._of_each(measure) for measure in self.measuring.measures()]
        most = data[1].shape[-2]
        return self.measuring.interleave(self._steps, measures, (state, data, start, stop), first, most)

    def _steps(self, state: State, data: Any, start: Any, stop: Any) -> tuple[State, Any, Any, Any]:
        step = self._of_each(self.step)
        logs = jax.eval_shape(step, state, data, start)[0]

        def body(carry: Any) -> Any:
            i, state, _ = carry
            logs, new = step(state, data, i)
            return i + 1, jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), new, state), logs

        blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), logs)
        done, state, logs = lax.while_loop(lambda carry: carry[0] < stop, body, (start, state, blank))
        # A member whose loss is not finite leaves the others alone.
        return state, logs, done, jnp.array(True)

    def _of_each(self, function: Any) -> Any:
        """A function of a state and a batch, as one of all states, the data and the place of the rows."""

        def of_all(state: State, data: Any, i: Any) -> Any:
            arrays, rows = data
            here = lax.dynamic_index_in_dim(rows, i, axis=rows.ndim - 2, keepdims=False)

            def of_one(state: State, rows: Any) -> Any:
                return function(
                    state, jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), arrays)
                )

            return jax.vmap(of_one, self.axes)(state, here)

        return of_all
