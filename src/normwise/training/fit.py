"""fit: Keras' `Model.fit`, with the epoch as one compiled program."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import keras

from normwise.core.probe import Probe
from normwise.training.built_batches import built_batches
from normwise.training.check_arguments import check_arguments
from normwise.training.checkpoint import Checkpoint, require_no_backup
from normwise.training.compilation_cache import use_compilation_cache
from normwise.training.compiling import compiling_ahead
from normwise.training.epochs import Epochs
from normwise.training.evaluate import Evaluation
from normwise.training.feed import feed, feed_held_out, require_no_split
from normwise.training.interrupt import interrupt_between_chunks
from normwise.training.kept_programs import programs_of
from normwise.training.keras_trainer import max_epochs
from normwise.training.measuring import Measuring
from normwise.training.not_compiled import not_compiled, require_nothing_of_ours, say_once
from normwise.training.not_finite import what_to_watch
from normwise.training.phase import TRAIN


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
    given = (x, y, sample_weight)
    x, y, sample_weight, class_weight = feed(model, given, batch_size, steps_per_epoch, shuffle, class_weight)
    rows = validation_batch_size or batch_size
    validation_data = feed_held_out(model, validation_data, given, x, rows, validation_steps)
    reason = not_compiled(model, x, validation_data)
    if reason is not None:
        require_nothing_of_ours(reason, probes, checkpoint)
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
    if checkpoint is not None:
        require_no_backup(callbacks)
    use_compilation_cache()
    epochs = _at_most(epochs)
    batches, validation_data = built_batches(
        model,
        (x, y, sample_weight),
        validation_data,
        validation_split,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        shuffle=shuffle,
        class_weight=class_weight,
    )
    callbacks = _callback_list(model, callbacks, verbose, epochs, batches.num_batches)
    measuring = Measuring(model, probes) if probes else None
    model.history.compilations = []
    if measuring is not None:
        model.history.probes = measuring.found
    saving = None
    if checkpoint is not None:
        saving = Checkpoint(checkpoint, model, batches, callbacks, shuffle, (initial_epoch, epochs))
        if saving.finished():
            return model.history
    with interrupt_between_chunks() as between, compiling_ahead(between) as compiler, closing(batches):
        programs = programs_of(model, TRAIN, what_to_watch(model, callbacks), compiler, measuring)
        evaluation = None
        if validation_data is not None:
            evaluation = Evaluation(model, validation_data, rows, validation_steps, compiler)
        training = Epochs(programs, batches, callbacks, between, evaluation, validation_freq, saving)
        training.run(initial_epoch, epochs)
    return model.history


def _callback_list(model: Any, callbacks: Any, verbose: int | str, epochs: int, steps: int | None) -> Any:
    """As Keras makes it."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    return keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )


def _at_most(epochs: int) -> int:
    """Keras' own cap on epochs, by which a whole program is tried out quickly."""
    cap: int | None = max_epochs()
    if cap and cap < epochs:
        warnings.warn(f"Limiting epochs to {cap}", stacklevel=3)
        return cap
    return epochs
