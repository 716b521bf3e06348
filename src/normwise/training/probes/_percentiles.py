"""percentiles: those of each column, by a sort that XLA does quickly."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

_BELOW_SIGN = 0x7FFFFFFF


def percentiles(values: Any, at: tuple[float, ...]) -> Any:
    """Percentiles of each column of (rows, columns), interpolated linearly; (percentiles, columns).

    NaN where a column has a NaN, as `numpy.percentile` has it. Infinities next to finite values interpolate
    to NaN or infinity.

    Example:
        >>> percentiles(jnp.array([[3.0], [1.0], [2.0], [4.0]]), (0.0, 50.0, 75.0)).ravel().tolist()
        [1.0, 2.5, 3.25]
    """
    sorted_values = _from_ordered(
        lax.sort(_ordered(values.astype(jnp.float32)), dimension=0, is_stable=False)
    )
    place = np.asarray(at, np.float64) / 100 * (values.shape[0] - 1)
    below = np.floor(place).astype(int)
    above = np.ceil(place).astype(int)
    share = jnp.asarray(place - below, jnp.float32)[:, None]
    low, high = sorted_values[below], sorted_values[above]
    found = jnp.where(share == 0, low, low + (high - low) * share)
    return jnp.where(jnp.isnan(values).any(0), jnp.nan, found)


def _ordered(values: Any) -> Any:
    """Integers in the order of the floats: XLA's sort of floats looks after NaN and takes far longer."""
    bits = lax.bitcast_convert_type(values, jnp.int32)
    return bits ^ ((bits >> 31) & _BELOW_SIGN)


def _from_ordered(ordered: Any) -> Any:
    return lax.bitcast_convert_type(ordered ^ ((ordered >> 31) & _BELOW_SIGN), jnp.float32)
