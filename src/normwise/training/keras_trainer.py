"""Every internal of Keras' trainer that the compiled epoch leans on, listed in this one file.

`Model.fit` on JAX is a loop over an epoch iterator, a step function without side effects, and a protocol by
which callbacks see the state. The compiled epoch keeps all three and replaces the loop alone. Of Keras 3.15
and 3.16 it uses, besides the public names:

    EpochIterator, its data_adapter, _enumerate_iterator and _get_iterator      which batches, in which order
    ArrayDataAdapter: _inputs, _num_samples, _get_iterator; convert_to_sliceable, NumpySliceable
    train_validation_split                                                   what validation_split holds out
    Model._symbolic_build, _assert_compile_called, _should_eval, _get_metrics_result_or_logs, _initial_epoch
    Model._get_jax_state, _jax_state, _jax_state_synced, jax_state_sync      the state, and who holds it
    Model._loss_tracker                                                      which of its numbers is the loss
    Optimizer.finalize_variable_values, and config.max_epochs
    EpochIterator._current_iterator, _steps_seen; get_random_seed            where a checkpoint goes on
    Model._flatten_layers                                                    whether it is the same model
    CallbackList._history                                                    whose History goes on
    global_state: Keras' global seed and generator, which a block with a seed of its own puts back
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from typing import Any

from keras.src import tree
from keras.src.backend.common import global_state
from keras.src.backend.config import is_nnx_enabled, max_epochs
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.array_slicing import (
    NumpySliceable,
    PandasDataFrameSliceable,
    PandasSeriesSliceable,
    convert_to_sliceable,
    train_validation_split,
)
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils.python_utils import pythonify_logs
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from keras.src.utils.rng_utils import get_random_seed as random_seed

__all__ = [
    "RANDOM_ATTRIBUTES",
    "ArrayDataAdapter",
    "EpochBatches",
    "convert_to_sliceable",
    "global_state",
    "is_nnx_enabled",
    "max_epochs",
    "pythonify_logs",
    "random_seed",
    "slices_rows",
    "train_validation_split",
    "tree",
]


RANDOM_ATTRIBUTES = (GLOBAL_RANDOM_SEED, GLOBAL_SEED_GENERATOR)
"""What `keras.utils.set_random_seed` changes of Keras' own."""


class EpochBatches(EpochIterator):  # type: ignore[misc]
    """Keras' batches of an epoch, one at a time; of arrays, only which rows they are.

    Attributes:
        rows_only: Whether a batch of arrays is given as the indices of its rows, a slice or integers
            (batch,); False gives the rows themselves, as Keras needs them to build a model.
    """

    rows_only = False

    @property
    def has_arrays(self) -> bool:
        return isinstance(self.data_adapter, ArrayDataAdapter)

    def __next__(self) -> Any:
        return next(self._epoch_iterator)

    def _get_iterator(self) -> Iterator[Any]:
        if self.rows_only and self.has_arrays:
            # Keras' own generator, so that NumPy's global generator is drawn from as Keras draws from it.
            rows: Iterator[Any] = self.data_adapter._get_iterator(lambda _, indices: indices, 0)
            return rows
        batches: Iterator[Any] = self.data_adapter.get_jax_iterator()
        return batches

    @property
    def taken(self) -> int:
        """At the beginning of an epoch: batches of earlier epochs since the order of rows was last drawn."""
        goes_on = self.steps_per_epoch is not None and self._current_iterator is not None
        return int(self._steps_seen) if goes_on else 0

    def go_on_after(self, taken: int) -> None:
        """As if so many batches had been taken in earlier epochs."""
        if taken:
            self._current_iterator = iter(self._get_iterator())
            collections.deque(itertools.islice(self._current_iterator, taken), maxlen=0)
            self._steps_seen = taken


def slices_rows(sliceable: Any) -> bool:
    """Whether rows of it are had as a NumPy array, of any number at once."""
    return isinstance(sliceable, (NumpySliceable, PandasDataFrameSliceable, PandasSeriesSliceable))
