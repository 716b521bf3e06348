"""AffineScaler: what the scalers share whose map is y = (x − center)·scale + shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.affine import EVERYTHING, Affine, Limits, Vector
from normwise.scaling.scaler import Learned, Scaler
from normwise.scaling.spread import require_float32, require_float64

if TYPE_CHECKING:
    from normwise.layers.feature_scaling import FeatureScaling


class AffineScaler(Scaler):
    """A scaler of one center, scale and shift a column, which `_constants` gives."""

    def _constants(self, statistics: ColumnStatistics, learned: Learned) -> tuple[Vector, Vector, Vector]:
        """Center, scale and shift of each column; sets the attributes that are the scaler's own."""
        raise NotImplementedError

    def _limits(self) -> Limits:
        """What the result is clipped to."""
        return EVERYTHING

    def _learn(self, statistics: ColumnStatistics, learned: Learned) -> None:
        self.center_, self.scale_, self.shift_ = self._constants(statistics, learned)
        finite = np.isfinite([self.center_, self.scale_, self.shift_]).all(axis=0)
        require_float64(statistics, np.where(finite, 0.0, np.inf), "a constant of their map")
        with np.errstate(over="ignore"):
            away = np.max(np.abs([statistics.minima, statistics.maxima] - self.center_), axis=0)
        require_float64(statistics, np.nan_to_num(away, posinf=np.inf), "their distance from the center")

    def _formula(self) -> Affine:
        return Affine(self.center_, self.scale_, self.shift_, self._limits())

    def _inverse(self) -> Affine:
        return Affine(self.center_, self.scale_, self.shift_).inverse()

    def to_layer(self) -> FeatureScaling:
        """The scaler as a Keras layer, which computes what `transform` does, in the model.

        Returns:
            `normwise.FeatureScaling` over the last axis, in the order of the columns.

        Raises:
            ColumnError: If a column's center or scale overflows float32, which is what models compute in.
        """
        check_is_fitted(self, "statistics_")
        from normwise.layers.feature_scaling import FeatureScaling

        require_float32(self.statistics_, "the center", self.center_)
        require_float32(self.statistics_, "the scale", self.scale_)
        require_float32(self.statistics_, "the shift", self.shift_)
        limits = self._limits()
        return FeatureScaling(
            self.center_.tolist(),
            self.scale_.tolist(),
            self.shift_.tolist(),
            clip=None if limits == EVERYTHING else limits,
            **self._layer_options(),
        )
