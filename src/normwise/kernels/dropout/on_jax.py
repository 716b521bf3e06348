"""Dropout on JAX: one word a position, from a hash of where it is and of the key."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from normwise.kernels.dropout.counter_hash import round_keys, scramble, threshold


def dropout(x: Any, rate: float, noise_shape: tuple[int | None, ...] | None, key: Any) -> Any:
    """See `normwise.kernels.dropout.dropout`; `key` is a pair of words."""
    keep = 1.0 - rate
    given = x.shape if noise_shape is None else noise_shape
    shape = tuple(x.shape[i] if n is None else n for i, n in enumerate(given))
    mask = jnp.broadcast_to(keep_mask(key, shape, keep), x.shape)
    return jax.lax.select(mask, x / keep, jnp.zeros_like(x))


@functools.partial(jax.jit, static_argnums=(1, 2))
def keep_mask(key: Any, shape: tuple[int, ...], keep: float) -> Any:
    """Booleans that are True with probability `keep`, to within 2⁻³².

    Past 2³² positions they repeat.
    """
    first, second = round_keys(key.astype(jnp.uint32))
    words = scramble(_positions(shape) ^ first, second)
    mask = words < jnp.uint32(threshold(keep))
    # XLA repeats elementwise work in every kernel that uses it, but never a reduction. Repeated, the hash
    # makes the backward pass of a small network so heavy, as XLA counts, that it is split over threads.
    return jnp.any(jnp.stack([mask, jnp.zeros_like(mask)]), axis=0)


def _positions(shape: tuple[int, ...]) -> Any:
    """Each position's number, row by row, modulo 2³²; not by reshaping, so that shards number their own."""
    numbers = jnp.zeros((1,) * len(shape), jnp.uint32)
    for axis, size in enumerate(shape):
        # Broadcast over the axes behind: the number so far grows by one place.
        along = tuple(size if i == axis else 1 for i in range(len(shape)))
        numbers = numbers * size + jax.lax.broadcasted_iota(jnp.uint32, along, axis)
    return numbers
