"""fit_many: one architecture from several seeds and learning rates, side by side in one compiled program."""

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
from normwise.training.buffers import ArrayRows, source_of
from normwise.training.interrupt import interrupt_between_chunks
from normwise.training.keep_best import KeepBest
from normwise.training.keras_trainer import EpochBatches, pythonify_logs, train_validation_split, tree
from normwise.training.measuring import Measuring
from normwise.training.members import Member, give_back, together
from normwise.training.not_compiled import not_compiled
from normwise.training.pace import Pace
from normwise.training.phase import TEST, TRAIN, State
from normwise.training.together import Together

Told = Callable[[int, tuple[dict[str, float], ...]], None]


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


def fit_many(
    model: keras.Model,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    *,
    seeds: Sequence[int],
    learning_rates: Sequence[float] | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    validation_batch_size: int | None = None,
    shuffle: bool | str = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    keep_best: str | None = None,
    patience: int | None = None,
    probes: Sequence[Probe] = (),
    on_epoch_end: Told | None = None,
) -> ManyFits:
    """Trains one architecture from several seeds and learning rates as one compiled program, on one copy of the data.

    Each member is, to rounding, what a training by itself gives: `keras.utils.set_random_seed(seed)`, the model built
    anew from its configuration, its optimizer's learning rate set, and `normwise.fit`. So each has weights, an order
    of the rows and random numbers of its own. The given model is left as it is, and so are the global random numbers.
    A member whose loss is no longer finite goes on without disturbing the others; its History says so.

    Args:
        model: A compiled Keras model: the architecture, its optimizer, loss and metrics.
        x: Arrays or data frames in memory, as in `fit`.
        y: Targets.
        batch_size: Rows a step and member; 32 by default.
        epochs: Epochs.
        seeds: One a member.
        learning_rates: One a member; None leaves the optimizer's.
        validation_split: As in `fit`; the same rows for all members.
        validation_data: As in `fit`.
        validation_batch_size: Rows a step in validation; `batch_size` by default.
        shuffle: As in `fit`.
        class_weight: As in `fit`.
        sample_weight: As in `fit`.
        keep_best: ``"val_loss"`` or another loss among the logs: each model ends with the weights of the epoch in
            which it was lowest. None keeps the last ones.
        patience: With `keep_best`, a member whose loss has not fallen for so many epochs is done; when all are, the
            training ends.
        probes: As in `fit`.
        on_epoch_end: Called with the epoch, from 0, and the logs of each member.

    Returns:
        The trained models and their histories.

    Raises:
        TypeError: If x is not held in memory as arrays.
        ValueError: If an argument is out of its range, or the model cannot be compiled whole or rebuilt.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.ones((100, 3), "float32")
        >>> runs = fit_many(model, x, x.sum(1), batch_size=16, epochs=2, seeds=[0, 1])
        >>> [len(history.history["loss"]) for history in runs.histories]
        [2, 2]
    """
    rates = _check(model, x, seeds, learning_rates, keep_best, patience)
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = train_validation_split(
            (x, y, sample_weight), validation_split=validation_split
        )
    batches = EpochBatches(
        x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, shuffle=shuffle, class_weight=class_weight
    )
    members = [Member(model, seed, rate, batches) for seed, rate in zip(seeds, rates, strict=True)]
    training = _Training(members, batches, probes)
    if validation_data is not None:
        training.validate_on(validation_data, validation_batch_size or batch_size)
    best = KeepBest(keep_best, patience, len(members)) if keep_best is not None else None
    with interrupt_between_chunks() as between:
        return training.run(epochs, best, on_epoch_end, between)


class _Training:
    """The members, their state side by side, and the programs."""

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
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        batches = EpochBatches(x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, shuffle=False)
        arrays, size = _on_device(batches)
        rows = np.arange(batches.data_adapter._num_samples, dtype=np.int32)
        self.validation = Together(self.models[0], TEST, arrays, False), rows, size

    def run(
        self, epochs: int, best: KeepBest | None, told: Told | None, between: Callable[[], None]
    ) -> ManyFits:
        histories = [self._history(i) for i in range(len(self.models))]
        for epoch in range(epochs):
            logs = self._epoch(between)
            for i, history in enumerate(histories):
                if best is None or not best.done[i]:
                    history.on_epoch_end(epoch, logs[i])
            if told is not None:
                told(epoch, tuple(logs))
            if best is not None:
                best.look(epoch, logs, self.state[:2])
                if all(best.done):
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
            dict(pythonify_logs(jax.tree.map(lambda leaf, i=i: leaf[i], here))) for i in range(len(self.models))
        ]

    def _finish(self, best: KeepBest | None) -> None:
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
            jax.block_until_ready(logs)
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
            f"fit_many was given {type(batches.data_adapter).__name__.removesuffix('Adapter')} data, which come batch"
            " by batch; expected arrays or data frames in memory, of which every member takes rows in an order of"
            " its own"
        )
    rows = slice(0, batches.data_adapter._num_samples)
    arrays = tree.map_structure(
        lambda s: jnp.asarray(np.asarray(s.convert_to_jax_compatible(s[rows]))), source.sliceables, none_is_leaf=False
    )
    return arrays, source.batch_size


def _check(
    model: Any, x: Any, seeds: Sequence[int], rates: Sequence[float] | None, keep_best: str | None, patience: int | None
) -> Sequence[float | None]:
    model._assert_compile_called("fit_many")
    reason = not_compiled(model, x)
    if reason is not None:
        raise ValueError(f"fit_many trains in the compiled epoch alone, and here {reason}. Train the seeds one by one.")
    if not seeds:
        raise ValueError("seeds is empty; expected a whole number for each model that is to be trained")
    if rates is not None and len(rates) != len(seeds):
        raise ValueError(
            f"{len(rates)} learning rates were given for {len(seeds)} seeds; expected one for each. For every seed at"
            " every rate, repeat the seeds."
        )
    schedule = getattr(model.optimizer, "_learning_rate", None)
    if rates is not None and isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(
            f"learning_rates were given, and the optimizer has a schedule ({type(schedule).__name__}) for its"
            " learning rate; expected an optimizer with a number"
        )
    if keep_best is not None and not keep_best.endswith("loss"):
        raise ValueError(f'keep_best="{keep_best}" is no loss; expected "val_loss" or another of the logs that is one')
    if patience is not None and (keep_best is None or patience < 1):
        raise ValueError(
            f"patience={patience} was given with keep_best={keep_best!r}; expected a whole number from 1, and the"
            " loss to watch"
        )
    return rates if rates is not None else [None] * len(seeds)
