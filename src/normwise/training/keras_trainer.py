"""Every internal of Keras' trainer that the compiled epoch leans on, listed in this one file.

`Model.fit` on JAX is a loop over an epoch iterator, a step function without side effects, and a protocol by
which callbacks see the state. The compiled epoch keeps all three and replaces the loop alone. Of Keras 3.15
and 3.16 it uses, besides the public names:

    EpochIterator, its data_adapter, _enumerate_iterator and _get_iterator      which batches, in which order
    ArrayDataAdapter: _inputs, _num_samples, _get_iterator; convert_to_sliceable, NumpySliceable
    train_validation_split                                                   what validation_split holds out
    can_slice_array                                                          which data are arrays
    compute_output_spec, Functional._inputs                                  what a model takes, and gives
    for a row Model._symbolic_build, _assert_compile_called, _should_eval, _get_metrics_result_or_logs,
    _initial_epoch Model._get_jax_state, _jax_state, _jax_state_synced, jax_state_sync      the state, and
    who holds it Model._loss_tracker                                                      which of its
    numbers is the loss Optimizer.finalize_variable_values, and config.max_epochs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from keras.src import tree
from keras.src.backend import compute_output_spec
from keras.src.backend.config import is_nnx_enabled, max_epochs
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.array_slicing import (
    NumpySliceable,
    PandasDataFrameSliceable,
    PandasSeriesSliceable,
    can_slice_array,
    convert_to_sliceable,
    train_validation_split,
)
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils.python_utils import pythonify_logs

__all__ = [
    "ArrayDataAdapter",
    "EpochBatches",
    "can_slice_array",
    "convert_to_sliceable",
    "input_tensors",
    "is_nnx_enabled",
    "max_epochs",
    "output_specs",
    "pythonify_logs",
    "slices_rows",
    "train_validation_split",
    "tree",
]


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


def slices_rows(sliceable: Any) -> bool:
    """Whether rows of it are had as a NumPy array, of any number at once."""
    return isinstance(sliceable, (NumpySliceable, PandasDataFrameSliceable, PandasSeriesSliceable))


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
