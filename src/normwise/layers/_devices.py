"""The sum over the devices that share a batch, on each backend."""

from __future__ import annotations

from typing import Any

import keras

from normwise.kernels.batch_moments import Total


def total_over_devices() -> Total | None:
    """Sums an array over all devices that run this step; None where this one sees the whole batch.

    JAX under `keras.distribution` sees the whole batch: its compiler adds the communication.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        return _torch()
    if backend == "tensorflow":
        return _tensorflow()
    return None


def _torch() -> Total | None:
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return None

    def total(values: Any) -> Any:
        summed = values.detach().clone()
        dist.all_reduce(summed)
        return summed

    return total


def _tensorflow() -> Total | None:
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return lambda values: context.all_reduce(tf.distribute.ReduceOp.SUM, values)
