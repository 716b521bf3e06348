"""after, before: the weights of a linear layer that does an affine map as well, behind it or before it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import layers

from normwise.deploy import einsum_maps
from normwise.deploy.affine import Affine, Array, per_channel
from normwise.deploy.blocked_error import BlockedError
from normwise.deploy.normalization_maps import floats
from normwise.graph.kinds import channel_axis, is_linear

Shape = tuple[Any, ...]
Weights = dict[str, Array]
"""By the name of the variable, in float64; "bias" is always there."""

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)


def takes_maps(layer: Any) -> bool:
    """Whether it is a linear layer, that of an activation of its own not counted."""
    return is_linear(layer) or type(layer) is layers.EinsumDense


def is_quantized(layer: Any) -> bool:
    """Whether its weights are whole numbers or floats of 8 bits."""
    return isinstance(layer, keras.layers.Layer) and layer.quantization_mode is not None


def weights_of(layer: Any, given: Shape) -> Weights:
    """The weights of a linear layer, with a bias of 0 where there is none.

    Args:
        layer: The layer, built.
        given: The shape of what it gives.
    """
    if type(layer) is layers.EinsumDense:
        return {"kernel": floats(layer.kernel), "bias": einsum_maps.whole_bias(layer, given)}
    names = ("depthwise_kernel", "pointwise_kernel") if type(layer) in _SEPARABLE else ("kernel",)
    bias = np.zeros(given[channel_axis(layer)]) if layer.bias is None else floats(layer.bias)
    return {**{name: floats(getattr(layer, name)) for name in names}, "bias": bias}


def bias_sizes(layer: Any, bias: Array, given: Shape) -> Shape:
    """The sizes of a bias along all axes of what the layer gives but the batch's."""
    if type(layer) is layers.EinsumDense:
        return bias.shape
    axis = channel_axis(layer) % len(given)
    return tuple(bias.size if place == axis else 1 for place in range(1, len(given)))


def after(layer: Any, weights: Weights, affine: Affine) -> Weights:
    """The weights with which the layer does the map to what it gave: ``s·(W·x + b) + t``.

    Raises:
        BlockedError: If it cannot.
    """
    if type(layer) is layers.EinsumDense:
        return einsum_maps.after(layer, weights, affine)
    scale, shift = per_channel(affine, _axis(layer), weights["bias"].size)
    name = "pointwise_kernel" if type(layer) in _SEPARABLE else "kernel"
    kernel = weights[name]
    if type(layer) in _DEPTHWISE:
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    elif type(layer) in _TRANSPOSED:
        kernel = kernel * scale[:, None]
    else:
        kernel = kernel * scale
    return {**weights, name: kernel, "bias": weights["bias"] * scale + shift}


def before(layer: Any, weights: Weights, affine: Affine, taken: Shape) -> Weights:
    """The weights with which the layer does the map to what it takes: ``W·(s·x + t) + b``.

    Raises:
        BlockedError: If it cannot.
    """
    if type(layer) is layers.EinsumDense:
        return einsum_maps.before(layer, weights, affine, taken)
    scale, shift = per_channel(affine, _axis(layer), taken[channel_axis(layer)])
    if affine.has_shift:
        _require_all_places(layer, affine, taken)
    first = "depthwise_kernel" if type(layer) in _SEPARABLE else "kernel"
    kernel = weights[first]
    added = _over_places(kernel) * _along_input(layer, shift, kernel)
    if type(layer) in _SEPARABLE:
        added = added.ravel() @ _over_places(weights["pointwise_kernel"])
    elif type(layer) in _DEPTHWISE:
        added = added.ravel()
    else:
        added = added.sum(1 if type(layer) in _TRANSPOSED else 0)
    kernel = kernel * _along_input(layer, scale, kernel)
    return {**weights, first: kernel, "bias": weights["bias"] + added}


def _axis(layer: Any) -> int:
    """The channels' axis without the batch axis."""
    return 0 if channel_axis(layer) == 1 else -1


def _along_input(layer: Any, values: Array, kernel: Array) -> Array:
    """Numbers of the input's channels on the last two axes of a kernel."""
    if type(layer) in _TRANSPOSED:
        return values[None, :]
    if type(layer) in _CONVOLUTIONS:
        # The filters of a group see the channels of that group alone.
        return np.repeat(values.reshape(layer.groups, -1).T, kernel.shape[-1] // layer.groups, axis=1)
    return values[:, None]


def _over_places(kernel: Array) -> Array:
    """The sum of a convolution's kernel over its places."""
    return np.asarray(kernel.sum(axis=tuple(range(kernel.ndim - 2))))


def _require_all_places(layer: Any, affine: Affine, taken: Shape) -> None:
    """That each output adds up the same places, so that a shift adds the same to all."""
    what = f'"{layer.name}" ({type(layer).__name__})'
    if type(layer) in _TRANSPOSED:
        raise BlockedError(f"{what} adds up fewer places at the edges, where {affine.largest_shift} differs")
    if is_padded(layer, taken):
        raise BlockedError(f"{what} pads with 0, where {affine.largest_shift} would be missing")


def is_padded(layer: Any, taken: Shape) -> bool:
    """Whether a convolution sees zeros beyond the edges of an input of this shape."""
    padding = getattr(layer, "padding", "valid")
    if padding == "valid":
        return False
    sizes = taken[2:] if channel_axis(layer) == 1 else taken[1:-1]
    windows = zip(sizes, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    return any(_pads(padding, *window) for window in windows)


def _pads(padding: str, size: int | None, kernel: int, stride: int, dilation: int) -> bool:
    reach = (kernel - 1) * dilation
    if reach == 0:
        return False
    if padding == "causal" or size is None:
        return True
    return (math.ceil(size / stride) - 1) * stride + reach + 1 > size
