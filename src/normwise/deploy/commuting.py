"""forward, backward: an affine map on the other side of a layer, where the two commute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from normwise.deploy.affine import Affine
from normwise.deploy.blocked_error import BlockedError
from normwise.layers.dropout import Dropout

Shape = tuple[Any, ...]


class Place(NamedTuple):
    """A layer, or a raw operation, with the shapes of what it takes and what it gives."""

    layer: Any
    taken: Shape
    given: Shape

    def __str__(self) -> str:
        return f'"{self.layer.name}" ({type(self.layer).__name__})'


Mover = Callable[[Affine, Place], Affine]

_NOISE = (
    *(layers.Dropout, layers.GaussianDropout, layers.AlphaDropout, layers.GaussianNoise, Dropout),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
)
_AT_INFERENCE_NOTHING = (*_NOISE, layers.Identity, layers.ActivityRegularization)
_AVERAGES = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
_MAXIMA = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
_GLOBAL_AVERAGES = (
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
)
_GLOBAL_MAXIMA = (layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
_CROPPINGS = (layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
_PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
_REPEATS = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)


def forward(affine: Affine, place: Place) -> Affine:
    """The map B with ``layer(A(x)) = B(layer(x))``; `affine` is A.

    Raises:
        BlockedError: If there is none.
    """
    return _mover(place, 0)(affine, place)


def backward(affine: Affine, place: Place) -> Affine:
    """The map A with ``layer(A(x)) = B(layer(x))``; `affine` is B.

    Raises:
        BlockedError: If there is none.
    """
    return _mover(place, 1)(affine, place)


def concatenated(layer: Any, affine: Affine, shapes: list[Shape], places: list[int]) -> Affine:
    """The map behind a Concatenate that takes this one at some of its places, and nothing at the others."""
    axis, widths = _joint(layer, shapes)

    def joined(values: Any, neutral: float) -> Any:
        def part(place: int, width: int) -> Any:
            sizes = [*values.shape[:axis], width, *values.shape[axis + 1 :]]
            return np.broadcast_to(values, sizes) if place in places else np.full(sizes, neutral)

        return np.concatenate([part(place, width) for place, width in enumerate(widths)], axis)

    return Affine(joined(affine.scale, 1.0), joined(affine.shift, 0.0))


def separated(layer: Any, affine: Affine, shapes: list[Shape]) -> list[Affine]:
    """The maps before each place of a Concatenate that are together this one behind it."""
    axis, widths = _joint(layer, shapes)
    ends = np.cumsum(widths)[:-1]

    def parts(values: Any) -> Any:
        sizes = [*values.shape[:axis], sum(widths), *values.shape[axis + 1 :]]
        return np.split(np.broadcast_to(values, sizes), ends, axis)

    return [Affine(*both).reduced() for both in zip(parts(affine.scale), parts(affine.shift), strict=True)]


def _joint(layer: Any, shapes: list[Shape]) -> tuple[int, list[int]]:
    """The axis of a Concatenate without the batch's, and how wide each of its tensors is there."""
    axis = layer.axis % len(shapes[0]) - 1
    widths = [shape[axis + 1] for shape in shapes]
    if axis < 0 or None in widths:
        raise BlockedError(
            f'"{layer.name}" (Concatenate) joins along axis {layer.axis}, whose size is not known'
        )
    return axis, widths


def _mover(place: Place, direction: int) -> Mover:
    layer = place.layer
    if type(layer) is layers.Activation and layer.activation is keras.activations.linear:
        return _unchanged
    if type(layer) not in _MOVERS:
        raise BlockedError(f"{place} does not commute with it")
    return _MOVERS[type(layer)][direction]


def _unchanged(affine: Affine, _: Place) -> Affine:
    return affine


def _window(affine: Affine, place: Place) -> Affine:
    """Of a layer that keeps the axes, and gives values from places around."""
    if affine.varies_along(_spatial(place)):
        raise BlockedError(f"it differs from place to place, and {place} mixes places")
    return affine


def _largest(affine: Affine, place: Place) -> Affine:
    if (affine.scale < 0.0).any():
        raise BlockedError(
            f"{place} takes the largest, which a factor of {affine.scale.min():.3g} makes the smallest"
        )
    return _window(affine, place)


def _padded(affine: Affine, place: Place) -> Affine:
    if affine.has_shift:
        raise BlockedError(f"{place} pads with 0, where {affine.largest_shift} would be missing")
    return _window(affine, place)


def _nearest(affine: Affine, place: Place) -> Affine:
    if getattr(place.layer, "interpolation", "nearest") != "nearest":
        raise BlockedError(f"{place} interpolates ({place.layer.interpolation})")
    return _window(affine, place)


def _global(rule: Mover, back: bool) -> Mover:
    def moved(affine: Affine, place: Place) -> Affine:
        axes = tuple(_spatial(place))
        if place.layer.keepdims:
            return rule(affine, place)
        if back:
            return rule(affine.reshaped(lambda v: np.expand_dims(v, axes)), place)
        return rule(affine, place).reshaped(lambda v: v.squeeze(axes))

    return moved


def _reshaped(affine: Affine, place: Place) -> Affine:
    return _in_other_axes(affine, place, place.taken, place.given)


def _reshaped_back(affine: Affine, place: Place) -> Affine:
    return _in_other_axes(affine, place, place.given, place.taken)


def _in_other_axes(affine: Affine, place: Place, old: Shape, new: Shape) -> Affine:
    """The same numbers on the axes of another shape; a Flatten of channels-first moves these last."""
    if not affine.varies_along(range(len(old) - 1)):
        return affine.reshaped(lambda v: v.reshape([1] * (len(new) - 1)))
    if None in old[1:] or None in new[1:]:
        raise BlockedError(f"{place} has a size that is not known")
    channels_last_first = getattr(place.layer, "_channels_first", False) and len(place.taken) > 2

    def there(values: Any) -> Any:
        whole = np.broadcast_to(values, old[1:])
        if not channels_last_first:
            return whole.reshape(new[1:])
        if old is place.taken:
            return np.moveaxis(whole, 0, -1).reshape(new[1:])
        return np.moveaxis(whole.reshape((*new[2:], new[1])), -1, 0)

    return affine.reshaped(there).reduced()


def _permuted(affine: Affine, place: Place) -> Affine:
    return affine.reshaped(lambda v: v.transpose([d - 1 for d in place.layer.dims]))


def _permuted_back(affine: Affine, place: Place) -> Affine:
    return affine.reshaped(lambda v: v.transpose(np.argsort(place.layer.dims)))


def _repeated(affine: Affine, _: Place) -> Affine:
    return affine.reshaped(lambda v: v[None])


def _repeated_back(affine: Affine, place: Place) -> Affine:
    if affine.varies_along([0]):
        raise BlockedError(f"it differs from step to step, and {place} makes all alike")
    return affine.reshaped(lambda v: v[0])


def _spatial(place: Place) -> range:
    """The axes of the places, without the batch axis."""
    rank = len(place.taken)
    first = getattr(place.layer, "data_format", "channels_last") == "channels_first"
    return range(1, rank - 1) if first else range(rank - 2)


_MOVERS: dict[type, tuple[Mover, Mover]] = {
    **dict.fromkeys(_AT_INFERENCE_NOTHING, (_unchanged, _unchanged)),
    **dict.fromkeys((*_AVERAGES, *_CROPPINGS), (_window, _window)),
    **dict.fromkeys(_MAXIMA, (_largest, _largest)),
    **dict.fromkeys(_GLOBAL_AVERAGES, (_global(_window, False), _global(_window, True))),
    **dict.fromkeys(_GLOBAL_MAXIMA, (_global(_largest, False), _global(_largest, True))),
    **dict.fromkeys(_REPEATS, (_nearest, _nearest)),
    **dict.fromkeys(_PADDINGS, (_padded, _padded)),
    layers.Flatten: (_reshaped, _reshaped_back),
    layers.Reshape: (_reshaped, _reshaped_back),
    layers.Permute: (_permuted, _permuted_back),
    layers.RepeatVector: (_repeated, _repeated_back),
}
