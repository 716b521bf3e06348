"""Epochs: the loop of `Model.fit`, line for line but for the steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from normwise.training.buffers import Source, source_of
from normwise.training.checkpoint import Checkpoint
from normwise.training.distribute import steps_a_call
from normwise.training.evaluate import Evaluation
from normwise.training.keras_trainer import EpochBatches, hear_of_batches
from normwise.training.loop import take_steps
from normwise.training.not_finite import raise_not_finite, stops_by_itself
from normwise.training.pace import Pace
from normwise.training.program import Programs


@dataclasses.dataclass
class Epochs:
    """A training, ready to begin.

    Args:
        programs: The programs of the training steps.
        batches: The batches of an epoch.
        callbacks: A `keras.callbacks.CallbackList`.
        between: Called after every call of a program.
        evaluation: The validation, if there is one.
        validation_freq: Keras' argument.
        saving: The checkpoint, if there is one.
    """

    programs: Programs
    batches: EpochBatches
    callbacks: Any
    between: Callable[[], None]
    evaluation: Evaluation | None = None
    validation_freq: int | list[int] = 1
    saving: Checkpoint | None = None
    source: Source = dataclasses.field(init=False)
    pace: Pace = dataclasses.field(init=False)
    steps: Any = dataclasses.field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.source = source_of(self.batches)
        # By `steps_per_execution` callbacks are called, and checkpoints written.
        heard = self.saving is not None or hear_of_batches(self.callbacks, self.programs.phase.name)
        self.pace = steps_a_call(self.programs.model.steps_per_execution if heard else 1)

    def run(self, first: int, end: int) -> None:
        """Trains the epochs from `first` up to `end`, or until a callback stops it."""
        model = self.programs.model
        self._compile_ahead()
        model.stop_training = False
        logs: dict[str, Any] | None = {}
        self.callbacks.on_train_begin()
        begin = self._begin(first)
        self.batches.expect(end - begin)
        finished = False
        try:
            for epoch in range(begin, end):
                logs = self._epoch(epoch)
                self.callbacks.on_epoch_end(epoch, logs)
                if model.stop_training:
                    break
            finished = True
        finally:
            self._end(logs if finished else None, finalize=end > 0)

    def _compile_ahead(self) -> None:
        """Start compiling all that will be needed, what is needed first in front."""
        jobs = [(self.programs, data) for data in self.source.shapes()]
        if self.evaluation is not None:
            jobs[1:1] = [(self.evaluation.programs, data) for data in self.evaluation.source.shapes()]
        for made, data in jobs:
            made.prepare(data)

    def _begin(self, first: int) -> int:
        """The epoch to begin with: a checkpoint and Keras' BackupAndRestore may know a later one."""
        begin = self.programs.model._initial_epoch or first
        if self.saving is not None:
            begin = self.saving.begin(begin)
        if self.programs.measuring is not None:
            self.programs.measuring.go_on_after((begin - first) * (self.batches.num_batches or 0))
        return int(begin)

    def _epoch(self, epoch: int) -> dict[str, Any]:
        """Trains an epoch and validates; its logs."""
        model, callbacks = self.programs.model, self.callbacks
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        # An epoch without a batch, of a generator that has run dry, has the logs of the one before.
        self.steps = self._take_steps(epoch) or self.steps
        model.jax_state_sync()
        logs = dict(model._get_metrics_result_or_logs(self.steps))
        if self.evaluation is not None and model._should_eval(epoch, self.validation_freq):
            values = self.evaluation.evaluate(callbacks, self.between)
            logs.update({f"val_{name}": value for name, value in values.items()})
        return logs

    def _take_steps(self, epoch: int) -> Any:
        if self.programs.measuring is not None:
            self.programs.measuring.begin_epoch()
        first = self.saving.begin_epoch(epoch) if self.saving else 0
        return take_steps(
            self.programs,
            self.batches,
            self.source,
            self.callbacks,
            self.pace,
            self.between,
            None if stops_by_itself(self.callbacks) else raise_not_finite(self.programs, epoch),
            first,
            self.saving.chunk_done if self.saving else None,
        )

    def _end(self, logs: dict[str, Any] | None, finalize: bool) -> None:
        """Leaves the model as Keras does; without logs, the training was cut short."""
        model = self.programs.model
        model.jax_state_sync()
        if isinstance(model.optimizer, keras.optimizers.Optimizer) and finalize:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        if logs is not None:
            self.callbacks.on_train_end(logs=logs)
            if self.saving:
                self.saving.finish()
        model._jax_state = None
        model.history.compilations = self.programs.compilations + (
            self.evaluation.programs.compilations if self.evaluation else []
        )
