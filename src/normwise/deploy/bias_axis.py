"""require_bias_axis: that Keras will add a bias along the axis that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from normwise.deploy.blocked_error import BlockedError


def require_bias_axis(name: str, sizes: Sequence[int], given: Sequence[Any]) -> None:
    """Nothing, unless Keras' addition on TensorFlow would take a bias for one along another axis.

    There `keras.ops.add` hands what has one axis longer than 1 to `tf.nn.bias_add`: along the last axis if
    that has as many places, else along the first behind the batch's, whatever axis the numbers lie on.

    Args:
        name: What the layer with the bias is called.
        sizes: Those of the bias along all axes but the batch's.
        given: The shape of what the bias is added to.

    Raises:
        BlockedError: If it would.
    """
    along = [axis for axis, size in enumerate(sizes, 1) if size != 1]
    if keras.backend.backend() != "tensorflow" or len(along) != 1:
        return
    axis, size, last = along[0], sizes[along[0] - 1], len(given) - 1
    # A size that is not known yet may turn out to be the same.
    others = [other for other in (last, 1) if other != axis and given[other] in (size, None)]
    if axis != last and others:
        raise BlockedError(
            f'"{name}" would need a bias of {size} numbers along axis {axis} of {tuple(given)}, which Keras '
            f"on TensorFlow adds along axis {others[0]}"
        )
