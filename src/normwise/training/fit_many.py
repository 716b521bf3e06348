"""fit_many: one architecture from several seeds and learning rates, side by side in one compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from normwise.core.probe import Probe
from normwise.training.best_of_members import BestOfMembers
from normwise.training.check_arguments import check_arguments
from normwise.training.check_data import check_data
from normwise.training.check_finite import check_finite
from normwise.training.check_labels import check_labels
from normwise.training.compilation_cache import use_compilation_cache
from normwise.training.feed import feed, feed_held_out, require_no_split
from normwise.training.interrupt import interrupt_between_chunks
from normwise.training.keras_trainer import EpochBatches, train_validation_split
from normwise.training.members import Member
from normwise.training.not_compiled import not_compiled
from normwise.training.side_by_side import ManyFits, SideBySide, Told


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
    """Trains one architecture from several seeds and learning rates, as one compiled program over the same
    data.

    Each member is, to rounding, what a training by itself gives: `keras.utils.set_random_seed(seed)`, the
    model built anew from its configuration, its optimizer's learning rate set, and `normwise.fit`. So each
    has weights, an order of the rows and random numbers of its own. The given model and the global random
    numbers are left as they are. A member whose loss is no longer finite goes on without disturbing the
    others; its History says so.

    Args:
        model: A compiled Keras model: the architecture, its optimizer, loss and metrics.
        x: Arrays or data frames in memory, as in `fit`.
        y: Targets; of a frame as x, also the name of their column.
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
        keep_best: ``"val_loss"`` or another loss among the logs: each model ends with the weights of the
            epoch in which it was lowest. None keeps the last ones.
        patience: With `keep_best`, a member whose loss has not fallen for so many epochs is done; when all
            are, the training ends.
        probes: As in `fit`.
        on_epoch_end: Called with the epoch, from 0, and the logs of each member; the training ends where it
            gives True.

    Returns:
        The trained models and their histories.

    Raises:
        TrainingError: If the model is not compiled, or the data or the labels do not fit it, as in `fit`.
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
    check_arguments(model, epochs=epochs, batch_size=batch_size, validation_split=validation_split)
    require_no_split(validation_split, x)
    rates = _check(model, x, seeds, learning_rates, keep_best, patience)
    given = (x, y, sample_weight)
    x, y, sample_weight, class_weight = feed(model, given, batch_size, class_weight=class_weight)
    validation_data = feed_held_out(model, validation_data, given, x)
    data = (x, y, sample_weight)
    check_data(model, *data, validation_data, validation_split=validation_split, batch_size=batch_size)
    use_compilation_cache()
    if validation_split and validation_data is None:
        data, validation_data = train_validation_split(data, validation_split=validation_split)
    x, y, sample_weight = data
    batches = EpochBatches(
        x=x,
        y=y,
        sample_weight=sample_weight,
        batch_size=batch_size,
        shuffle=shuffle,
        class_weight=class_weight,
    )
    members = [Member(model, seed, rate, batches) for seed, rate in zip(seeds, rates, strict=True)]
    check_labels(members[0].model, *data)
    check_finite(members[0].model, *data)
    if validation_data is not None:
        check_finite(members[0].model, *validation_data, of="validation ")
    training = SideBySide(members, batches, probes)
    if validation_data is not None:
        training.validate_on(validation_data, validation_batch_size or batch_size)
    best = BestOfMembers(keep_best, patience, len(members)) if keep_best is not None else None
    with interrupt_between_chunks() as between:
        return training.run(epochs, best, on_epoch_end, between)


def _check(
    model: Any,
    x: Any,
    seeds: Sequence[int],
    rates: Sequence[float] | None,
    keep_best: str | None,
    patience: int | None,
) -> Sequence[float | None]:
    reason = not_compiled(model, x)
    if reason is not None:
        raise ValueError(
            f"fit_many trains in the compiled epoch alone, and here {reason}. Train the seeds one by one."
        )
    if not seeds:
        raise ValueError("seeds is empty; expected a whole number for each model that is to be trained")
    if rates is not None and len(rates) != len(seeds):
        raise ValueError(
            f"{len(rates)} learning rates were given for {len(seeds)} seeds; expected one for each. For every"
            " seed at every rate, repeat the seeds."
        )
    schedule = getattr(model.optimizer, "_learning_rate", None)
    if rates is not None and isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(
            f"learning_rates were given, and the optimizer has a schedule ({type(schedule).__name__}) for its"
            " learning rate; expected an optimizer with a number"
        )
    if keep_best is not None and not keep_best.endswith("loss"):
        raise ValueError(
            f'keep_best="{keep_best}" is no loss; expected "val_loss" or another of the logs that is one'
        )
    if patience is not None and (keep_best is None or patience < 1):
        raise ValueError(
            f"patience={patience} was given with keep_best={keep_best!r}; expected a whole number from 1,"
            " and the loss to watch"
        )
    return rates if rates is not None else [None] * len(seeds)
