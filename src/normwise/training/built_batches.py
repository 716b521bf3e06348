"""built_batches: the batches of an epoch, after all that can be wrong with them was looked for."""

from __future__ import annotations

from typing import Any

from normwise.training.check_data import check_data, warn_of_large_batch
from normwise.training.check_finite import check_finite
from normwise.training.check_labels import check_labels
from normwise.training.distribute import require_same_batches
from normwise.training.keras_trainer import EpochBatches, train_validation_split
from normwise.training.table_stream import TableStream


def built_batches(
    model: Any,
    data: tuple[Any, Any, Any],
    validation_data: Any,
    validation_split: float,
    **options: Any,
) -> tuple[EpochBatches, Any]:
    """Builds the model for the data, of which it gives the batches.

    Args:
        model: A compiled Keras model.
        data: x, y and sample_weight, as `feed` gives them.
        validation_data: Keras' argument, likewise.
        validation_split: Which part of the rows is held out, if there are no `validation_data`.
        **options: What else `EpochBatches` takes, as batch_size.

    Returns:
        The batches, and what to validate on, if anything.

    Raises:
        TrainingError: If the data or the labels do not fit each other or the model, or hold NaN.
    """
    size = options["batch_size"]
    if isinstance(data[0], TableStream):
        warn_of_large_batch(size, data[0].blocks.rows)
    check_data(model, *data, validation_data, validation_split=validation_split, batch_size=size)
    if validation_split and validation_data is None:
        data, validation_data = train_validation_split(data, validation_split=validation_split)
    x, y, sample_weight = data
    batches = EpochBatches(
        x=x, y=y, sample_weight=sample_weight, steps_per_execution=model.steps_per_execution, **options
    )
    try:
        model._symbolic_build(iterator=batches)
    finally:
        # What Keras says of labels that do not fit the loss is about shapes; the check is about labels.
        check_labels(model, *data)
    check_finite(model, *data)
    if isinstance(validation_data, (tuple, list)):
        check_finite(model, *validation_data, of="validation ")
    batches.reset()
    require_same_batches(batches)
    return batches, validation_data
