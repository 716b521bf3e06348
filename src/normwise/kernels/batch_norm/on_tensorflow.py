"""Batch normalization on TensorFlow: its own kernel where that fits, else the portable formula."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from keras import ops

from normwise.core.moments import Moments
from normwise.kernels.batch_moments import Total, count_of, origin_of
from normwise.kernels.batch_norm import portable
from normwise.kernels.batch_norm.portable import Channels, Plan
from normwise.kernels.precision import at_least_float32

_LEAST_EPSILON = 1.001e-5
"""What cuDNN takes; and TensorFlow's kernel makes NaN of a channel without spread where epsilon is 0."""


def batch_norm(
    x: Any, channels: Channels, weights: Any, plan: Plan, total: Total | None = None
) -> tuple[Any, Moments]:
    """See `normwise.kernels.batch_norm.batch_norm`."""
    if weights is None and channels.renorm_mean is None and total is None and _fits(x, plan):
        return _native(x, channels, plan)
    y, centered, _ = portable.forward(x, channels, weights, plan, total)
    return y, centered.moments()


def _fits(x: Any, plan: Plan) -> bool:
    """Whether TensorFlow's kernel takes it: float32 at most, and the channels' axes the last ones."""
    last = plan.axes == tuple(range(len(plan.axes)))
    return last and at_least_float32(x.dtype) == "float32" and plan.epsilon >= _LEAST_EPSILON


def _native(x: Any, channels: Channels, plan: Plan) -> tuple[Any, Moments]:
    """The portable formula in fewer passes over the array, of an input with its origin near the mean.

    There the kernel is right, which takes E[x²] − E[x]² when XLA compiles it.
    """
    origin = tf.stop_gradient(origin_of(x, plan.axes, "float32"))
    shifted = ops.cast(x, "float32") - origin
    like, size = origin.shape, origin.shape.num_elements()
    gamma = tf.ones([size]) if channels.gamma is None else tf.reshape(channels.gamma, [size])
    beta = tf.zeros([size]) if channels.beta is None else tf.reshape(channels.beta, [size])
    y, rest, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(shifted, [-1, 1, 1, size]),
        scale=gamma,
        offset=beta,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=plan.epsilon,
        is_training=True,
    )
    y = tf.reshape(y, ops.shape(x))
    y = y if plan.activation is None else plan.activation(y)
    count = count_of(shifted, plan.axes)
    # The kernel divides by m − 1, and makes NaN of no values.
    rest, m2 = (tf.where(count > 0, tf.reshape(v, like), 0.0) for v in (rest, variance * (count - 1.0)))
    return ops.cast(y, plan.dtype), Moments(count, origin + rest, m2)
