"""A frozen network is of no use on pictures of another camera: its statistics are those of the first one.

Frozen batch normalizations normalize by the statistics that they were frozen with. Where the new pictures are
paler and brighter, nothing behind them is centred any more, and a new last layer has little to learn from.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import normwise


def base_network() -> keras.Sequential:
    """What is trained on the first camera's pictures, and frozen."""
    hidden = [
        layer
        for width in (16, 32)
        for layer in (layers.Conv2D(width, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU())
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), *hidden, layers.GlobalAveragePooling2D()], name="base")


def with_head(base: keras.Sequential) -> keras.Sequential:
    """The base with a last layer for ten digits."""
    model = keras.Sequential([keras.Input((8, 8, 1)), base, layers.Dense(10, "softmax")], name="digits")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train on one camera, freeze, train a head for another one, ask the doctor, and train the head again."""
    keras.utils.set_random_seed(0)
    pixels, y = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype("float32").reshape(-1, 8, 8, 1)
    x, x_new, y, y_new = train_test_split(pixels, y, test_size=0.5, random_state=0, stratify=y)
    base = base_network()
    first = with_head(base)
    first.fit(x, y, epochs=15, batch_size=32, verbose=0)
    print(f"the first camera: accuracy {first.evaluate(x_new, y_new, verbose=0)[1]:.2f}")

    pale, pale_new = (np.float32(0.2) * part + np.float32(3) for part in (x, x_new))
    base.trainable = False
    model = with_head(base)
    model.fit(pale, y, epochs=15, batch_size=32, verbose=0)
    accuracy = model.evaluate(pale_new, y_new, verbose=0)[1]
    print(f"the other camera, a new last layer on the frozen base: {accuracy:.2f}")

    result = normwise.apply_remedies(model, pale, y, safety="all", select=["NRM405"], batch_size=32)
    found = result.before.findings
    assert found, "the doctor finds frozen statistics of other data"
    print(f"the doctor: {found[0].code} {found[0].defect} in {len(found)} layers")
    mended = result.model
    mended.fit(pale, y, epochs=15, batch_size=32, verbose=0)
    print(f"recalibrated, the last layer trained again: {mended.evaluate(pale_new, y_new, verbose=0)[1]:.2f}")
    assert not result.after.findings


if __name__ == "__main__":
    main()
