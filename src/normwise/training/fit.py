"""fit: Keras' `Model.fit`, with the epoch as one compiled program."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import keras

from normwise.core.probe import Probe
from normwise.training.buffers import Source, source_of
from normwise.training.check_arguments import check_arguments
from normwise.training.check_data import check_data, warn_of_large_batch
from normwise.training.check_finite import check_finite
from normwise.training.check_labels import check_labels
from normwise.training.checkpoint import Checkpoint, require_own_checkpoint
from normwise.training.compilation_cache import use_compilation_cache
from normwise.training.distribute import require_same_batches, steps_a_call
from normwise.training.evaluate import Evaluation
from normwise.training.feed import feed, require_no_split
from normwise.training.interrupt import interrupt_between_chunks
from normwise.training.keras_trainer import EpochBatches, max_epochs, train_validation_split
from normwise.training.loop import take_steps
from normwise.training.measuring import Measuring
from normwise.training.not_compiled import not_compiled, say_once
from normwise.training.not_finite import raise_not_finite, stops_by_itself, what_to_watch
from normwise.training.phase import TRAIN
from normwise.training.program import Programs
from normwise.training.table_stream import TableStream

COMPILERS = 2
"""Programs compiled at a time: the whole batches' first, then what they leave time for."""


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool | str = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | list[int] = 1,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    probes: Sequence[Probe] = (),
) -> keras.callbacks.History:
    """Trains a compiled Keras model, as `model.fit` does, with the epoch as one compiled program on JAX.

    Losses, metrics and weights are those of `model.fit` to rounding, epoch by epoch: the same batches in the
    same order, the same random numbers. Callbacks are called as Keras calls them where `steps_per_execution`
    is above 1: at the end of every epoch exactly, and within one about twice a second, with the number of the
    last step. What cannot be compiled whole is trained by `model.fit`, which a warning says once with the
    reason.

    Args:
        model: A compiled Keras model.
        x: Features, and the further arguments in the words and with the meaning of `keras.Model.fit`. Or a
            table: a frame, paths or a pattern of files, which are read as a stream, or a lazy frame. Then y
            may be the name of the column of targets, or several names, and sample_weight that of one of
            weights; all other columns are features, in the table's order, and validation_data is ``(table,
            y)``. With shuffle=True a stream comes in another order each epoch: blocks of row groups are
            read in random order, and rows drawn from a buffer of 128 MiB; it follows from one number an
            epoch of NumPy's global generator. See docs/training-data.md.
        checkpoint: A folder for the state of the training, written as it goes, at most 1% of the time. The
            same call with the same folder goes on after a kill, to the same weights, History and random
            numbers; once finished it gives these at once, and with more `epochs` it goes on.
        probes: What to measure inside the compiled epoch, such as `normwise.training.probes.Loss(every=50)`.
            After a kill, what they found before it is gone; the numbers of the steps go on.

    Returns:
        Keras' History; besides, `compilations` holds what was compiled and how long that took, and
        with probes, `probes` has what they found: name to `normwise.core.probe.Series`.

    Raises:
        TrainingError: If the model is not compiled, or the arguments, the data or the labels do not fit it;
            before anything is compiled. It is a ValueError, as is what says
            that probes or a checkpoint were given and Keras' own fit trains the model.
        NotFiniteError: If the loss stopped being finite; it says at which step and in which layer. The model
            has the weights from before that step. It is a FloatingPointError. With
            `keras.callbacks.TerminateOnNaN` the training ends as that callback ends it.
        KeyboardInterrupt: If Ctrl-C was pressed; the model has the weights of the last finished chunk.
        TableError: If a table cannot be read; a ColumnError, if a column is absent, holds no numbers, or
            misses a value.
        RecordError: If the checkpoint is of another training, which the message tells apart, or damaged.

    Example:
        >>> import keras, numpy as np, normwise
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.ones((100, 3), "float32")
        >>> history = normwise.fit(model, x, x.sum(1), batch_size=16, epochs=2, verbose=0)
        >>> sorted(history.history), len(history.history["loss"])
        (['loss'], 2)
    """
    check_arguments(model, epochs=epochs, batch_size=batch_size, validation_split=validation_split)
    require_no_split(validation_split, x)
    x, y, sample_weight, class_weight = feed(
        model, (x, y, sample_weight), batch_size, steps_per_epoch, shuffle, class_weight
    )
    if validation_data is not None:
        held_out = keras.utils.unpack_x_y_sample_weight(validation_data)
        validation_data = feed(model, held_out, validation_batch_size or batch_size, validation_steps)[:3]
    reason = not_compiled(model, x, validation_data)
    if checkpoint is not None:
        require_own_checkpoint(reason, callbacks)
    if reason is not None:
        if probes:
            raise ValueError(
                f"{len(probes)} probes were given, and this model is trained by Keras' own fit, because"
                f" {reason}; probes measure inside the compiled epoch. Remove that, or leave the probes out."
            )
        say_once(reason)
        return model.fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )
    use_compilation_cache()
    if isinstance(x, TableStream):
        warn_of_large_batch(batch_size, x.blocks.rows)
    check_data(
        model, x, y, sample_weight, validation_data, validation_split=validation_split, batch_size=batch_size
    )
    epochs = _at_most(epochs)
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = train_validation_split(
            (x, y, sample_weight), validation_split=validation_split
        )
    batches = EpochBatches(
        x=x,
        y=y,
        sample_weight=sample_weight,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        shuffle=shuffle,
        class_weight=class_weight,
        steps_per_execution=model.steps_per_execution,
    )
    try:
        model._symbolic_build(iterator=batches)
    finally:
        # What Keras says of labels that do not fit the loss is about shapes; the check is about labels.
        check_labels(model, x, y, sample_weight)
    check_finite(model, x, y, sample_weight)
    batches.reset()
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=batches.num_batches,
            model=model,
        )
    require_same_batches(batches)
    saving = None
    if checkpoint is not None:
        saving = Checkpoint(checkpoint, model, batches, callbacks, shuffle, (initial_epoch, epochs))
        if saving.finished():
            return model.history
    measuring = Measuring(model, probes) if probes else None
    if measuring is not None:
        model.history.probes = measuring.found
    with ThreadPoolExecutor(COMPILERS) as compiler, interrupt_between_chunks() as between, closing(batches):
        evaluation = None
        if validation_data is not None:
            rows = validation_batch_size or batch_size
            evaluation = Evaluation(model, validation_data, rows, validation_steps, compiler)
        programs = Programs(model, TRAIN, what_to_watch(model, callbacks), compiler, measuring)
        span = (initial_epoch, epochs)
        _train(programs, batches, callbacks, span, evaluation, validation_freq, between, saving)
    return model.history


def _train(
    programs: Programs,
    batches: EpochBatches,
    callbacks: Any,
    epochs: tuple[int, int],
    evaluation: Evaluation | None,
    validation_freq: int | list[int],
    between: Callable[[], None],
    saving: Checkpoint | None,
) -> None:
    """The loop of `Model.fit`, line for line but for the steps."""
    model = programs.model
    source, pace = source_of(batches), steps_a_call(model.steps_per_execution)
    _prepare(programs, source, evaluation)
    steps: Any = {}
    model.stop_training = False
    logs: dict[str, Any] = {}
    finished = False
    callbacks.on_train_begin()
    begin = model._initial_epoch or epochs[0]
    begin = saving.begin(begin) if saving else begin
    if programs.measuring is not None:
        programs.measuring.go_on_after((begin - epochs[0]) * (batches.num_batches or 0))
    try:
        for epoch in range(begin, epochs[1]):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            if programs.measuring is not None:
                programs.measuring.begin_epoch()
            first = saving.begin_epoch(epoch) if saving else 0
            bad = None if stops_by_itself(callbacks) else raise_not_finite(programs, epoch)
            chunk_done = saving.chunk_done if saving else None
            # An epoch without a batch, of a generator that has run dry, has the logs of the one before.
            taken = take_steps(programs, batches, source, callbacks, pace, between, bad, first, chunk_done)
            steps = taken or steps
            model.jax_state_sync()
            logs = dict(model._get_metrics_result_or_logs(steps))
            if evaluation is not None and model._should_eval(epoch, validation_freq):
                values = evaluation.evaluate(callbacks, between)
                logs.update({f"val_{name}": value for name, value in values.items()})
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        finished = True
    finally:
        model.jax_state_sync()
        if isinstance(model.optimizer, keras.optimizers.Optimizer) and epochs[1] > 0:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        if finished:
            callbacks.on_train_end(logs=logs)
            if saving:
                saving.finish()
        model._jax_state = None
        model.history.compilations = programs.compilations + (
            evaluation.programs.compilations if evaluation else []
        )


def _prepare(programs: Programs, source: Source, evaluation: Evaluation | None) -> None:
    """Start compiling all that will be needed, what is needed first in front."""
    jobs = [(programs, data) for data in source.shapes()]
    if evaluation is not None:
        jobs[1:1] = [(evaluation.programs, data) for data in evaluation.source.shapes()]
    for made, data in jobs:
        made.prepare(data)


def _at_most(epochs: int) -> int:
    """Keras' own cap on epochs, by which a whole program is tried out quickly."""
    cap: int | None = max_epochs()
    if cap and cap < epochs:
        warnings.warn(f"Limiting epochs to {cap}", stacklevel=3)
        return cap
    return epochs
