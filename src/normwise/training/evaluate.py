"""Evaluation: the validation of every epoch, by the programs and buffers of the first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import keras

from normwise.training.buffers import source_of
from normwise.training.compiling import Compiler
from normwise.training.distribute import require_same_batches, steps_a_call
from normwise.training.kept_programs import programs_of
from normwise.training.keras_trainer import EpochBatches, hear_of_batches, pythonify_logs
from normwise.training.loop import take_steps
from normwise.training.pace import Pace
from normwise.training.phase import TEST


class Evaluation:
    """`Model.evaluate` over the same rows again and again.

    Args:
        model: A compiled Keras model.
        data: Keras' `validation_data`.
        batch_size: Rows a step.
        steps: Keras' `validation_steps`.
        compiler: Where programs are compiled ahead.
    """

    def __init__(
        self, model: Any, data: Any, batch_size: int | None, steps: int | None, compiler: Compiler
    ) -> None:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        self.model = model
        self.pace: Pace | None = None
        self.batches = EpochBatches(
            x=x,
            y=y,
            sample_weight=sample_weight,
            batch_size=batch_size,
            steps_per_epoch=steps,
            shuffle=False,
            steps_per_execution=model.steps_per_execution,
        )
        require_same_batches(self.batches)
        model._symbolic_build(iterator=self.batches)
        self.programs = programs_of(model, TEST, None, compiler)
        self.source = source_of(self.batches)

    def evaluate(self, callbacks: Any, between: Callable[[], None]) -> dict[str, Any]:
        """Metric name to its value over all rows."""
        model = self.model
        self.batches.reset()
        model.stop_evaluating = False
        if self.pace is None:
            heard = hear_of_batches(callbacks, TEST.name)
            self.pace = steps_a_call(model.steps_per_execution if heard else 1)
        callbacks.on_test_begin()
        model.reset_metrics()
        with closing(self.batches):
            logs = take_steps(self.programs, self.batches, self.source, callbacks, self.pace, between)
        model.jax_state_sync()
        values: dict[str, Any] = pythonify_logs(model._get_metrics_result_or_logs(logs))
        callbacks.on_test_end(values)
        model._jax_state = None
        return values
