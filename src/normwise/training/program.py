"""Programs: many of Keras' steps as one compiled program, `lax.while_loop` over `train_step` or `test_step`.

    (i, state, logs)  ←  (start, state₀, 0)
    while i < stop and the loss is finite:   logs, state ← step(state, data[i]);   i ← i + 1

How many steps a call takes is an argument and not part of the program, so one compilation serves them all.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from normwise.training.phase import Phase, State

Watch = Literal["loss", "weights"] | None


@dataclasses.dataclass(frozen=True)
class Compilation:
    """One program made.

    Args:
        phase: ``"train"`` or ``"test"``.
        batch_size: Rows a step.
        seconds: Wall time of tracing and compiling.
    """

    phase: str
    batch_size: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Result:
    """What some steps give, as soon as the device is done with them.

    Args:
        state: The variables after the last step.
        logs: The last step's logs, as arrays on the device.
        done: The step after the last one that was taken; below the `stop` asked for if a loss was not finite.
        is_finite: Whether what is watched was finite; always true in validation.
    """

    state: State
    logs: Any
    done: Any
    is_finite: Any

    def finite(self) -> bool:
        """Waits for the device."""
        return bool(self.is_finite)


class Programs:
    """The compiled programs of one model and phase, one for each shape of its data.

    Args:
        model: A compiled, built Keras model.
        phase: Which of its steps.
        watch: What ends a call early: ``"loss"``, a mean loss of the epoch that is not finite; ``"weights"``,
            that and weights that are not finite either; or ``None``, nothing.
    """

    def __init__(self, model: Any, phase: Phase, watch: Watch = None) -> None:
        self.model, self.phase, self.watch = model, phase, watch
        self.compilations: list[Compilation] = []
        self._programs: dict[Any, Any] = {}

    def start(self, state: State, data: Any, start: int, stop: int) -> Result:
        """Steps `start` up to `stop` of stacked batches; the state is given up (its buffers are donated)."""
        arguments = (state, data, np.int32(start), np.int32(stop))
        state, logs, done, finite = self._program(arguments)(*arguments)
        return Result(state, logs, done, finite)

    def _program(self, arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        key = (structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in self._programs:
            begun = time.perf_counter()
            self._programs[key] = jax.jit(self._steps, donate_argnums=0).lower(*arguments).compile()
            batch = jax.tree.leaves(arguments[1])[0].shape[1]
            self.compilations.append(Compilation(self.phase.name, batch, time.perf_counter() - begun))
        return self._programs[key]

    def _steps(self, state: State, data: Any, start: Any, stop: Any) -> tuple[State, Any, Any, Any]:
        step = getattr(self.model, f"{self.phase.name}_step")
        logs = jax.eval_shape(step, state, _batch(data, 0))[0]

        blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), logs)

        def going(carry: Any) -> Any:
            return (carry[0] < stop) & carry[3]

        def body(carry: Any) -> Any:
            i, state, _, _ = carry
            logs, new = step(state, _batch(data, i))
            return (
                i + 1,
                jax.tree.map(_like, new, state),
                jax.tree.map(_like, logs, blank),
                self._goes_on(logs, new),
            )

        done, state, logs, finite = lax.while_loop(going, body, (start, state, blank, jnp.array(True)))
        return state, logs, done, finite

    def _goes_on(self, logs: Any, state: State) -> Any:
        """Whether to take another step; once the mean loss of an epoch is not finite, it never is again."""
        if self.watch is None or not isinstance(logs, dict) or "loss" not in logs:
            return jnp.array(True)
        finite = jnp.all(jnp.isfinite(logs["loss"]))
        if self.watch == "loss":
            return finite
        return lax.cond(finite, lambda _: jnp.array(True), _all_finite, state[0])


def _all_finite(weights: list[Any]) -> Any:
    checks = [jnp.all(jnp.isfinite(w)) for w in weights if jnp.issubdtype(w.dtype, jnp.inexact)]
    return jnp.all(jnp.array(checks)) if checks else jnp.array(True)


def _batch(data: Any, i: Any) -> Any:
    return jax.tree.map(lambda leaf: lax.dynamic_index_in_dim(leaf, i, keepdims=False), data)


def _like(new: Any, old: Any) -> Any:
    """A variable keeps its dtype through the loop, as `assign` would see to it at the end of an epoch."""
    return jnp.asarray(new, old.dtype)
