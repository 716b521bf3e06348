"""input_moments: the moments of what a batch normalization takes, as its training would count them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.core.moments import Moments
from normwise.kernels.batch_moments import batch_moments
from normwise.kernels.batch_norm.portable import clean
from normwise.layers._arguments import channel_axes, real_float
from normwise.layers._batch_weights import batch_weights


def input_moments(layer: Any, inputs: Any, mask: Any = None, sample_weight: Any = None) -> Moments:
    """Moments over all values a channel has in a batch, in float64 on the host.

    They are summed up on the device, in float32 at least, about an origin near the mean; origin and rest are
    added in float64, so that a mean which is large beside the spread keeps more digits than float32 has.

    Args:
        layer: A `keras.layers.BatchNormalization` or normwise's, built.
        inputs: What it is called with. Ghost batches count as the one batch that they are of.
        mask: True where a value counts, read as the layer reads it.
        sample_weight: Frequency weights of normwise's layer.

    Returns:
        Moments of the shape of the layer's `moving_mean`.

    Example:
        >>> layer = keras.layers.BatchNormalization()
        >>> layer.build((None, 1))
        >>> input_moments(layer, np.array([[1.0], [3.0]], "float32"))
        Moments(count=array([2.]), mean=array([2.]), m2=array([2.]))
    """
    x = ops.convert_to_tensor(inputs)
    if not keras.backend.is_float_dtype(x.dtype):
        x = ops.cast(x, real_float(x.dtype))
    axes = channel_axes(layer.axis, x.shape)
    if mask is not None and isinstance(layer, keras.layers.BatchNormalization):
        # Keras' layer lays its mask over the leading axes, also where the channels are among them.
        mask = ops.expand_dims(mask, -1)
    weights = batch_weights(x, axes, mask, sample_weight)
    reduced = tuple(i for i in range(len(x.shape)) if i not in axes)
    found = batch_moments(clean(x, weights), reduced, weights)
    shape = tuple(layer.moving_mean.shape)
    origin, rest, count, m2 = (
        np.asarray(ops.convert_to_numpy(part), np.float64)
        for part in (found.origin, found.rest, found.count, found.m2)
    )
    mean = (origin + rest).reshape(shape)
    return Moments(np.broadcast_to(count, origin.shape).reshape(shape), mean, m2.reshape(shape))
