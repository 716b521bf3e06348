"""An EinsumDense that does an affine map as well, and the one that does nothing but such a map."""

from __future__ import annotations

import string
from typing import Any

import keras
import numpy as np

from normwise.deploy.affine import Affine, Array
from normwise.deploy.blocked_error import BlockedError
from normwise.deploy.normalization_maps import floats

Shape = tuple[Any, ...]


def labels(layer: Any, taken: int) -> tuple[str, str, str]:
    """The equation's letters for input, kernel and output, with one for each axis that "..." stands for.

    Args:
        layer: The EinsumDense.
        taken: How many axes its input has.

    Example:
        >>> labels(keras.layers.EinsumDense("...x,xy->...y", output_shape=4), taken=3)
        ('abx', 'xy', 'aby')
    """
    left, output = layer.equation.replace(" ", "").split("->")
    inputs, kernel = left.split(",")
    unused = [c for c in string.ascii_letters if c not in layer.equation]
    elided = "".join(unused[: taken - len(inputs.replace("...", ""))])
    return inputs.replace("...", elided), kernel, output.replace("...", elided)


def bias_axes(layer: Any, bias: Array) -> str:
    """The letters of the output's axes along which a bias varies, as the layer is to be told them."""
    _, kernel, output = labels(layer, layer.input_spec.ndim)
    varying = {letter for letter, size in zip(output[1:], bias.shape, strict=True) if size != 1}
    wanted = varying | set(layer.bias_axes or "")
    # Along an axis of size 1 nothing varies either; some axis there must be.
    return "".join(c for c in output[1:] if c in wanted) or next(c for c in output[::-1] if c in kernel)


def whole_bias(layer: Any, given: Shape) -> Array:
    """The bias on all axes of the output but the batch's; zeros if there is none."""
    if layer.bias is None:
        return np.zeros([1] * (len(given) - 1))
    bias = floats(layer.bias)
    return bias.reshape([1] * (len(given) - 1 - bias.ndim) + list(bias.shape))


def after(layer: Any, weights: dict[str, Array], affine: Affine) -> dict[str, Array]:
    """The weights with which the layer does the map to what it gave."""
    _, kernel, output = labels(layer, layer.input_spec.ndim)
    _require(layer, affine, output, kernel)
    bias = weights["bias"] * affine.scale + affine.shift
    return {"kernel": weights["kernel"] * _on(kernel, affine.scale, output), "bias": bias}


def before(layer: Any, weights: dict[str, Array], affine: Affine, taken: Shape) -> dict[str, Array]:
    """The weights with which the layer does the map to what it takes."""
    inputs, kernel, output = labels(layer, len(taken))
    _require(layer, affine, inputs, kernel)
    summed = [c for c in inputs if c not in output and c not in kernel]
    if affine.has_shift and summed:
        raise BlockedError(
            f'"{layer.name}" (EinsumDense) adds up axes that its kernel does not have: {summed}'
        )
    rest = [c for c in output[1:] if c in kernel]
    added = np.einsum(f"{kernel}->{''.join(rest)}", weights["kernel"] * _on(kernel, affine.shift, inputs))
    sizes = dict(zip(rest, added.shape, strict=True))
    bias = weights["bias"] + added.reshape([sizes.get(c, 1) for c in output[1:]])
    return {"kernel": weights["kernel"] * _on(kernel, affine.scale, inputs), "bias": bias}


def scale_and_shift(shape: Shape, axes: list[int], **kwargs: Any) -> Any:
    """A layer of Keras that does a map and nothing else: ``y = kernel·x + bias`` along some axes.

    Args:
        shape: The shape of what it takes.
        axes: The axes along which the map may vary, the batch's counted as 0.
        **kwargs: Keras' layer arguments.
    """
    letters = string.ascii_letters[: len(shape)]
    along = "".join(letters[axis] for axis in axes)
    return keras.layers.EinsumDense(
        f"{letters},{along}->{letters}", output_shape=shape[1:], bias_axes=along, **kwargs
    )


def own_weights(affine: Affine, shape: Shape, axes: list[int]) -> dict[str, Array]:
    """The numbers of a map as the weights of the layer that `scale_and_shift` makes."""
    sizes = [shape[axis] if axis in axes else 1 for axis in range(1, len(shape))]
    scale, shift = (np.broadcast_to(values, sizes) for values in (affine.scale, affine.shift))
    return {"kernel": scale.reshape([shape[axis] for axis in axes]), "bias": shift}


def _require(layer: Any, affine: Affine, letters: str, kernel: str) -> None:
    """That the map varies only along axes of a tensor that are the kernel's too."""
    if letters[0] in kernel:
        raise BlockedError(
            f'the kernel of "{layer.name}" (EinsumDense, {layer.equation}) has the axis of the batch'
        )
    lacking = [c for c, size in zip(letters[1:], affine.sizes, strict=True) if size != 1 and c not in kernel]
    if lacking:
        raise BlockedError(
            f'the kernel of "{layer.name}" (EinsumDense, {layer.equation}) lacks the axis of the map'
        )


def _on(kernel: str, values: Array, letters: str) -> Array:
    """Numbers along the axes of a tensor, brought to those of a kernel."""
    there = [c for c in letters[1:] if c in kernel]
    small = values.reshape([n for c, n in zip(letters[1:], values.shape, strict=True) if c in kernel])
    ordered = small.transpose([there.index(c) for c in kernel if c in there])
    sizes = iter(ordered.shape)
    return ordered.reshape([next(sizes) if c in there else 1 for c in kernel])
