"""ModelBatches: what a model takes of data of any kind, batch after batch and pass after pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import keras

from normwise.core.errors import TrainingError
from normwise.training.check_data import check_data
from normwise.training.feed import feed
from normwise.training.frame_arrays import is_name
from normwise.training.keras_trainer import EpochBatches, can_slice_array, tree
from normwise.training.table_stream import TableStream


class ModelBatches:
    """Called, an iterator over the batches that a model takes of the data, from the beginning each time.

    Args:
        model: A built Keras model.
        x: All that `normwise.fit` takes as x; and any iterator over batches, with or without targets.
        y: Of a table, the names of columns that are no features; anything else is not looked at.
        batch_size: Rows a batch, of what does not come in batches.
        steps: Batches a pass at most.
        shuffle: Whether rows of arrays come in random order, that of NumPy's global generator.

    Raises:
        TrainingError: If an iterator gives no batch, or the data do not fit the model.
    """

    def __init__(
        self, model: Any, x: Any, y: Any, batch_size: int | None, steps: int | None, shuffle: bool
    ) -> None:
        x, *_ = feed(model, (x, y if is_name(y) else None, None), batch_size, steps, shuffle)
        if isinstance(x, Iterator):
            x = _in_tuples(x)
        arrays = all(map(can_slice_array, tree.flatten(x)))
        made = EpochBatches(x=x, batch_size=batch_size, steps_per_epoch=steps, shuffle=shuffle and arrays)
        self._model, self._steps, self._adapter = model, steps, made.data_adapter
        self._unchecked = not arrays
        if arrays:
            _check(model, x)

    def __call__(self) -> Iterator[Any]:
        self._adapter.on_epoch_begin()
        for batch in itertools.islice(self._adapter.get_numpy_iterator(), self._steps):
            x = keras.utils.unpack_x_y_sample_weight(batch)[0]
            if self._unchecked:
                _check(self._model, x)
                self._unchecked = False
            yield x
        self._adapter.on_epoch_end()

    def close(self) -> None:
        """Ends the reading of a table ahead of time."""
        if isinstance(self._adapter, TableStream):
            self._adapter.close()


def _in_tuples(batches: Iterator[Any]) -> Iterator[Any]:
    """The batches as Keras reads those of a generator: the inputs alone are a tuple, too."""
    first = next(batches, None)
    if first is None:
        raise TrainingError(
            f"x is a {type(batches).__name__} that gave no batch; expected one or more. One that was gone "
            "through before gives no more: make it anew."
        )
    every = itertools.chain([first], batches)
    return (batch if isinstance(batch, tuple) else (batch,) for batch in every)


def _check(model: Any, x: Any) -> None:
    check_data(model, x, None, None, None, validation_split=0.0, batch_size=None)
