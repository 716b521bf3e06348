"""Every internal of Keras' trainer that the compiled epoch leans on, listed in this one file.

`Model.fit` on JAX is a loop over an epoch iterator, a step function without side effects, and a protocol by
which callbacks see the state. The compiled epoch keeps all three and replaces the loop alone. Of Keras 3.15
and 3.16 it uses, besides the public names:

    EpochIterator, its data_adapter, _enumerate_iterator and _get_iterator      which batches, in which order
    ArrayDataAdapter: _inputs, _num_samples, _get_iterator; convert_to_sliceable and its Sliceables
    DataAdapter                                                              what a streamed table passes for
    train_validation_split                                                   what validation_split holds out
    can_slice_array                                                          which data are arrays
    compute_output_spec, Functional._inputs                                  what a model takes, and gives
    Model._symbolic_build, _assert_compile_called, _should_eval, _get_metrics_result_or_logs, _initial_epoch
    Model._get_jax_state, _jax_state, _jax_state_synced, jax_state_sync      the state, and who holds it
    Model._loss_tracker                                                      which of its numbers is the loss
    Optimizer.finalize_variable_values, and config.max_epochs
    EpochIterator._current_iterator, _steps_seen; get_random_seed            where a checkpoint goes on
    Model._flatten_layers                                                    whether it is the same model
    CallbackList._history                                                    whose History goes on
    is_default                                                               which callbacks hear of batches
    global_state: Keras' global seed and generator, which a block with a seed of its own puts back
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras.src import tree
from keras.src.backend import compute_output_spec
from keras.src.backend.common import global_state
from keras.src.backend.config import is_nnx_enabled, max_epochs
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.array_slicing import (
    NumpySliceable,
    PandasDataFrameSliceable,
    PandasSeriesSliceable,
    can_slice_array,
    convert_to_sliceable,
    train_validation_split,
)
from keras.src.trainers.data_adapters.data_adapter import DataAdapter
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils.python_utils import is_default, pythonify_logs
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from keras.src.utils.rng_utils import get_random_seed as random_seed
from numpy.typing import NDArray

__all__ = [
    "RANDOM_ATTRIBUTES",
    "ArrayDataAdapter",
    "DataAdapter",
    "EpochBatches",
    "array_of",
    "can_slice_array",
    "convert_to_sliceable",
    "global_state",
    "hear_of_batches",
    "input_tensors",
    "is_nnx_enabled",
    "max_epochs",
    "output_specs",
    "pythonify_logs",
    "random_seed",
    "train_validation_split",
    "tree",
]


RANDOM_ATTRIBUTES = (GLOBAL_RANDOM_SEED, GLOBAL_SEED_GENERATOR)
"""What `keras.utils.set_random_seed` changes of Keras' own."""


class EpochBatches(EpochIterator):  # type: ignore[misc]
    """Keras' batches of an epoch, one at a time; of arrays, only which rows they are.

    Attributes:
        rows_only: Whether a batch is given as where its rows are: of arrays by their indices, a slice or
            integers (batch,); of a table that streams in, by their place in a chunk. False gives the rows
            themselves, as Keras needs them to build a model.
    """

    rows_only = False

    @property
    def has_arrays(self) -> bool:
        return isinstance(self.data_adapter, ArrayDataAdapter)

    @property
    def has_chunks(self) -> bool:
        """Whether they come from a `TableStream`."""
        return hasattr(self.data_adapter, "row_batches")

    def expect(self, epochs: int) -> None:
        """So many epochs will come: of a table that streams in, the next one is read ahead."""
        if self.has_chunks:
            self.data_adapter.passes = max(1, epochs)

    def close(self) -> None:
        """Ends the reading of a table ahead of time."""
        getattr(self.data_adapter, "close", lambda: None)()

    def __next__(self) -> Any:
        return next(self._epoch_iterator)

    def _get_iterator(self) -> Iterator[Any]:
        if self.rows_only and self.has_arrays:
            # Keras' own generator, so that NumPy's global generator is drawn from as Keras draws from it.
            rows: Iterator[Any] = self.data_adapter._get_iterator(lambda _, indices: indices, 0)
            return rows
        if self.has_chunks and not self.rows_only:
            return iter([self.data_adapter.example()])
        batches: Iterator[Any] = (
            self.data_adapter.row_batches() if self.has_chunks else self.data_adapter.get_jax_iterator()
        )
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


def hear_of_batches(callbacks: Any, phase: str) -> bool:
    """Whether any callback of a `keras.callbacks.CallbackList` has something to do at a batch's begin or end.

    Args:
        callbacks: The list; of another object that is in its place it is not known, so it does.
        phase: ``"train"`` or ``"test"``.
    """
    if type(callbacks) is not keras.callbacks.CallbackList:
        return True
    hooks = [f"on_{phase}_batch_{moment}" for moment in ("begin", "end")]
    hooks += ["on_batch_begin", "on_batch_end"] if phase == "train" else []
    return not all(is_default(getattr(callback, hook)) for callback in callbacks.callbacks for hook in hooks)


def array_of(leaf: Any) -> tuple[NDArray[Any], np.dtype[Any]] | None:
    """What Keras slices rows of a leaf from, and the type to which it casts them; None if that is no array.

    An array comes back as it is: Keras casts a whole float64 array at once, and of a memory-mapped file that
    would be all of it.
    """
    if isinstance(leaf, np.ndarray):
        like = convert_to_sliceable(leaf[:0], target_backend="jax")
        return leaf, like.array.dtype
    sliceable = convert_to_sliceable(leaf, target_backend="jax")
    if isinstance(sliceable, (PandasDataFrameSliceable, PandasSeriesSliceable)):
        array = np.ascontiguousarray(sliceable.convert_to_jax_compatible(sliceable.array))
        return array, array.dtype
    return (sliceable.array, sliceable.array.dtype) if isinstance(sliceable, NumpySliceable) else None


def input_tensors(model: Any) -> list[Any] | None:
    """The symbolic inputs in the order in which Keras flattens data; None where a model has none.

    Those of a Functional model, or a Sequential one that is built.
    """
    inner = getattr(model, "_functional", None) or model
    inputs: list[Any] | None = getattr(inner, "_inputs", None)
    return inputs


def output_specs(model: Any, x: Any) -> Any:
    """Shapes and dtypes of what the model gives for rows, without computing; raises what Keras raises."""
    specs = tree.map_structure(
        lambda leaf: None if leaf is None else keras.KerasTensor(leaf.shape, str(leaf.dtype)), x
    )
    with keras.StatelessScope():
        return compute_output_spec(model, specs, training=False)
