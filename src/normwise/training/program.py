"""Programs: many of Keras' steps as one compiled program, `lax.while_loop` over `train_step` or `test_step`.

    (i, state, logs)  ←  (start, state₀, 0)
    while i < stop and the loss is finite:   logs, state ← step(state, data[i]);   i ← i + 1

How many steps a call takes is an argument and not part of the program, so one compilation serves them all.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from normwise.training.compile_steps import compile_loop, compile_one, slow_in_a_loop
from normwise.training.compiling import Compiler
from normwise.training.distribute import result_shardings
from normwise.training.measuring import Measuring
from normwise.training.phase import Phase, State, is_kept

Watch = Literal["loss", "weights"] | None


@dataclasses.dataclass(frozen=True)
class Compilation:
    """One program made, or read from the compilation cache.

    Args:
        phase: ``"train"`` or ``"test"``.
        batch_size: Rows a step.
        seconds: Wall time of tracing and compiling; programs are made side by side, so these overlap.
        waited: Wall seconds that the training stood still for it.
    """

    phase: str
    batch_size: int
    seconds: float
    waited: float


@dataclasses.dataclass(frozen=True)
class Result:
    """What some steps give, as soon as the device is done with them.

    Args:
        state: The variables after the last step.
        logs: The last step's logs, as arrays on the device.
        done: The step after the last one that was taken; below the `stop` asked for if a loss was not finite.
        is_finite: Whether what is watched was finite; always true in validation.
        kept: What probes measured, if there are any.
        program: What took the steps.
    """

    state: State
    logs: Any
    done: Any
    is_finite: Any
    kept: Any = None
    program: Any = None

    def is_ready_within(self, seconds: float) -> bool:
        """Whether the device is done within so short a time, in which it is asked again and again."""
        end = time.perf_counter() + seconds
        is_ready: Callable[[], bool] = getattr(self.is_finite, "is_ready", lambda: True)
        while not is_ready():
            if time.perf_counter() > end:
                return False
        return True

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
        compiler: Where programs are compiled ahead; None compiles each when it is first needed.
        measuring: The probes, if there are any.
    """

    def __init__(
        self,
        model: Any,
        phase: Phase,
        watch: Watch = None,
        compiler: Compiler | None = None,
        measuring: Measuring | None = None,
    ) -> None:
        self.model, self.phase, self.watch = model, phase, watch
        self.compiler, self.measuring = compiler, measuring
        self.compilations: list[Compilation] = []
        self._programs: dict[Any, Any] = {}

    def begin(self, compiler: Compiler) -> None:
        """A training begins, with threads of its own; what is compiled already serves again."""
        self.compiler, self.compilations = compiler, []
        self._programs = {k: made for k, made in self._programs.items() if not isinstance(made, tuple)}

    def prepare(self, data: Any) -> None:
        """Compile in the background for batches of such shapes, which will come.

        Args:
            data: What `start` will be given, or its shapes and dtypes (`jax.ShapeDtypeStruct`).
        """
        # Under a distribution it is the arrays themselves that say where they lie.
        if self.compiler is None or keras.distribution.distribution() is not None:
            return
        arguments = self._arguments(self.phase.shapes(self.model), data, 0, 0, 0)
        key = _key(arguments)
        if key not in self._programs:
            begun = time.perf_counter()
            lowered = self._lowered(arguments)
            waited = time.perf_counter() - begun
            self._programs[key] = self.compiler.submit(partial(_compiled, lowered)), begun, waited

    def start(
        self, state: State, data: Any, start: int, stop: int, first: int = 0, program: Any = None
    ) -> Result:
        """Steps `start` up to `stop` of stacked batches.

        A state without room beside the next one (`is_kept`) is given up: its buffers are donated.
        `first` is which step of the epoch the first of the batches is; only probes need it. `program` is that
        of a result before this one, where the state is its state and the data are the same: then no program
        is looked for, which takes longer than a step of a small network.
        """
        arguments = self._arguments(state, data, start, stop, first)
        program = program or self._program(arguments)
        state, logs, done, is_finite, *kept = program(*arguments)
        return Result(state, logs, done, is_finite, kept[0] if kept else None, program)

    def _arguments(self, state: State, data: Any, start: int, stop: int, first: int) -> tuple[Any, ...]:
        arguments = (state, data, np.int32(start), np.int32(stop))
        if self.measuring is None:
            return arguments
        return (*arguments, np.int32(self.measuring.epoch_first + first))

    def _program(self, arguments: Any) -> Any:
        key = _key(arguments)
        found = self._programs.get(key)
        if found is None or isinstance(found, tuple):
            now = time.perf_counter()
            made, begun, waited = found or (None, now, 0.0)
            ahead = self.compiler.result(made) if made and self.compiler else None
            program, ended = ahead or _compiled(self._lowered(arguments))
            waited += time.perf_counter() - now
            batch = jax.tree.leaves(arguments[1])[0].shape[1]
            self.compilations.append(Compilation(self.phase.name, batch, ended - begun, waited))
            self._programs[key] = found = program
        return found

    def _lowered(self, arguments: Any) -> Any:
        """A function without arguments that compiles; and what is to be compiled is traced here and now."""
        state, data, start = arguments[:3]
        kept = is_kept(state)
        shardings = result_shardings(state, self.measuring is not None)
        whole = jax.jit(self._whole, donate_argnums=() if kept else 0, out_shardings=shardings)
        loop = whole.lower(*arguments)
        if self.measuring is not None or not slow_in_a_loop(loop):
            return partial(compile_loop, loop)
        one = jax.jit(self._one, donate_argnums=0, out_shardings=result_shardings(state, False, done=False))
        return partial(compile_one, one.lower(state, data, start), kept)

    def _one(self, state: State, data: Any, i: Any) -> tuple[State, Any, Any]:
        logs, new = getattr(self.model, f"{self.phase.name}_step")(state, _batch(data, i))
        return jax.tree.map(_like, new, state), logs, self._goes_on(logs, new)

    def _whole(self, state: State, data: Any, start: Any, stop: Any, first: Any = None) -> tuple[Any, ...]:
        arguments = (state, data, start, stop)
        if self.measuring is None:
            return self._steps(*arguments)
        measures = [_of_place(measure) for measure in self.measuring.measures()]
        most = jax.tree.leaves(data)[0].shape[0]
        return self.measuring.interleave(self._steps, measures, arguments, first, most)

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


def _compiled(compile_it: Callable[[], Any]) -> tuple[Any, float]:
    return compile_it(), time.perf_counter()


def _key(arguments: Any) -> Any:
    """What a program is compiled for."""
    state, structure = jax.tree.flatten(arguments[0])
    data, nesting = jax.tree.flatten(arguments[1])
    # Of the variables, which are many, the dtypes are JAX's own; finding JAX's for another takes its time.
    own = [(leaf.shape, leaf.dtype) for leaf in state]
    given = [(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype)) for leaf in data]
    return structure, nesting, tuple(own), tuple(given)


def _of_place(measure: Any) -> Any:
    return lambda state, data, i: measure(state, _batch(data, i))


def _batch(data: Any, i: Any) -> Any:
    return jax.tree.map(lambda leaf: lax.dynamic_index_in_dim(leaf, i, keepdims=False), data)


def _like(new: Any, old: Any) -> Any:
    """A variable keeps its dtype through the loop, as `assign` would see to it at the end of an epoch."""
    return jnp.asarray(new, old.dtype)
