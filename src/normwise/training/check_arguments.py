"""check_arguments: what is wrong with a call of fit by its arguments alone."""

from __future__ import annotations

import operator
from typing import Any

from normwise.core.errors import TrainingError


def check_arguments(model: Any, *, epochs: Any, batch_size: Any, validation_split: Any) -> None:
    """Nothing, if the model is compiled and the numbers are ones that a training can have.

    Raises:
        TrainingError: Otherwise.
    """
    if not model.compiled:
        raise TrainingError(
            f'The model "{model.name}" is not compiled: call model.compile(optimizer, loss) before fit.'
        )
    if not _is_whole(epochs):
        raise TrainingError(f"epochs={epochs!r} is not a whole number: give how many passes to take, as 10.")
    check_batch_size(batch_size)
    if validation_split and not 0 < validation_split < 1:
        raise TrainingError(
            f"validation_split={validation_split!r} is not a share between 0 and 1: give which part of the "
            "rows is held out, as 0.2."
        )


def check_batch_size(batch_size: Any) -> None:
    """Nothing, if it is absent or a number of rows that a batch can have.

    Raises:
        TrainingError: Otherwise.
    """
    if batch_size is not None and (not _is_whole(batch_size) or batch_size < 1):
        raise TrainingError(
            f"batch_size={batch_size!r} is not a whole number from 1: give how many rows a step takes, as 32."
        )


def check_steps(steps: Any) -> None:
    """Nothing, if it is absent or a number of batches that a pass can have.

    Raises:
        TrainingError: Otherwise.
    """
    if steps is not None and (not _is_whole(steps) or steps < 1):
        raise TrainingError(
            f"steps={steps!r} is not a whole number from 1: give how many batches a pass takes, as 100."
        )


def _is_whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True
