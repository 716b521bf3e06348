"""QuantileScaling: the layer that a fitted quantile scaler becomes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.core.normal_distribution import Operations, quantile
from normwise.layers._knot_tables import FIELDS, Knots, KnotTables
from normwise.layers._per_feature import PerFeature, column

Columns = Sequence[Sequence[float]]
_OUTPUTS = ("uniform", "normal")
_KERAS = Operations(ops.where, ops.sqrt, ops.log, ops.exp, ops.abs)
_LEAST = 1e-7
"""How near a probability comes to 0 and 1 before it turns normal: ±5.199, as in scikit-learn."""
_FARTHEST = float(np.finfo(np.float32).max) / 4


@keras.saving.register_keras_serializable(package="normwise")
class QuantileScaling(PerFeature):
    """Maps each feature to its rank in the data that its knots were taken from, uniform or normal.

    ``p(x)`` is linear from ``highₖ`` at knot eₖ to ``lowₖ₊₁`` at the next one, ``(lowₖ + highₖ)/2`` at a
    knot, 0 below the first and 1 above the last; `output` says whether that is the result or
    ``Φ⁻¹(clip(p, 1e-7, 1 − 1e-7))``, which ends at ±5.199. A feature without knots becomes 0.

    Computed in float32 at least, about an origin of each column, so that one at offset 1e6 keeps its digits;
    the upper half of the normal output comes from 1 − p. Knots that the precision cannot tell apart become
    one. There are no variables.

    Args:
        knots: Per feature, its knots in its unit, which rise strictly.
        low: Per feature, the probability of each knot coming from below.
        high: Likewise coming from above; larger than `low` where the knot is a value that many rows have.
        output: ``"uniform"`` or ``"normal"``.
        missing: ``"keep"`` leaves NaN as it is; ``"zero"`` makes it 0 in the output. Its gradient is 0.
        infinite: ``"keep"`` computes with ±inf as it stands; ``"null"`` takes it for a missing value.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Input shape: (…, features). Output shape: the same, in the policy's compute dtype.

    Raises:
        ValueError: If knots do not rise strictly or are beyond ±8.5e37, probabilities leave [0, 1], fall or
            are not one a knot, the input has other features, or `output`, `missing` or `infinite` is unknown.

    Example:
        >>> layer = QuantileScaling([[0.0, 10.0, 20.0]], low=[[0.0, 0.2, 1.0]], high=[[0.0, 0.6, 1.0]])
        >>> layer(np.array([[-1.0], [5.0], [10.0], [15.0]])).tolist()
        [[0.0], [0.10000000149011612], [0.4000000059604645], [0.800000011920929]]
    """

    def __init__(
        self,
        knots: Columns,
        low: Columns,
        high: Columns,
        output: str = "uniform",
        missing: str = "keep",
        infinite: str = "keep",
        **kwargs: Any,
    ) -> None:
        if output not in _OUTPUTS:
            raise ValueError(f'output must be "uniform" or "normal", got {output!r}')
        if not len(knots) == len(low) == len(high) > 0:
            raise ValueError(
                "knots, low and high must have one list a feature, "
                f"got {len(knots)}, {len(low)} and {len(high)} lists"
            )
        super().__init__(len(knots), "the knots", missing, infinite, **kwargs)
        self.output_distribution = output
        self._columns = [_column(i, *c) for i, c in enumerate(zip(knots, low, high, strict=True))]
        # A method's cache would be shared by all layers and keep them alive.
        self._tables = functools.cache(self._make_tables)

    def _make_tables(self, dtype: str) -> KnotTables:
        return KnotTables.of(self._columns, 0.0 if self.output_distribution == "uniform" else 0.5, dtype)

    def _map(self, x: Any, dtype: str) -> Any:
        tables = self._tables(dtype)
        # Infinity less infinity would be NaN.
        x = ops.clip(x, -_FARTHEST, _FARTHEST) - ops.convert_to_tensor(tables.origin)
        position = _search(x, tables)
        found = ops.take(ops.convert_to_tensor(tables.rows), position, axis=0)
        row = {name: found[..., i] for i, name in enumerate(FIELDS)}
        tie = x == row["start"]
        ahead = ops.clip((x - row["start"]) * row["rate"], 0.0, 1.0)
        p = ops.where(tie, row["middle"], row["low"] + row["rise"] * ahead)
        if self.output_distribution == "uniform":
            return p
        left = ops.clip((row["end"] - x) * row["rate"], 0.0, 1.0)
        q = ops.where(tie, row["middle_above"], row["high"] + row["rise"] * left)
        # As a tensor, and by clip: on torch, a number counts as float32, and maximum makes that of float64.
        least = ops.convert_to_tensor(_LEAST, dtype)
        return quantile(ops.clip(p, least, 1.0), ops.clip(q, least, 1.0), _KERAS)

    def get_config(self) -> dict[str, Any]:
        """The arguments, in float64: what JSON gives back is what was given."""
        knots, low, high = ([v.tolist() for v in c] for c in zip(*self._columns, strict=True))
        config = {"knots": knots, "low": low, "high": high, "output": self.output_distribution}
        return {**super().get_config(), **config}


def _search(x: Any, tables: KnotTables) -> Any:
    """The row of each value, by bisection: the last whose edge is not above it."""
    first = np.arange(len(tables.origin), dtype=np.int32) * tables.width
    position = ops.broadcast_to(ops.convert_to_tensor(first), ops.shape(x))
    edges, step = ops.convert_to_tensor(tables.edges), tables.width // 2
    while step:
        probe = position + step
        position = ops.where(ops.take(edges, probe, axis=0)[..., 0] <= x, probe, position)
        step //= 2
    return position


def _column(i: int, knots: Any, low: Any, high: Any) -> Knots:
    names = (f"the knots of feature {i}", f"the probabilities low of feature {i}", f"high of feature {i}")
    e, a, b = (
        np.asarray(column(n, list(v)), np.float64) for n, v in zip(names, (knots, low, high), strict=True)
    )
    if not len(e) == len(a) == len(b):
        raise ValueError(f"feature {i} has {len(e)} knots, but {len(a)} probabilities low and {len(b)} high")
    if not (np.diff(e) > 0).all():
        k = int(np.flatnonzero(np.diff(e) <= 0)[0])
        raise ValueError(f"the knots of feature {i} must rise strictly, got {e[k]} before {e[k + 1]}")
    if (np.abs(e) > _FARTHEST).any():
        raise ValueError(f"the knots of feature {i} must lie within ±{_FARTHEST:.3g}, got {np.abs(e).max()}")
    path = np.stack([a, b], axis=1).ravel()
    if (np.diff(path, prepend=0.0, append=1.0) < 0).any():
        k = int(np.flatnonzero(np.diff(path, prepend=0.0, append=1.0) < 0)[0])
        walk = [0.0, *path.tolist(), 1.0]
        raise ValueError(
            f"the probabilities of feature {i} must rise from 0 to 1, low before high, "
            f"got {walk[k]} before {walk[k + 1]}"
        )
    return e, a, b
