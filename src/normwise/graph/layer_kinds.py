"""kind_of, function_of, is_one_call: what a layer or an operation is to a rule of the doctor."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from normwise.graph.kinds import is_activation, is_dropout, is_linear
from normwise.graph.layer_calls import ACTIVATION_LAYERS, activation_function, keeps_statistics
from normwise.graph.normalization_calls import BATCH_NORMALIZATIONS
from normwise.graph.walk import children
from normwise.layers.column_scaling import ColumnScaling
from normwise.layers.feature_scaling import FeatureScaling
from normwise.layers.piecewise_linear_encoding import PiecewiseLinearEncoding
from normwise.layers.power_scaling import PowerScaling
from normwise.layers.quantile_scaling import QuantileScaling

_ATTENTIONS = (
    *(layers.MultiHeadAttention, layers.GroupQueryAttention),
    *(layers.Attention, layers.AdditiveAttention),
)
_RECURRENT = (layers.RNN, layers.Bidirectional)
_ONE_CALL = (*_RECURRENT, *_ATTENTIONS, layers.TimeDistributed)
_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("batch normalization", BATCH_NORMALIZATIONS),
    ("linear", (layers.EinsumDense,)),
    (
        "normalization",
        (
            *(layers.LayerNormalization, layers.GroupNormalization),
            *(layers.RMSNormalization, layers.UnitNormalization),
        ),
    ),
    (
        "scaling",
        (
            *(layers.Rescaling, layers.Normalization, ColumnScaling, FeatureScaling),
            *(PiecewiseLinearEncoding, PowerScaling, QuantileScaling),
        ),
    ),
    ("recurrent", _RECURRENT),
    ("attention", _ATTENTIONS),
    ("embedding", (layers.Embedding,)),
    (
        "shape",
        (
            *(layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector, layers.Identity),
            *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
            *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
        ),
    ),
    (
        "merge",
        (
            *(layers.Add, layers.Average, layers.Concatenate, layers.Dot),
            *(layers.Maximum, layers.Minimum, layers.Multiply, layers.Subtract),
        ),
    ),
)
_SHAPE_OPERATIONS = (
    *("ExpandDims", "Flip", "GetItem", "Moveaxis", "Ravel", "Repeat", "Reshape", "Roll", "Split"),
    *("Squeeze", "Swapaxes", "Tile", "Transpose", "BroadcastTo", "Cast"),
)
_MERGE_OPERATIONS = (
    *("Add", "Concatenate", "Divide", "Hstack", "Maximum", "Minimum", "Multiply", "Stack"),
    *("Subtract", "Vstack", "Where"),
)
_SCALING_OPERATIONS = ("Add", "Divide", "Multiply", "Subtract", "TrueDivide")


def is_scaling(operation: Any, args: Any) -> bool:
    """Whether a call of an operation moves and stretches a tensor by constants, as in ``x / 255``."""
    if type(operation).__name__ not in _SCALING_OPERATIONS or len(args) != 2:
        return False
    tensors = [isinstance(value, keras.KerasTensor) for value in args]
    constants = not any(isinstance(value, keras.Variable) for value in args)
    divided_by = "Divide" in type(operation).__name__ and tensors[1]
    return constants and sum(tensors) == 1 and not divided_by


def kind_of(layer: Any) -> str:
    """The kind of a layer or an operation, as `normwise.core.model_record.LayerRecord` lists them."""
    if not isinstance(layer, layers.Layer):
        return _kind_of_operation(layer)
    return next(kind for kind, fits in _TESTS if fits(layer))


def draws_noise(layer: Any) -> bool:
    """Whether it draws random numbers in training alone, and does not augment, whose noise is data.

    Of Keras' internals this leans on `Layer._seed_generators` and `Layer._call_has_training_arg`.
    """
    augments = type(layer).__module__.startswith("keras.src.layers.preprocessing.")
    return bool(layer._seed_generators and layer._call_has_training_arg) and not augments


def function_of(layer: Any) -> str:
    """The activation function that a layer or an operation applies last, by its name; "" for none."""
    if not isinstance(layer, layers.Layer):
        return snake_case(type(layer).__name__) if is_activation(layer) else ""
    if type(layer) in ACTIVATION_LAYERS:
        return activation_function(layer)
    function = None if isinstance(layer, _ONE_CALL) else getattr(layer, "activation", None)
    if function is None or function is keras.activations.linear:
        return ""
    if isinstance(function, layers.Layer):
        return function_of(function)
    return str(getattr(function, "__name__", type(function).__name__)) if callable(function) else ""


def is_one_call(layer: Any) -> bool:
    """Whether a call of it counts as one: it holds no layers, but for its own activation, or hides them."""
    own = getattr(layer, "activation", None)
    return isinstance(layer, _ONE_CALL) or all(child is own for child in children(layer))


def snake_case(name: str) -> str:
    """A class's name as that of a function.

    Example:
        >>> snake_case("LeakyRelu"), snake_case("Relu6"), snake_case("ReLU")
        ('leaky_relu', 'relu6', 'relu')
    """
    # Keras calls the operation of `ops.relu` a Relu, and that of `activations.relu` a ReLU.
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("ReLU", "Relu")).lower()


def _kind_of_operation(operation: Any) -> str:
    name = type(operation).__name__
    if is_activation(operation):
        return "activation"
    if name in _SHAPE_OPERATIONS:
        return "shape"
    if name in _MERGE_OPERATIONS:
        return "merge"
    return "pooling" if name in ("MaxPool", "AveragePool") else "other"


def _is_one_of(types: tuple[type, ...], layer: Any) -> bool:
    return isinstance(layer, types)


def _is_pooling(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.") and "Pooling" in type(layer).__name__


_TESTS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("linear", is_linear),
    ("activation", is_activation),
    ("dropout", is_dropout),
    *((kind, functools.partial(_is_one_of, types)) for kind, types in _KINDS),
    ("batch normalization", keeps_statistics),
    ("pooling", _is_pooling),
    ("shape", lambda layer: isinstance(layer, layers.Activation)),  # of the linear function
    ("other", is_one_call),
    ("model", lambda _: True),
)
