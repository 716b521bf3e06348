"""fit: Keras' `Model.fit`, with the epoch as one compiled program."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras

from normwise.training.buffers import source_of
from normwise.training.check_arguments import check_arguments
from normwise.training.check_data import check_data
from normwise.training.check_finite import check_finite
from normwise.training.check_labels import check_labels
from normwise.training.evaluate import Evaluation
from normwise.training.interrupt import interrupt_between_chunks
from normwise.training.keras_trainer import EpochBatches, max_epochs, train_validation_split
from normwise.training.loop import take_steps
from normwise.training.not_compiled import not_compiled, say_once
from normwise.training.not_finite import raise_not_finite, stops_by_itself, what_to_watch
from normwise.training.pace import Pace
from normwise.training.phase import TRAIN
from normwise.training.program import Programs


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
) -> keras.callbacks.History:
    """Trains a compiled Keras model, as `model.fit` does, with the epoch as one compiled program on JAX.

    Losses, metrics and weights are those of `model.fit` to rounding, epoch by epoch: the same batches in the
    same order, the same random numbers. Callbacks are called as Keras calls them where `steps_per_execution`
    is above
    1: at the end of every epoch exactly, and within one about twice a second, with the number of the last
    step. What cannot be compiled whole is trained by `model.fit`, which a warning says once with the reason.

    Args:
        model: A compiled Keras model.
        x: Features, and the further arguments in the words and with the meaning of `keras.Model.fit`.

    Returns:
        Keras' History.

    Raises:
        TrainingError: If the model is not compiled, or the arguments, the data or the labels do not fit it;
            before anything is compiled. It is a ValueError.
        NotFiniteError: If the loss stopped being finite; it says at which step and in which layer. The model
            has the weights from before that step. It is a FloatingPointError. With
            `keras.callbacks.TerminateOnNaN` the training ends as that callback ends it.
        KeyboardInterrupt: If Ctrl-C was pressed; the model has the weights of the last finished chunk.

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
    reason = not_compiled(model, x, validation_data)
    if reason is not None:
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
    evaluation = None
    if validation_data is not None:
        evaluation = Evaluation(model, validation_data, validation_batch_size or batch_size, validation_steps)
    with interrupt_between_chunks() as between:
        _train(model, batches, callbacks, (initial_epoch, epochs), evaluation, validation_freq, between)
    return model.history


def _train(
    model: Any,
    batches: EpochBatches,
    callbacks: Any,
    epochs: tuple[int, int],
    evaluation: Evaluation | None,
    validation_freq: int | list[int],
    between: Callable[[], None],
) -> None:
    """The loop of `Model.fit`, line for line but for the steps."""
    watch = what_to_watch(model, callbacks)
    programs, source, pace = (
        Programs(model, TRAIN, watch),
        source_of(batches),
        Pace(model.steps_per_execution),
    )
    steps: Any = {}
    model.stop_training = False
    logs: dict[str, Any] = {}
    finished = False
    callbacks.on_train_begin()
    try:
        for epoch in range(model._initial_epoch or epochs[0], epochs[1]):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            bad = None if stops_by_itself(callbacks) else raise_not_finite(programs, epoch)
            # An epoch without a batch, of a generator that has run dry, has the logs of the one before.
            steps = take_steps(programs, batches, source, callbacks, pace, between, bad) or steps
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
        model._jax_state = None


def _at_most(epochs: int) -> int:
    """Keras' own cap on epochs, by which a whole program is tried out quickly."""
    cap: int | None = max_epochs()
    if cap and cap < epochs:
        warnings.warn(f"Limiting epochs to {cap}", stacklevel=3)
        return cap
    return epochs
