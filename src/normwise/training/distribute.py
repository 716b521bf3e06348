"""Batches over several devices, and over several processes, under `keras.distribution`."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import keras
import numpy as np

from normwise.training.buffers import Buffer
from normwise.training.keras_trainer import EpochBatches
from normwise.training.pace import Pace

# JAX gives these no types.
_sharding: Any = jax.sharding.NamedSharding
_axes: Any = jax.sharding.PartitionSpec
_global_array: Any = jax.make_array_from_process_local_data

WHOLE_BUFFER = 2**30
"""More steps than a buffer has."""


def distributed(buffer: Buffer) -> Buffer:
    """The buffer with its rows spread over the devices; without a distribution, as it is.

    Rows that do not divide by the number of devices are given to every device, each of which then does the
    whole step. That is what one device would do, whatever the model, the loss and the metrics are.

    In several processes each brings the rows of its own devices, and the global batch is all of them in the
    order of the processes.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return buffer
    return dataclasses.replace(
        buffer, data=jax.tree.map(lambda leaf: _spread(leaf, distribution), buffer.data)
    )


def _spread(leaf: Any, distribution: Any) -> Any:
    mesh = distribution.device_mesh.backend_mesh
    rows, devices = leaf.shape[1] * jax.process_count(), mesh.shape[distribution.batch_dim_name]
    if rows % devices == 0:
        over_rows = _sharding(mesh, _axes(None, distribution.batch_dim_name))
        return _global_array(over_rows, np.asarray(leaf))
    return _global_array(_sharding(mesh, _axes()), _of_all_processes(leaf))


def _of_all_processes(leaf: Any) -> Any:
    """(capacity, rows, …) of every process, joined along the rows."""
    if jax.process_count() == 1:
        return np.asarray(leaf)
    from jax.experimental.multihost_utils import process_allgather

    return np.concatenate(list(process_allgather(np.asarray(leaf))), axis=1)


def result_shardings(state: Any, kept: bool, done: bool = True) -> Any:
    """Where a program leaves its results: every variable where it was, all else on every device.

    `kept` says that there are probes, whose values come last; `done`, that the program says how far it came.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return None
    everywhere = _sharding(distribution.device_mesh.backend_mesh, _axes())
    others = [everywhere] * (2 + done + kept)
    return (jax.tree.map(lambda leaf: leaf.sharding, state), *others)


def beyond_one_process() -> bool:
    """Whether variables may lie where this process cannot read them."""
    distribution = keras.distribution.distribution()
    return isinstance(distribution, keras.distribution.ModelParallel) and jax.process_count() > 1


def steps_a_call(fixed: int) -> Pace:
    """The pace of one process; several must all ask for the same steps, and not by a clock of their own."""
    return Pace(WHOLE_BUFFER if fixed == 1 and jax.process_count() > 1 else fixed)


def require_same_batches(batches: EpochBatches) -> None:
    """That all processes take as many steps with as many rows.

    Raises:
        ValueError: If they differ.
    """
    require_same("batches an epoch, rows a batch and rows of the last batch", _batch_sizes(batches))


def _batch_sizes(batches: EpochBatches) -> list[int]:
    """Batches an epoch, rows a batch, rows of the last one if that is another; -1 for what is not known."""
    adapter = batches.data_adapter
    partial = adapter.partial_batch_size if batches.has_arrays else None
    return [-1 if size is None else int(size) for size in (batches.num_batches, adapter.batch_size, partial)]


def require_same(what: str, values: list[int]) -> None:
    """That all processes have the same whole numbers; they would else wait for each other forever.

    Raises:
        ValueError: If they differ.
    """
    if jax.process_count() == 1:
        return
    from jax.experimental.multihost_utils import process_allgather

    found = process_allgather(np.array(values, np.int64))
    if (found != found[0]).any():
        each = "; ".join(f"{list(map(int, row))} in process {i}" for i, row in enumerate(found))
        raise ValueError(f"the processes differ in {what}: {each}. Expected the same in all of them.")
