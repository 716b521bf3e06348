"""Dropout before batch normalization: training sees a variance that inference lacks, once a layer.

At rate 0.5 a rectified value has two and a half times the variance of inference. The moving variance learns
that, so that each normalization divides by too much at inference; each one behind it has that on top.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import normwise

EPOCHS = 10


def network() -> keras.Sequential:
    """Four hidden layers, each with dropout and a normalization."""
    hidden = [
        layer
        for _ in range(4)
        for layer in (
            layers.Dense(64, "relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(momentum=0.9),
        )
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")], name="digits")
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train, ask the doctor, lower the rates, and train as long again, with and without the change."""
    keras.utils.set_random_seed(0)
    pixels, y = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype("float32")
    x, x_new, y, y_new = train_test_split(pixels, y, test_size=0.5, random_state=0, stratify=y)
    model = network()
    model.fit(x, y, epochs=EPOCHS, batch_size=32, verbose=0)
    print(f"trained: accuracy on new rows {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")

    result = normwise.apply_remedies(model, x, y, safety="all", select=["NRM303"], batch_size=32)
    found = result.before.findings
    assert found, "the doctor finds dropout before a normalization"
    ratio = max(finding.value for finding in found)
    print(f"the doctor: {found[0].code} {found[0].defect} in {len(found)} layers, up to {ratio:.1f} times")
    mended = result.model
    assert not result.after.findings

    model.fit(x, y, epochs=EPOCHS, batch_size=32, verbose=0)
    print(f"as long again at the same rates: {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")
    mended.fit(x, y, epochs=EPOCHS, batch_size=32, verbose=0)
    print(f"as long again at the lowered rates: {mended.evaluate(x_new, y_new, verbose=0)[1]:.2f}")


if __name__ == "__main__":
    main()
