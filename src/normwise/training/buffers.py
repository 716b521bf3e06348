"""buffers: an epoch's batches, stacked so that one program can step through many of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from normwise.training.keras_trainer import EpochBatches, convert_to_sliceable, slices_rows, tree

BUFFER_BYTES = 32 * 2**20
"""A buffer holds about so many bytes: enough that starting a program costs nothing, few beside the data."""
UNKNOWN_STEPS = 64
"""Batches a buffer where it is not known how many there are."""


@dataclasses.dataclass(frozen=True)
class Buffer:
    """Batches of one shape, in order.

    Args:
        data: What Keras' step takes, each array with one axis more in front: (capacity, batch, …). Past
            `steps` its content is arbitrary.
        first: Which step of the epoch the first batch is, from 0.
        steps: How many batches it holds.
    """

    data: Any
    first: int
    steps: int


class ArrayRows:
    """The rows of arrays by their indices, and how they are stacked.

    Args:
        batches: Keras' batches of arrays.
    """

    def __init__(self, batches: EpochBatches) -> None:
        adapter = batches.data_adapter
        self.sliceables = convert_to_sliceable(adapter._inputs, target_backend="jax")
        self.batch_size = adapter.batch_size
        leaves = [leaf for leaf in tree.flatten(self.sliceables) if leaf is not None]
        bytes_a_step = max(1, self.batch_size * sum(_row_bytes(leaf) for leaf in leaves))
        full = max(1, adapter._num_samples // self.batch_size)
        parts = -(-full // max(1, BUFFER_BYTES // bytes_a_step))
        self.full_capacity = -(-full // parts)

    def capacity(self, rows: Any) -> int:
        return self.full_capacity if _length(rows) == self.batch_size else 1

    def key(self, rows: Any) -> Any:
        return _length(rows)

    def stack(self, pending: list[Any], capacity: int) -> Any:
        rows = _joined(pending)
        batch = _length(pending[0])

        def one(sliceable: Any) -> Any:
            array = np.asarray(sliceable.convert_to_jax_compatible(sliceable[rows]))
            return _filled(array.reshape(len(pending), batch, *array.shape[1:]), capacity)

        return tree.map_structure(one, self.sliceables, none_is_leaf=False)


class Stream:
    """Batches that a dataset, a loader or a generator gives, and how they are stacked."""

    def __init__(self, batches: EpochBatches) -> None:
        self.steps = batches.num_batches or UNKNOWN_STEPS

    def capacity(self, batch: Any) -> int:
        size = sum(leaf.nbytes for leaf in tree.flatten(batch) if leaf is not None)
        return int(max(1, min(self.steps, BUFFER_BYTES // max(1, size))))

    def key(self, batch: Any) -> Any:
        return [(leaf.shape, str(leaf.dtype)) for leaf in tree.flatten(batch) if leaf is not None]

    def stack(self, pending: list[Any], capacity: int) -> Any:
        def one(*leaves: Any) -> Any:
            return _filled(np.stack([np.asarray(leaf) for leaf in leaves]), capacity)

        return tree.map_structure(one, *pending, none_is_leaf=False)


def source_of(batches: EpochBatches) -> ArrayRows | Stream:
    """How batches are stacked: by their rows, where they come from arrays."""
    if batches.has_arrays:
        sliceables = convert_to_sliceable(batches.data_adapter._inputs, target_backend="jax")
        if all(slices_rows(leaf) for leaf in tree.flatten(sliceables) if leaf is not None):
            batches.rows_only = True
            return ArrayRows(batches)
    return Stream(batches)


def buffers(batches: EpochBatches, source: ArrayRows | Stream) -> Iterator[Buffer]:
    """One epoch, as buffers; a batch of another shape begins a new one."""
    pending: list[Any] = []
    first, key, capacity = 0, None, 1
    for step, item in _items(batches):
        if pending and (len(pending) == capacity or source.key(item) != key):
            yield Buffer(source.stack(pending, capacity), first, len(pending))
            pending = []
        if not pending:
            first, key, capacity = step, source.key(item), source.capacity(item)
        pending.append(item)
    if pending:
        yield Buffer(source.stack(pending, capacity), first, len(pending))


def _items(batches: EpochBatches) -> Iterator[tuple[int, Any]]:
    """Every batch of an epoch with its step; Keras asks for `steps_per_execution` of them at a time."""
    with batches.catch_stop_iteration():
        for step, _, iterator in batches:
            yield step, next(iterator)
            for offset, item in enumerate(itertools.islice(iterator, batches.steps_per_execution - 1)):
                yield step + offset + 1, item


def _length(rows: Any) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def _joined(pending: list[Any]) -> Any:
    if isinstance(pending[0], slice):
        return slice(pending[0].start, pending[-1].stop)
    return np.concatenate(pending)


def _row_bytes(sliceable: Any) -> int:
    array = np.asarray(sliceable.convert_to_jax_compatible(sliceable[0:1]))
    return int(array.nbytes)


def _filled(stacked: Any, capacity: int) -> Any:
    """The array with room for `capacity` steps: programs are compiled for a shape."""
    if len(stacked) == capacity:
        return stacked
    whole = np.zeros((capacity, *stacked.shape[1:]), stacked.dtype)
    whole[: len(stacked)] = stacked
    return whole
