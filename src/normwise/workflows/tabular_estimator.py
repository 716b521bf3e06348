"""What the tabular classifier and regressor share: from a table to a trained network."""

from __future__ import annotations

import dataclasses
import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from normwise.core.errors import ColumnError, NormwiseWarning, TableError, did_you_mean
from normwise.core.run_record import ColumnSchema, TableSchema
from normwise.tables import as_frame
from normwise.workflows.encode_table import EncodedTable, encode_table
from normwise.workflows.feature_statistics import feature_statistics
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.presets import PRESETS, Preset
from normwise.workflows.stratified import held_out_rows


class TabularEstimator(BaseEstimator):  # type: ignore[misc]
    """The common part of `TabularClassifier` and `TabularRegressor`; see there."""

    task: ClassVar[str]

    def __init__(
        self,
        preset: str = "default",
        *,
        hidden_units: Sequence[int] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        ensemble: int | None = None,
        validation_fraction: float = 0.15,
        column_kinds: Mapping[str, str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.preset = preset
        self.hidden_units = hidden_units
        self.activation = activation
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.ensemble = ensemble
        self.validation_fraction = validation_fraction
        self.column_kinds = column_kinds
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def resolved_preset(self) -> Preset:
        """The preset with this estimator's own settings in it.

        Raises:
            ValueError: If a setting is unknown or out of its range.
        """
        if self.preset not in PRESETS:
            raise ValueError(f'unknown preset "{self.preset}". {did_you_mean(str(self.preset), PRESETS)}')
        own = (
            "hidden_units",
            "activation",
            "dropout",
            "learning_rate",
            "batch_size",
            "epochs",
            "patience",
            "ensemble",
        )
        given = {name: getattr(self, name) for name in own if getattr(self, name) is not None}
        if "hidden_units" in given:
            given["hidden_units"] = _widths(given["hidden_units"])
        preset = dataclasses.replace(PRESETS[self.preset], **given)
        _check_settings(preset, self.validation_fraction)
        return preset

    def _fit(
        self,
        X: Any,
        targets: NDArray[Any],
        outputs: int,
        weights: NDArray[np.float32] | None,
        schema: Mapping[str, Any],
        callbacks: Sequence[Any],
    ) -> Self:
        """Fits on class numbers or standardized floats; `schema` is the target's part of the schema."""
        import keras

        from normwise.training.compilation_cache import use_compilation_cache
        from normwise.workflows.network import quantile_bins, tabular_network
        from normwise.workflows.train_ensemble import train_ensemble
        from normwise.workflows.train_network import Rows, train_network

        if keras.backend.backend() == "jax":
            use_compilation_cache()  # before the network is built, which compiles some dozen small programs
        preset = self.resolved_preset()
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        frame = self._frame_to_fit(X, len(targets))
        columns = infer_columns(frame, self.column_kinds)
        encoded = encode_table(frame, columns)
        chosen = self._validation_rows(targets, outputs, seed)

        def rows(index: NDArray[np.intp]) -> Rows:
            inputs = {name: array[index] for name, array in encoded.inputs().items()}
            return Rows(inputs, targets[index], None if weights is None else weights[index])

        training = np.flatnonzero(~chosen)
        learnt = encoded.rows(training)
        data = rows(training), rows(np.flatnonzero(chosen)) if chosen.any() else None
        if preset.ensemble == 1:
            self.model_ = tabular_network(columns, learnt, outputs, preset, seed)
            result = train_network(self.model_, *data, preset, seed, callbacks, self.verbose)
        else:
            architecture = tabular_network(columns, learnt, outputs, preset, None)
            self.model_, result = train_ensemble(architecture, *data, preset, seed, callbacks)
        self.history_, self.best_epoch_, self.ending_ = result.history, result.best_epoch, result.ending
        self.n_iter_ = len(next(iter(result.history.values()), ()))
        self.schema_ = TableSchema(
            columns=_with_bins(columns, quantile_bins(columns, self.model_)),
            task=self.task,
            statistics=feature_statistics(learnt, columns),
            **schema,
        )
        self.validation_rows_ = int(chosen.sum())
        return self

    def _frame_to_fit(self, X: Any, targets: int) -> pl.DataFrame:
        frame = _as_table(X)
        if frame.height != targets:
            raise TableError(
                f"X has {frame.height} rows, but y has {targets} values; expected one value a row"
            )
        if targets == 1:
            raise TableError("X has 1 sample, a single row; expected at least 2 rows to learn from")
        self.n_features_in_ = frame.width
        if _has_names(X):
            self.feature_names_in_ = np.array(frame.columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return frame

    def _validation_rows(self, targets: NDArray[Any], outputs: int, seed: int) -> NDArray[np.bool_]:
        """Which rows choose the best epoch: a share of each class; none where the table is too small."""
        held = held_out_rows(targets if outputs > 1 else len(targets), self.validation_fraction, seed)
        return held if held.sum() >= max(outputs, 2) else np.zeros_like(held)

    def _outputs(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self, "model_")
        from normwise.workflows.predict_table import network_outputs

        return network_outputs(self.model_, self._encode_new(X))

    def _encode_new(self, X: Any) -> EncodedTable:
        frame = _as_table(X)
        if not (_has_names(X) and hasattr(self, "feature_names_in_")):
            if frame.width != self.n_features_in_:
                raise ColumnError(
                    f"X has {frame.width} features, but {type(self).__name__} is expecting"
                    f" {self.n_features_in_} features as input, in the order they were fitted in"
                )
            frame = frame.rename(
                dict(zip(frame.columns, [c.name for c in self.schema_.columns], strict=True))
            )
        encoded = encode_table(frame, self.schema_.columns)
        for note in encoded.notes:
            warnings.warn(note, NormwiseWarning, stacklevel=4)
        return encoded


def _with_bins(columns: tuple[ColumnSchema, ...], bins: Mapping[str, int]) -> tuple[ColumnSchema, ...]:
    """The columns, with the quantile bins they are read by told in their reasons."""
    told = {name: f"; also read by its {count} quantile bins" for name, count in bins.items()}
    return tuple(dataclasses.replace(c, reason=c.reason + told.get(c.name, "")) for c in columns)


def _as_table(X: Any) -> pl.DataFrame:
    """The features as a frame; an array must have rows and columns."""
    shape = np.shape(X) if isinstance(X, np.ndarray) else None
    if shape is not None and len(shape) != 2:
        raise TableError(
            f"Expected rows and columns, got an array of shape {shape}. Reshape your data:"
            " X.reshape(-1, 1) if it is one column, X.reshape(1, -1) if it is one row."
        )
    frame = as_frame(X)
    rows = shape[0] if shape is not None else frame.height
    if frame.width == 0:
        raise TableError(f"X has 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    return frame


def _has_names(X: Any) -> bool:
    # In this order: Polars warns whoever asks a lazy frame for its columns.
    return hasattr(X, "collect_schema") or hasattr(X, "columns") or isinstance(X, Mapping)


def _widths(hidden_units: Any) -> tuple[int, ...]:
    try:
        return tuple(operator.index(units) for units in hidden_units)
    except TypeError as error:
        raise ValueError(
            f"hidden_units={hidden_units!r} is not a sequence of whole numbers, such as (64, 64)"
        ) from error


def _check_settings(preset: Preset, validation_fraction: float) -> None:
    ranges = (
        ("hidden_units", min(preset.hidden_units, default=1) >= 1, "positive widths"),
        ("dropout", 0 <= preset.dropout < 1, "at least 0 and below 1"),
        ("learning_rate", 0 < preset.learning_rate < math.inf, "above 0 and finite"),
        ("batch_size", preset.batch_size >= 1, "at least 1"),
        ("epochs", preset.epochs >= 1, "at least 1"),
        ("ensemble", preset.ensemble >= 1, "at least 1"),
        ("patience", preset.patience is None or preset.patience >= 1, "at least 1"),
    )
    for name, right, expected in ranges:
        if not right:
            raise ValueError(f"{name}={getattr(preset, name)} is out of its range; expected {expected}")
    if not 0 <= validation_fraction < 1:
        raise ValueError(
            f"validation_fraction={validation_fraction} is out of its range; expected at least 0, below 1"
        )
