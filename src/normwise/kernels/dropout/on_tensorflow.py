"""Dropout on TensorFlow: the bits that JAX has, for the same seeds."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from normwise.kernels.dropout.counter_hash import round_keys, scramble, threshold


def dropout(x: Any, rate: float, noise_shape: tuple[int | None, ...] | None, key: Any) -> Any:
    """See `normwise.kernels.dropout.dropout`; `key` is a pair of words."""
    keep = 1.0 - rate
    shape = tf.shape(x)
    if noise_shape is not None:
        shape = tf.stack([shape[i] if n is None else n for i, n in enumerate(noise_shape)])
    mask = tf.broadcast_to(_keep_mask(key, shape, keep), tf.shape(x))
    dropped = tf.where(mask, x / keep, tf.zeros_like(x))
    return tf.ensure_shape(dropped, x.shape)


# One call where nothing is compiled.
@tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
def _keep_mask(key: Any, shape: Any, keep: float) -> Any:
    first, second = round_keys(tf.unstack(tf.cast(key, tf.uint32)))
    numbers = tf.cast(tf.range(tf.reduce_prod(shape)), tf.uint32)
    words = scramble(numbers ^ first, second)
    return tf.reshape(words < tf.constant(threshold(keep), tf.uint32), shape)
