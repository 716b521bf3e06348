"""AffineScaler: what the scalers share whose map is y = (x − center)·scale + shift."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import RecordError
from normwise.scaling.affine import Affine, Vector
from normwise.scaling.columns import infinities, numbers_of
from normwise.scaling.scaler_record import ScalerRecord, read_scaler_record
from normwise.scaling.spread import require_finite, require_float32, warn_of_constants
from normwise.tables.atomic import atomic_path
from normwise.tables.like import like
from normwise.tables.statistics import column_statistics

if TYPE_CHECKING:
    from normwise.layers.feature_scaling import FeatureScaling


class AffineScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A scaler of one center, scale and shift a column, which `_constants` takes from the statistics."""

    def _constants(self, statistics: ColumnStatistics) -> tuple[Vector, Vector, Vector]:
        """Center, scale and shift of each column; sets the attributes that are the scaler's own."""
        raise NotImplementedError

    def _of_constants(self) -> float:
        """What a constant column becomes."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns the statistics of each column.

        Args:
            X: (rows, columns) of numbers: NumPy, pandas or Polars. NaN and null are ignored.
            y: Ignored.

        Returns:
            The scaler itself.

        Raises:
            ColumnError: If a column holds ±inf, or anything but numbers.
        """
        self._learn(column_statistics(numbers_of(self, X, fitting=True)))
        warn_of_constants(self.statistics_, type(self).__name__, self._of_constants())
        return self

    def _learn(self, statistics: ColumnStatistics) -> None:
        require_finite(np.array(statistics.infinities), statistics.names)
        self.statistics_ = statistics
        self.data_min_ = np.array(statistics.minima)
        self.data_max_ = np.array(statistics.maxima)
        self.center_, self.scale_, self.shift_ = self._constants(statistics)

    def transform(self, X: Any) -> Any:
        """The scaled table.

        Args:
            X: The columns of `fit`, in their order.

        Returns:
            A table of the kind of `X`; NaN and null stay where they are.

        Raises:
            ColumnError: If the columns are not those of `fit`, or hold ±inf or anything but numbers.
        """
        check_is_fitted(self, "statistics_")
        return self._map(X, Affine(self.center_, self.scale_, self.shift_))

    def inverse_transform(self, X: Any) -> Any:
        """The table in its own units again; a constant column comes back as its constant.

        Args:
            X: What `transform` gave.

        Returns:
            A table of the kind of `X`.

        Raises:
            ColumnError: As `transform`.
        """
        check_is_fitted(self, "statistics_")
        return self._map(X, Affine(self.center_, self.scale_, self.shift_).inverse())

    def _map(self, X: Any, affine: Affine) -> Any:
        numbers = numbers_of(self, X, fitting=False)
        require_finite(infinities(numbers), self.statistics_.names)
        if isinstance(numbers, np.ndarray):
            return affine.of_array(numbers)
        return like(affine.of_frame(numbers), X)

    def to_layer(self) -> FeatureScaling:
        """The scaler as a Keras layer, which computes what `transform` does, in the model.

        Returns:
            `normwise.FeatureScaling` over the last axis, in the order of the columns.

        Raises:
            ColumnError: If a column's scale overflows float32, which is what models compute in.
        """
        check_is_fitted(self, "statistics_")
        from normwise.layers.feature_scaling import FeatureScaling

        require_float32(self.statistics_, self.scale_)
        return FeatureScaling(self.center_.tolist(), self.scale_.tolist(), self.shift_.tolist())

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Writes the fitted scaler as JSON, whole or not at all.

        Raises:
            TableError: If the file exists and `overwrite` is false, or it cannot be written.
        """
        check_is_fitted(self, "statistics_")
        parameters = {name: tuple(float(v) for v in value) for name, value in self.get_params().items()}
        named = hasattr(self, "feature_names_in_")
        record = ScalerRecord(type(self).__name__, parameters, named, self.statistics_)
        with atomic_path(path, overwrite) as temporary:
            temporary.write_text(record.to_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The scaler that `save` wrote.

        Raises:
            RecordError: If the file is missing or malformed, was written by a newer version, or holds another
                scaler.
        """
        record = read_scaler_record(Path(path), cls.__name__)
        try:
            scaler = cls(**record.parameters)
            scaler.n_features_in_ = len(record.statistics.names)
            if record.named:
                scaler.feature_names_in_ = np.array(record.statistics.names, dtype=object)
            scaler._learn(record.statistics)
        except (TypeError, ValueError) as error:
            raise RecordError(f"{path} does not hold a usable {cls.__name__}: {error}") from error
        return scaler

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
