"""Batches of two: with two values a channel, batch normalization gives two numbers, whatever it is given.

Of two values one is above their mean and one below, by the same: x̂ is −1 and 1 but for ε. What the network
learns from is which of two rows is larger; at inference it gets real numbers, which it has never seen.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import normwise


def network() -> keras.Sequential:
    """Two hidden layers, each normalized."""
    keras.utils.set_random_seed(0)
    hidden = [
        layer
        for _ in range(2)
        for layer in (layers.Dense(64, use_bias=False), layers.BatchNormalization(), layers.ReLU())
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")], name="digits")
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train with batches of 2, ask the doctor, and train the same network with batches of 32."""
    pixels, y = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype("float32")
    x, x_new, y, y_new = train_test_split(pixels, y, test_size=0.5, random_state=0, stratify=y)
    model = network()
    model.fit(x, y, epochs=8, batch_size=2, verbose=0)
    print(f"batches of 2: accuracy on new rows {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")

    result = normwise.apply_remedies(model, x, y, select=["NRM401"], batch_size=2)
    found = result.before.findings
    assert found, "the doctor finds a small batch"
    print(f"the doctor: {found[0].code} {found[0].defect} in {len(found)} layers")
    print(f"its advice: {found[0].remedy.text}")
    assert not result.applied, "how it is trained, the user decides"

    mended = network()
    mended.fit(x, y, epochs=8, batch_size=32, verbose=0)
    print(f"batches of 32: {mended.evaluate(x_new, y_new, verbose=0)[1]:.2f}")
    after = normwise.diagnose(mended, x, y, select=["NRM401"], batch_size=32)
    assert not after.findings


if __name__ == "__main__":
    main()
