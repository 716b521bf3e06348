"""PowerScaling: the layer that a fitted power transform becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.layers._per_feature import PerFeature, column, common_size
from normwise.layers._power_half import PowerHalf, origin_of, select

Numbers = float | Sequence[float]
_METHODS = ("yeo-johnson", "log1p")


@keras.saving.register_keras_serializable(package="normwise")
class PowerScaling(PerFeature):
    """Bends each feature by a power or the logarithm, then shifts and scales it.

    ``y = (T(x) − center)·scale``, with T of Yeo & Johnson for one λ a feature,

        T(x) = ((1 + x)^λ − 1)/λ              for x ≥ 0 and λ ≠ 0;   log(1 + x) for λ = 0
        T(x) = −((1 − x)^(2−λ) − 1)/(2 − λ)   for x < 0 and λ ≠ 2;   −log(1 − x) for λ = 2

    or ``T(x) = log(1 + x)``, which is defined for x > −1; any other x counts as missing.

    Computed in float32 at least, about the x whose T is `center`: a float32 column at offset 1e6 keeps its
    digits, as does λ beside 0 or 2. A power that would pass e^87 times its value at the center stays there,
    and infinity counts as the largest number. There are no variables.

    Args:
        method: ``"yeo-johnson"`` or ``"log1p"``.
        lambdas: λ, one number a feature or one for all; with ``"log1p"`` there is none.
        center: What is subtracted from T, likewise.
        scale: What the difference is multiplied by, likewise.
        missing: ``"keep"`` makes what is missing NaN in the output, ``"zero"`` makes it 0; its gradient is 0.
        infinite: ``"keep"`` computes with ±inf as it stands; ``"null"`` takes it for a missing value.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Input shape: (…, features). Output shape: the same, in the policy's compute dtype.

    Raises:
        ValueError: If a number is not finite, the lengths disagree with each other or with the input's last
            axis, `method`, `missing` or `infinite` is unknown, or λ is missing or given in vain.

    Example:
        >>> layer = PowerScaling("yeo-johnson", lambdas=[0.0, 2.0], center=[1.0, 0.0], scale=2.0)
        >>> keras.ops.convert_to_numpy(layer(np.array([[np.expm1(1.0), 1.0], [0.0, -1.0]]))).round(4)
        array([[ 0.    ,  3.    ],
               [-2.    , -1.3863]], dtype=float32)

    Source:
        Yeo & Johnson 2000, "A new family of power transformations to improve normality or symmetry", eq. 2.1.
    """

    def __init__(
        self,
        method: str,
        lambdas: Numbers | None = None,
        center: Numbers = 0.0,
        scale: Numbers = 1.0,
        missing: str = "keep",
        infinite: str = "keep",
        **kwargs: Any,
    ) -> None:
        if method not in _METHODS:
            raise ValueError(f'method must be "yeo-johnson" or "log1p", got {method!r}')
        if (lambdas is None) != (method == "log1p"):
            raise ValueError(
                f'lambdas must be given with "yeo-johnson" alone, got {lambdas!r} with "{method}"'
            )
        columns = {"lambdas": column("lambdas", 0.0 if lambdas is None else lambdas)}
        columns["center"] = column("center", center, "float64")
        columns["scale"] = column("scale", scale, "float64")
        super().__init__(common_size(columns), "lambdas, center and scale", missing, infinite, **kwargs)
        self.method = method
        self.lambdas = None if lambdas is None else columns["lambdas"]
        self.center, self.scale = columns["center"], columns["scale"]
        self._halves = self._about_center()

    def _about_center(self) -> tuple[PowerHalf, PowerHalf | None]:
        center, scale = np.asarray(self.center), np.asarray(self.scale)
        lambdas = np.asarray(0.0 if self.lambdas is None else self.lambdas)
        if self.lambdas is None:
            # One curve, not two halves, so that its origin may lie below 0; beside −1 it would cancel.
            origin = np.maximum(origin_of(center, lambdas), -0.75)
            return _checked(PowerHalf.about(origin, lambdas, 1.0, center, scale)), None
        above, below = (
            origin_of(np.maximum(center, 0), lambdas),
            origin_of(np.maximum(-center, 0), 2 - lambdas),
        )
        return (
            _checked(PowerHalf.about(above, lambdas, 1.0, center, scale)),
            _checked(PowerHalf.about(below, 2 - lambdas, -1.0, center, scale)),
        )

    def _map(self, x: Any, dtype: str) -> Any:
        largest = float(np.finfo(dtype).max) / 4
        x = ops.clip(x, -largest, largest)
        above, below = self._halves
        if below is None:
            outside = x <= -1.0
            y = above.cast(dtype).of(ops.where(outside, 0.0, x), dtype)
            return ops.where(outside, self._instead, y)
        positive = x >= 0.0
        half = select(positive, above.cast(dtype), below.cast(dtype))
        # Not |x|, whose gradient at 0 is 0.
        return half.of(ops.where(positive, x, -x), dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, in float64: what JSON gives back is what was given."""
        numbers = {"lambdas": self.lambdas, "center": self.center, "scale": self.scale}
        return {**super().get_config(), "method": self.method, **numbers}


def _checked(half: PowerHalf) -> PowerHalf:
    with np.errstate(over="ignore"):
        usable = np.isfinite(np.float32(half.gain)) & np.isfinite(np.float32(half.shift))
    if not usable.all():
        i = int(np.flatnonzero(~np.atleast_1d(usable))[0])
        gain, shift = (np.atleast_1d(v * np.ones(usable.shape))[i] for v in (half.gain, half.shift))
        raise ValueError(
            f"feature {i} cannot be scaled in float32: its slope is {gain:.6g} and its offset {shift:.6g}; "
            "expected a center and a scale that bring T(x) to the size of 1"
        )
    return half
