"""The article's network, everything as it is written there, in today's Keras, on UCI Adult: raw and scaled.

Run it: ``NORMWISE_DATA=folder python examples/article.py``, where ``folder/adult`` holds adult.data and
adult.test (https://doi.org/10.24432/C5XW20); or ``python examples/article.py --openml``: it downloads them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import polars as pl
from keras.layers import Activation, Dense, Dropout
from keras.optimizers.schedules import InverseTimeDecay
from numpy.typing import NDArray
from sklearn.preprocessing import OrdinalEncoder

from normwise import BatchNormalization
from normwise.scaling import MinMaxScaler

FEATURES = 14
TEST_ROWS = 16_281


class Table(NamedTuple):
    """Features as numbers (rows, 14) and classes as 0 or 1 (rows,), for training and for the test."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    x_test: NDArray[np.float64]
    y_test: NDArray[np.int64]


def network() -> keras.Sequential:
    """The listing. Three normalizations, the last one before the softmax."""
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            Dense(64, kernel_initializer="random_uniform"),
            BatchNormalization(),
            Activation("tanh"),
            Dropout(0.5),
            Dense(64, kernel_initializer="random_uniform"),
            BatchNormalization(),
            Activation("tanh"),
            Dropout(0.5),
            Dense(2, kernel_initializer="random_uniform"),
            BatchNormalization(),
            Activation("softmax"),
        ]
    )
    # What decay=1e-6 was in Keras 1: at update t, counted from 0, the rate is 0.1 / (1 + 1e-6·t).
    rate = InverseTimeDecay(0.1, decay_steps=1, decay_rate=1e-6)
    sgd = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
    return model


def train(table: Table, epochs: int) -> tuple[float, float]:
    """Loss and accuracy on the test rows, after 20 epochs unless told otherwise."""
    keras.utils.set_random_seed(0)
    model = network()
    labels, labels_test = np.eye(2)[table.y], np.eye(2)[table.y_test]
    model.fit(table.x, labels, epochs=epochs, batch_size=16, validation_split=0.2, verbose=2)
    loss, accuracy = model.evaluate(table.x_test, labels_test, batch_size=1024, verbose=0)
    return float(loss), float(accuracy)


def read_folder() -> Table:
    """Adult from the folder that NORMWISE_DATA names; text is coded by integers, in alphabetical order."""
    named = os.environ.get("NORMWISE_DATA")
    files = [Path(named or "", "adult", name) for name in ("adult.data", "adult.test")]
    if not named or not all(f.is_file() for f in files):
        looked = f"{files[0]} or {files[1]} is absent" if named else "NORMWISE_DATA is not set"
        sys.exit(
            f"The UCI Adult data were not found: {looked}. Set NORMWISE_DATA to a folder that holds "
            "adult/adult.data and adult/adult.test (https://doi.org/10.24432/C5XW20), or pass --openml to "
            "download the data from OpenML."
        )
    training, test = (_cells(f) for f in files)
    texts = [name for name in training.columns[:FEATURES] if not _is_numeric(training[name])]
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(
        training[texts].to_numpy()
    )

    def features(frame: pl.DataFrame) -> NDArray[np.float64]:
        codes = coder.transform(frame[texts].to_numpy())
        coded = frame.with_columns(pl.Series(n, codes[:, i]) for i, n in enumerate(texts))
        return coded[:, :FEATURES].cast(pl.Float64).to_numpy()

    def classes(frame: pl.DataFrame) -> NDArray[np.int64]:
        return frame[:, FEATURES].str.starts_with(">50K").to_numpy().astype(np.int64)

    return Table(features(training), classes(training), features(test), classes(test))


def _cells(file: Path) -> pl.DataFrame:
    # The first line of adult.test is a comment, the last of both files is blank, commas have a space behind.
    frame = pl.read_csv(file, has_header=False, comment_prefix="|", infer_schema=False)
    if frame.width != FEATURES + 1:
        sys.exit(f"{file} has {frame.width} columns; Adult has {FEATURES + 1}.")
    return frame.with_columns(pl.all().str.strip_chars()).drop_nulls()


def _is_numeric(column: pl.Series) -> bool:
    return column.cast(pl.Float64, strict=False).null_count() == 0


def read_openml() -> Table:
    """Adult from OpenML, version 2, over the network; text is coded by integers, in OpenML's order."""
    from sklearn.datasets import fetch_openml

    # This parser codes text by integers itself, and does without pandas.
    bunch = fetch_openml("adult", version=2, as_frame=False, parser="liac-arff")
    x = np.nan_to_num(np.asarray(bunch.data, np.float64), nan=-1.0)
    y = (np.asarray(bunch.target) == ">50K").astype(np.int64)
    return Table(x[:-TEST_ROWS], y[:-TEST_ROWS], x[-TEST_ROWS:], y[-TEST_ROWS:])


def scaled(table: Table) -> Table:
    """Each feature to [0, 1], by the range of the training rows that `fit` trains on."""
    scaler = MinMaxScaler().fit(table.x[: int(0.8 * len(table.x))])
    return table._replace(x=scaler.transform(table.x), x_test=scaler.transform(table.x_test))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The article's network on UCI Adult, raw and scaled.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--raw", action="store_true", help="only with the features as they are")
    which.add_argument("--scaled", action="store_true", help="only with the features scaled to [0, 1]")
    parser.add_argument(
        "--openml", action="store_true", help="download the data instead of reading NORMWISE_DATA"
    )
    parser.add_argument("--epochs", type=int, default=20, help="default: 20, as in the article")
    parser.add_argument("--rows", type=int, help="use only so many rows of each file, to try it out")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train on the features as they are, then on scaled ones, and print the two results."""
    given = arguments(argv)
    table = read_openml() if given.openml else read_folder()
    table = Table(*(a[: given.rows] for a in table))
    results = {}
    if not given.scaled:
        print("Features as they are:")
        results["raw"] = train(table, given.epochs)
    if not given.raw:
        print("Features scaled to [0, 1]:")
        results["scaled"] = train(scaled(table), given.epochs)
    for name, (loss, accuracy) in results.items():
        print(f"{name:7} adult.test: loss {loss:.4f}, accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
