"""TableStream: a table that need not fit into memory, as batches for Keras and chunks for the program."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.training.buffer_memory import full_capacity, room
from normwise.training.keras_trainer import DataAdapter
from normwise.training.named_columns import NamedColumns
from normwise.training.read_ahead import ReadAhead
from normwise.training.shuffle_buffer import Arrays, Rows, in_order, shuffled
from normwise.training.table_blocks import Blocks

SHUFFLE_BYTES = 128 * 2**20
"""The rows that wait to be drawn take about so many bytes, those of about eight blocks."""
CHUNKS_AHEAD = 4
"""So many are ready when an epoch is read to its end: the time in which the next one's buffer fills."""


@dataclasses.dataclass(frozen=True, eq=False)
class Chunk:
    """Rows in the order in which they are trained on, with room for whole batches only."""

    leaves: Arrays
    rows: int


@dataclasses.dataclass(frozen=True)
class Batch:
    """A batch: rows `start` up to `stop` of a chunk."""

    chunk: Chunk
    start: int
    stop: int

    def arrays(self) -> Any:
        """As Keras wants it: x, (x, y) or (x, y, sample_weight)."""
        return packed(tuple(leaf[self.start : self.stop] for leaf in self.chunk.leaves))


class TableStream(DataAdapter):  # type: ignore[misc]
    """Batches of a table, which a thread reads while the device computes.

    Args:
        blocks: The table.
        columns: What is taken from it.
        batch_size: Rows a step.
        shuffle: Whether the rows come in another order each epoch: the blocks in random order, and rows drawn
            from a buffer of `SHUFFLE_BYTES` as `shuffled` tells. One number an epoch is drawn from NumPy's
            global generator, and all else follows from it.
        class_weight: Keras' weights by class; other classes have weight 1.

    Attributes:
        passes: How many epochs will come, as far as is known. The next one is then read ahead, too.
    """

    def __init__(
        self,
        blocks: Blocks,
        columns: NamedColumns,
        batch_size: int,
        shuffle: bool,
        class_weight: dict[int, float] | None = None,
    ) -> None:
        self.blocks, self.columns, self._batch_size = blocks, columns, batch_size
        self.shuffle, self.class_weight = shuffle, class_weight
        self.like = self._weighted(columns.arrays(blocks.schema.to_frame(), str))
        self.row_bytes = sum(leaf[:0].itemsize * int(np.prod(leaf.shape[1:])) for leaf in self.like)
        self.capacity = full_capacity(blocks.rows // batch_size, self.row_bytes * batch_size)
        self.passes = 1
        self._reading: ReadAhead[Chunk | int] | None = None

    def example(self) -> Any:
        """A batch of zeros, by which a model is built without reading."""
        return packed(tuple(np.zeros((self._batch_size, *leaf.shape[1:]), leaf.dtype) for leaf in self.like))

    def row_batches(self) -> Iterator[Batch]:
        """One epoch's batches, by where they are in chunks of `capacity` batches."""
        seed = _drawn(np.random) if self.shuffle else 0
        # What was read ahead is of this epoch if nobody else has drawn a number or left an epoch unfinished.
        if self._reading is None or next(self._reading, None) != seed:
            self.close()
            self._reading = ReadAhead(self._read(seed, _copy_of_generator(), self.passes), CHUNKS_AHEAD)
            next(self._reading)
        is_last, self.passes = self.passes == 1, max(1, self.passes - 1)
        # Keras may stop at the last batch without asking whether there is another.
        left = self.blocks.rows
        while left > 0 and isinstance(chunk := next(self._reading, None), Chunk):
            left -= chunk.rows
            for start in range(0, chunk.rows, self._batch_size):
                yield Batch(chunk, start, min(start + self._batch_size, chunk.rows))
        if is_last:
            self.close()

    def close(self) -> None:
        """Ends the thread that reads, if one does."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _read(self, seed: int, generator: np.random.RandomState, passes: int) -> Iterator[Chunk | int]:
        """For each epoch the number that it follows from, and its chunks.

        An epoch is begun when the last of the one before is read, and that is before it is trained on.
        """
        for _ in range(passes):
            yield seed
            yield from self._chunks(np.random.default_rng(seed) if self.shuffle else None)
            seed = _drawn(generator) if self.shuffle else 0

    def _chunks(self, random: np.random.Generator | None) -> Iterator[Chunk]:
        arrays = (self._weighted(self.columns.arrays(*block)) for block in self.blocks.read(random))
        rows, size = Rows(arrays), self.capacity * self._batch_size
        if random is None:
            pieces = in_order(rows, size, self._room)
        else:
            most = max(SHUFFLE_BYTES // self.row_bytes, size)
            pieces = shuffled(rows, size, self._room, most, random)
        for leaves, count in pieces:
            yield Chunk(leaves, count)

    def _room(self) -> Arrays:
        rows = self.capacity * self._batch_size
        return tuple(room((rows, *leaf.shape[1:]), leaf.dtype) for leaf in self.like)

    def _weighted(self, arrays: Arrays) -> Arrays:
        if self.class_weight is None:
            return arrays
        return (*arrays, class_weights(arrays[1], self.class_weight, arrays[0].dtype))

    # What Keras asks an adapter for -----------------------------------------------------------------------

    def get_jax_iterator(self) -> Iterator[Any]:
        return (batch.arrays() for batch in self.row_batches())

    get_numpy_iterator = get_jax_iterator

    def get_tf_dataset(self) -> Any:
        import tensorflow as tf

        def spec(leaf: NDArray[Any]) -> Any:
            return tf.TensorSpec((None, *leaf.shape[1:]), leaf.dtype)

        return tf.data.Dataset.from_generator(
            self.get_numpy_iterator, output_signature=packed(tuple(spec(leaf) for leaf in self.like))
        )

    def get_torch_dataloader(self) -> Any:
        import torch

        adapter = self

        class Batches(torch.utils.data.IterableDataset):  # type: ignore[misc]
            def __iter__(self) -> Iterator[Any]:
                return adapter.get_numpy_iterator()

        return torch.utils.data.DataLoader(Batches(), batch_size=None)

    @property
    def num_batches(self) -> int:
        return -(-self.blocks.rows // self._batch_size)

    @property
    def batch_size(self) -> int:
        return self._batch_size

    @property
    def has_partial_batch(self) -> bool:
        return self.blocks.rows % self._batch_size > 0

    @property
    def partial_batch_size(self) -> int | None:
        return self.blocks.rows % self._batch_size or None


def packed(leaves: Any) -> Any:
    """Leaves as Keras' step takes them: x alone is no tuple."""
    return leaves if len(leaves) > 1 else leaves[0]


def class_weights(y: NDArray[Any], class_weight: dict[int, float], floatx: Any) -> NDArray[Any]:
    """Each row's weight by its class, with Keras' reading of what a class is: an index, or a one-hot row.

    Example:
        >>> class_weights(np.array([0, 1, 7]), {0: 0.5, 1: 3.0}, np.float32)
        array([0.5, 3. , 1. ], dtype=float32)
    """
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] != 1 else np.round(y.reshape(len(y)))
    weights = np.ones(len(y), floatx)
    for index, weight in class_weight.items():
        weights[classes.astype(np.int32) == index] = weight
    return weights


def _drawn(generator: Any) -> int:
    return int(generator.randint(2**63))


def _copy_of_generator() -> np.random.RandomState:
    """NumPy's global generator as it is now, by which to foresee what will be drawn from it."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]  # NumPy's stubs lack it.
    return np.random.RandomState(copy.deepcopy(generator))
