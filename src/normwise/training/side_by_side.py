"""SideBySide: the epochs of several models of one architecture, and what they give."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.core.probe import Probe
from normwise.training.best_of_members import BestOfMembers
from normwise.training.buffers import ArrayRows, source_of
from normwise.training.keras_trainer import EpochBatches, pythonify_logs
from normwise.training.measuring import Measuring
from normwise.training.members import Member, give_back, together
from normwise.training.pace import Pace
from normwise.training.phase import TEST, TRAIN, State
from normwise.training.together import Together

Told = Callable[[int, tuple[dict[str, float], ...]], bool | None]
"""Called with an epoch, from 0, and the logs of each member; True ends the training."""


@dataclasses.dataclass(frozen=True)
class ManyFits:
    """Models that were trained side by side.

    Args:
        models: The trained models, in the order of the seeds, compiled as the one that was given.
        histories: Keras' History of each; with probes, `history.probes` has what they found in it.
        best_epochs: The epoch, from 0, whose weights each model has, by `keep_best`; None has the last one's.
    """

    models: tuple[keras.Model, ...]
    histories: tuple[keras.callbacks.History, ...]
    best_epochs: tuple[int | None, ...]


class SideBySide:
    """The members, their variables side by side, and the programs that step them.

    Args:
        members: The models, built and compiled.
        batches: The batches of an epoch.
        probes: What to measure.
    """

    def __init__(self, members: list[Member], batches: EpochBatches, probes: Sequence[Probe]) -> None:
        self.members, self.batches = members, batches
        self.models = [member.model for member in members]
        self.measuring = Measuring(self.models[0], probes) if probes else None
        self.arrays, self.batch_size = _on_device(batches)
        self.program = Together(self.models[0], TRAIN, self.arrays, True, self.measuring)
        self.pace, self.validation_pace = Pace(), Pace()
        self.validation: tuple[Together, Any, int] | None = None
        self.state = together(self.models, TRAIN.kinds)

    def validate_on(self, data: Any, batch_size: int | None) -> None:
        """Validates at the end of every epoch; `data` as Keras' `validation_data`."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        batches = EpochBatches(x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, shuffle=False)
        arrays, size = _on_device(batches)
        rows = np.arange(batches.data_adapter._num_samples, dtype=np.int32)
        self.validation = Together(self.models[0], TEST, arrays, False), rows, size

    def run(
        self, epochs: int, best: BestOfMembers | None, told: Told | None, between: Callable[[], None]
    ) -> ManyFits:
        """Trains all epochs, or until every member is done."""
        histories = [self._history(i) for i in range(len(self.models))]
        for epoch in range(epochs):
            logs = self._epoch(between)
            for i, history in enumerate(histories):
                if best is None or not best.done[i]:
                    history.on_epoch_end(epoch, logs[i])
            if best is not None:
                best.look(epoch, logs, self.state[:2])
            asked = told is not None and told(epoch, tuple(logs))
            if asked or (best is not None and all(best.done)):
                break
        self._finish(best)
        for i, history in enumerate(histories):
            if self.measuring is not None:
                history.probes = self.measuring.found.of_member(i)
        kept = tuple(best.epochs) if best is not None else (None,) * len(histories)
        return ManyFits(tuple(self.models), tuple(histories), kept)

    def _history(self, i: int) -> keras.callbacks.History:
        history = keras.callbacks.History()
        history.set_model(self.models[i])
        history.on_train_begin()
        return history

    def _epoch(self, between: Callable[[], None]) -> list[dict[str, float]]:
        """Trains an epoch and validates; each member's logs."""
        rows = np.stack([member.rows(self.batches) for member in self.members])
        if self.measuring is not None:
            self.measuring.begin_epoch()
        state = (*self.state[:3], *self._metrics())
        self.state, logs = _pass(self.program, state, rows, self.batch_size, self.pace, between)
        found = self._of_members(logs)
        if self.validation is not None:
            program, rows, size = self.validation
            before = (*self.state[:2], *self._metrics())
            after, logs = _pass(program, before, rows, size, self.validation_pace, between)
            self.state = (*after[:2], self.state[2], after[2])
            for log, values in zip(found, self._of_members(logs), strict=True):
                log.update({f"val_{name}": value for name, value in values.items()})
        return found

    def _metrics(self) -> State:
        for model in self.models:
            model.reset_metrics()
        return together(self.models, ("metrics_variables",))

    def _of_members(self, logs: Any) -> list[dict[str, float]]:
        here = jax.device_get(logs)
        return [
            dict(pythonify_logs(jax.tree.map(lambda leaf, i=i: leaf[i], here)))
            for i in range(len(self.models))
        ]

    def _finish(self, best: BestOfMembers | None) -> None:
        give_back(self.models, TRAIN.kinds, self.state)
        for model in self.models:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        if best is not None and best.variables is not None:
            give_back(self.models, TRAIN.kinds[:2], best.variables)


def _pass(
    program: Together, state: State, rows: Any, size: int, pace: Pace, between: Callable[[], None]
) -> tuple[State, Any]:
    """Steps over rows in their order, (…, rows); the last batch may be smaller."""
    full, first, logs = rows.shape[-1] // size, 0, None
    whole, rest = rows[..., : full * size], rows[..., full * size :]
    for part, steps in ((whole, full), (rest, 1 if rest.shape[-1] else 0)):
        stacked = jnp.asarray(part.reshape(*rows.shape[:-1], steps, -1)) if steps else None
        start = 0
        while start < steps:
            stop = min(start + pace.steps, steps)
            begun = time.perf_counter()
            state, logs, kept = program.start(state, stacked, start, stop, first)
            jax.block_until_ready(logs)  # type: ignore[no-untyped-call]
            pace.took(stop - start, time.perf_counter() - begun)
            if program.measuring is not None:
                program.measuring.take(kept, first + stop)
            between()
            start = stop
        first += steps
    return state, logs


def _on_device(batches: EpochBatches) -> tuple[Any, int]:
    """All rows as Keras' step takes a batch, and the rows a step."""
    source = source_of(batches)
    if not isinstance(source, ArrayRows):
        raise TypeError(
            f"fit_many was given data for Keras' {type(batches.data_adapter).__name__}, which come batch by"
            " batch; expected arrays or data frames in memory, of which every member takes rows in an order"
            " of its own"
        )
    whole = source.stack([slice(0, source.rows)], 1)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), whole), source.batch_size
