"""buffers: an epoch's batches, stacked so that one program can step through many of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from normwise.training.buffer_memory import BUFFER_BYTES, full_capacity, room
from normwise.training.keras_trainer import EpochBatches, array_of, tree
from normwise.training.phase import shape_of
from normwise.training.table_stream import packed

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


class Source(Protocol):
    """How the batches of one kind of data are stacked."""

    def shapes(self) -> list[Any]:
        """The shapes of the buffers that will come, in place of arrays, as far as they are known."""

    def capacity(self, item: Any) -> int:
        """How many batches like this one a buffer has room for."""

    def key(self, item: Any) -> Any:
        """What the batches of one buffer have in common."""

    def stack(self, pending: list[Any], capacity: int) -> Any:
        """The batches as arrays (capacity, batch, …)."""


class ArrayRows:
    """The rows of arrays by their indices.

    Args:
        batches: Keras' batches of arrays.
        arrays: For each leaf of them an array, and the type to which Keras casts its rows.
    """

    def __init__(self, batches: EpochBatches, arrays: Any) -> None:
        adapter = batches.data_adapter
        self.batch_size, self.rows = adapter.batch_size, adapter._num_samples
        self.structure, self.arrays = adapter._inputs, arrays
        row_bytes = sum(array[:1].nbytes for array, _ in arrays)
        self.full_capacity = full_capacity(self.rows // self.batch_size, self.batch_size * row_bytes)

    def shapes(self) -> list[Any]:
        def of(capacity: int, batch: int) -> Any:
            leaves = iter([shape_of((capacity, batch, *a.shape[1:]), dtype) for a, dtype in self.arrays])
            return tree.map_structure(lambda _: next(leaves), self.structure, none_is_leaf=False)

        return [of(*steps) for steps in _steps(self.full_capacity, self.batch_size, self.rows)]

    def capacity(self, rows: Any) -> int:
        return self.full_capacity if _length(rows) == self.batch_size else 1

    def key(self, rows: Any) -> Any:
        return _length(rows)

    def stack(self, pending: list[Any], capacity: int) -> Any:
        rows, batch = _joined(pending), _length(pending[0])
        stacked = iter([_gathered(array, dtype, rows, (capacity, batch)) for array, dtype in self.arrays])
        return tree.map_structure(lambda _: next(stacked), self.structure, none_is_leaf=False)


class ChunkRows:
    """Batches of a table, which lie one after the other in chunks made for it: nothing is copied.

    Args:
        stream: The adapter that gives them.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def shapes(self) -> list[Any]:
        stream = self.stream
        return [
            packed(tuple(shape_of((*steps, *leaf.shape[1:]), leaf.dtype) for leaf in stream.like))
            for steps in _steps(stream.capacity, stream.batch_size, stream.blocks.rows)
        ]

    def capacity(self, item: Any) -> int:
        return self.stream.capacity if item.stop - item.start == self.stream.batch_size else 1

    def key(self, item: Any) -> Any:
        return id(item.chunk), item.stop - item.start

    def stack(self, pending: list[Any], capacity: int) -> Any:
        start, batch = pending[0].start, pending[0].stop - pending[0].start

        def one(leaf: NDArray[Any]) -> NDArray[Any]:
            rows = leaf[start : start + capacity * batch]
            whole: NDArray[Any] = _filled(rows.reshape(-1, batch, *leaf.shape[1:]), capacity)
            return whole

        return packed(tuple(one(leaf) for leaf in pending[0].chunk.leaves))


class Stream:
    """Batches that a dataset, a loader or a generator gives."""

    def __init__(self, batches: EpochBatches) -> None:
        self.steps = batches.num_batches or UNKNOWN_STEPS

    def shapes(self) -> list[Any]:
        return []

    def capacity(self, batch: Any) -> int:
        size = sum(leaf.nbytes for leaf in tree.flatten(batch) if leaf is not None)
        return int(max(1, min(self.steps, BUFFER_BYTES // max(1, size))))

    def key(self, batch: Any) -> Any:
        return [(leaf.shape, str(leaf.dtype)) for leaf in tree.flatten(batch) if leaf is not None]

    def stack(self, pending: list[Any], capacity: int) -> Any:
        def one(*leaves: Any) -> Any:
            first = np.asarray(leaves[0])
            whole = room((capacity, *first.shape), first.dtype)
            for step, leaf in enumerate(leaves):
                whole[step] = np.asarray(leaf)
            return whole

        return tree.map_structure(one, *pending, none_is_leaf=False)


def source_of(batches: EpochBatches) -> Source:
    """How batches are stacked: by their rows, where they come from arrays or a table."""
    if batches.has_chunks:
        batches.rows_only = True
        return ChunkRows(batches.data_adapter)
    if batches.has_arrays:
        leaves = [leaf for leaf in tree.flatten(batches.data_adapter._inputs) if leaf is not None]
        arrays = [array_of(leaf) for leaf in leaves]
        if all(array is not None for array in arrays):
            batches.rows_only = True
            return ArrayRows(batches, arrays)
    return Stream(batches)


def buffers(batches: EpochBatches, source: Source, begin: int = 0) -> Iterator[Buffer]:
    """One epoch from step `begin` on, as buffers; a batch of another shape begins a new one."""
    pending: list[Any] = []
    first, key, capacity = 0, None, 1
    for step, item in _items(batches):
        if step < begin:
            continue
        if pending and (len(pending) == capacity or source.key(item) != key):
            yield Buffer(source.stack(pending, capacity), first, len(pending))
            pending = []
        if not pending:
            first, key, capacity = step, source.key(item), source.capacity(item)
        pending.append(item)
    if pending:
        yield Buffer(source.stack(pending, capacity), first, len(pending))


def _steps(capacity: int, batch: int, rows: int) -> list[tuple[int, int]]:
    """(capacity, batch) of the buffers of whole batches, and of the rest."""
    return [size for size in ((capacity, batch), (1, rows % batch)) if 0 < size[1] <= rows]


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


def _gathered(array: NDArray[Any], dtype: Any, rows: Any, steps: tuple[int, int]) -> NDArray[Any]:
    """Rows of an array in one new array (capacity, batch, …), cast as Keras and then JAX cast them."""
    stacked = room((*steps, *array.shape[1:]), jax.dtypes.canonicalize_dtype(dtype))
    flat = stacked.reshape(-1, *array.shape[1:])[: _length(rows)]
    if isinstance(rows, slice):
        flat[...] = array[rows].astype(dtype, copy=False)
    elif array.dtype == flat.dtype and array.flags.c_contiguous:
        # The rows are all within the array; any other mode copies the result once more.
        np.take(array, rows, axis=0, out=flat, mode="clip")
    else:
        flat[...] = array[rows].astype(dtype, copy=False)
    return stacked


def _filled(stacked: NDArray[Any], capacity: int) -> NDArray[Any]:
    """The array with room for `capacity` steps: programs are compiled for a shape."""
    if len(stacked) == capacity:
        return stacked
    whole = room((capacity, *stacked.shape[1:]), stacked.dtype)
    whole[: len(stacked)] = stacked
    return whole
