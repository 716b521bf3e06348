"""What a layer is to an insertion: linear, an activation, dropout, a normalization."""

from __future__ import annotations

import inspect
from typing import Any

import keras
from keras import layers

from normwise.layers.batch_normalization import BatchNormalization

_CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D, layers.SeparableConv2D),
)
_ACTIVATIONS = (layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax)
_OPERATIONS = {name.replace("_", "") for name, _ in inspect.getmembers(keras.activations, inspect.isfunction)}
_DROPOUTS = (
    *(layers.Dropout, layers.GaussianDropout, layers.AlphaDropout),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
)
_NORMALIZATIONS = (
    *(layers.BatchNormalization, BatchNormalization, layers.LayerNormalization),
    *(layers.GroupNormalization, layers.RMSNormalization),
)


def is_linear(layer: Any) -> bool:
    """Whether it is a Dense or a convolution (of Keras itself: a subclass may compute anything)."""
    return type(layer) is layers.Dense or type(layer) in _CONVOLUTIONS


def is_activation(layer: Any) -> bool:
    """Whether it is an activation of its own, as a layer or as an operation such as `keras.ops.relu`."""
    if isinstance(layer, layers.Activation):
        return layer.activation is not keras.activations.linear
    if isinstance(layer, layers.Layer):
        return isinstance(layer, _ACTIVATIONS)
    # The operation of `leaky_relu` is a LeakyRelu, that of `relu` a Relu or a ReLU.
    kind = type(layer)
    return kind.__module__.startswith("keras.") and kind.__name__.lower() in _OPERATIONS


def is_dropout(layer: Any) -> bool:
    """Whether it is a dropout layer."""
    return isinstance(layer, _DROPOUTS)


def is_normalization(layer: Any) -> bool:
    """Whether it normalizes hidden values by statistics of them."""
    return isinstance(layer, _NORMALIZATIONS)


def has_weights(layer: Any) -> bool:
    """Whether it has weights; an activation with some, such as PReLU, does not count."""
    return isinstance(layer, layers.Layer) and bool(layer.weights) and not is_activation(layer)


def fused_activation(layer: Any) -> Any:
    """The activation inside a layer, or None if that is linear or absent."""
    activation = getattr(layer, "activation", None)
    return None if activation is keras.activations.linear else activation


def channel_axis(layer: Any) -> int:
    """The axis of the channels in a linear layer's output."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1
