"""Dropout with random bits from a hash of the position, on the backend where that is quicker than Keras'."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["dropout"]


def dropout(
    x: Any, rate: float, noise_shape: tuple[int | None, ...] | None, seed: keras.random.SeedGenerator
) -> Any:
    """Set a random share of the values to 0 and divide the others by what is kept.

    ``y = x·m/(1 − rate)``, m = 1 with probability 1 − rate, else 0, independent by position.

    Args:
        x: Tensor of any rank and floating dtype.
        rate: Probability of a 0, in [0, 1].
        noise_shape: Shape of m, which broadcasts to that of `x`; None in it stands for the size of `x`.
        seed: Drawn from once.

    Returns:
        y, of the shape and dtype of `x`.
    """
    backend = keras.backend.backend()
    if backend == "jax" and 0.0 < rate < 1.0:
        from normwise.kernels.dropout import on_jax

        return on_jax.dropout(x, rate, noise_shape, seed.next())
    if backend == "tensorflow" and 0.0 < rate < 1.0:
        from normwise.kernels.dropout import on_tensorflow

        return on_tensorflow.dropout(x, rate, noise_shape, seed.next())
    return keras.random.dropout(x, rate, noise_shape=noise_shape, seed=seed)
