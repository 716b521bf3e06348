"""The tabular network: scaled numbers, encoded categories, then normalized hidden layers."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import polars as pl
from keras import ops

from normwise.core.errors import NormwiseWarning
from normwise.core.run_record import ColumnSchema
from normwise.layers.batch_normalization import BatchNormalization
from normwise.layers.feature_scaling import FeatureScaling
from normwise.layers.piecewise_linear_encoding import PiecewiseLinearEncoding, quantile_edges
from normwise.scaling import StandardScaler
from normwise.workflows.encode_table import EncodedTable, codes_of, feature_names
from normwise.workflows.presets import Preset

ROWS_PER_BIN = 100
FEWEST_BINS = 4
"""A bin is worth its weights from so many rows on, and a curve from so many bins on."""

BINS = "piecewise_linear_encoding"
"""The name of the layer that encodes numbers by their quantile bins."""


def tabular_network(
    columns: tuple[ColumnSchema, ...], encoded: EncodedTable, outputs: int, preset: Preset, seed: int | None
) -> keras.Model:
    """The network for a table, its numeric scaling included.

    Inputs, each left out where the table has none: ``numeric`` (float32, NaN where missing),
    ``one_hot_codes`` and ``embedding_codes`` (int32 codes). Output: ``outputs`` class probabilities, or one
    standardized number if it is 1.

    Args:
        columns: The schema of the table.
        encoded: The training rows: their moments and quantiles become constants of the first layers.
        outputs: Number of classes, or 1 for regression.
        preset: The settings.
        seed: The seed of the initial weights and of dropout; None leaves them to Keras' global one.
    """
    seeds: Iterator[Any] = itertools.repeat(None)
    if seed is not None:
        seeds = (int(s) for s in np.random.SeedSequence(seed).generate_state(1000 + len(columns)) >> 1)
    inputs, parts = _inputs(columns, encoded, preset, seeds)
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="features")(parts)
    for i, units in enumerate(preset.hidden_units, start=1):
        x = _dense(units, preset, seeds, preset.use_bias, f"dense_{i}")(x)
        x = BatchNormalization(name=f"batch_normalization_{i}")(x)
        x = keras.layers.Activation(preset.activation, name=f"{preset.activation}_{i}")(x)
        x = keras.layers.Dropout(preset.dropout, seed=next(seeds), name=f"dropout_{i}")(x)
    x = _dense(outputs, preset, seeds, True, "output")(x)
    if outputs > 1:
        if preset.normalize_output:
            x = BatchNormalization(name="batch_normalization_output")(x)
        x = keras.layers.Activation("softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, x, name="tabular_network")


def scaling_of(columns: tuple[ColumnSchema, ...], encoded: EncodedTable) -> StandardScaler:
    """The scaler of the numeric features, fitted on the training rows."""
    with warnings.catch_warnings():
        # A part of a date may be constant (every hour 0): nothing that the table's owner can mend.
        warnings.simplefilter("ignore", NormwiseWarning)
        return StandardScaler().fit(pl.DataFrame(encoded.numeric, schema=list(feature_names(columns))))


def _inputs(
    columns: tuple[ColumnSchema, ...], encoded: EncodedTable, preset: Preset, seeds: Iterator[Any]
) -> tuple[dict[str, Any], list[Any]]:
    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    for name, array in encoded.inputs().items():
        inputs[name] = keras.Input((array.shape[1],), dtype=str(array.dtype), name=name)
    if "numeric" in inputs:
        parts += _numeric(inputs["numeric"], columns, encoded, preset)
    one_hot = [c for c in columns if c.encoding == "one-hot"]
    parts += [ops.one_hot(inputs["one_hot_codes"][:, i], codes_of(c)) for i, c in enumerate(one_hot)]
    embedded = [c for c in columns if c.encoding == "embedding"]
    for i, column in enumerate(embedded):
        parts.append(_embedding(column, i, seeds)(inputs["embedding_codes"][:, i]))
    return inputs, parts


def _numeric(x: Any, columns: tuple[ColumnSchema, ...], encoded: EncodedTable, preset: Preset) -> list[Any]:
    layer = scaling_of(columns, encoded).to_layer()
    scaling = FeatureScaling.from_config({**layer.get_config(), "missing": "zero", "name": "feature_scaling"})
    bins = min(preset.quantile_bins, len(encoded.numeric) // ROWS_PER_BIN)
    edges = quantile_edges(encoded.numeric, bins) if bins >= FEWEST_BINS else ()
    if not any(edges):
        return [scaling(x)]
    return [scaling(x), PiecewiseLinearEncoding(edges, name=BINS)(x)]


def quantile_bins(columns: tuple[ColumnSchema, ...], model: keras.Model) -> dict[str, int]:
    """How many quantile bins the network reads each numeric column by; columns without any are left out."""
    members = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    layers = [layer for layer in (members[0] if members else model).layers if layer.name == BINS]
    if not layers:
        return {}
    bins = {name: len(e) - 1 for name, e in zip(feature_names(columns), layers[0].edges, strict=True)}
    return {c.name: bins[c.name] for c in columns if bins.get(c.name, 0) > 0}


def _embedding(column: ColumnSchema, index: int, seeds: Iterator[Any]) -> keras.layers.Layer:
    codes = codes_of(column)
    initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=next(seeds))
    return keras.layers.Embedding(codes, embedding_units(codes), initializer, name=f"embedding_{index + 1}")


def embedding_units(codes: int) -> int:
    """Width of an embedding: ``1.6 · codes^0.56``, at most 64: fastai's rule for tables."""
    return min(64, round(1.6 * math.pow(codes, 0.56)))


def _dense(units: int, preset: Preset, seeds: Iterator[Any], use_bias: bool, name: str) -> keras.layers.Layer:
    initializer = keras.initializers.get(
        {"class_name": preset.kernel_initializer, "config": {"seed": next(seeds)}}
    )
    return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=initializer, name=name)
