"""A network of a few weights, the rows it is trained on, and what training made of it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import polars as pl
from numpy.typing import NDArray

import normwise

ROWS, FEATURES, TARGET, WEIGHT = 300, ("a", "b", "c"), "target", "weight"


def small_table(rows: int = ROWS) -> pl.DataFrame:
    """Three features, classes 0 and 1, and weights; feature "a" is the row's number, as a share of all."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 3)).astype(np.float32)
    x[:, 0] = np.arange(rows) / rows
    columns = {name: x[:, j] for j, name in enumerate(FEATURES)}
    weight = random.uniform(0.5, 2, rows).astype(np.float32)
    return pl.DataFrame({**columns, TARGET: (x[:, 1] > 0).astype(np.int64), WEIGHT: weight})


def small_arrays(rows: int = ROWS) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The same as x, y and sample weights."""
    frame = small_table(rows)
    return frame.select(FEATURES).to_numpy(order="c"), frame[TARGET].to_numpy(), frame[WEIGHT].to_numpy()


def small_model() -> keras.Model:
    """Always with the same first weights."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "binary_crossentropy")
    return model


def trained(
    *data: Any,
    by_keras: bool = False,
    batch_size: int | None = 32,
    epochs: int = 2,
    shuffle: Any = False,
    **more: Any,
) -> tuple[list[NDArray[Any]], dict[str, list[float]]]:
    """The weights after a training, and its History."""
    model = small_model()
    options = {"batch_size": batch_size, "epochs": epochs, "shuffle": shuffle, "verbose": 0, **more}
    history = model.fit(*data, **options) if by_keras else normwise.fit(model, *data, **options)
    return model.get_weights(), history.history


def assert_same(found: Any, expected: Any) -> None:
    """Weights and Histories are equal, bit for bit."""
    assert found[1].keys() == expected[1].keys()
    for name, values in expected[1].items():
        assert found[1][name] == values, name
    for ours, theirs in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
