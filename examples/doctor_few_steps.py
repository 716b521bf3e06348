"""Training is fine and validation is hardly better than chance: the moving statistics have just begun.

Keras' moving averages begin at mean 0 and variance 1. After t steps at momentum 0.99 a share of 0.99ᵗ of that
is left, 55% after 60 steps. Training normalizes by the batch and does not notice; inference does.
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
    """Six convolutions, each normalized, for pictures of 8 × 8."""
    hidden = [
        layer
        for _ in range(6)
        for layer in (
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        )
    ]
    last = [layers.GlobalAveragePooling2D(), layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *hidden, *last], name="digits")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train for 60 steps, ask the doctor, and recalibrate."""
    keras.utils.set_random_seed(0)
    pixels, y = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype("float32").reshape(-1, 8, 8, 1)
    x, x_new, y, y_new = train_test_split(pixels, y, test_size=0.5, random_state=0, stratify=y)
    model = network()
    history = model.fit(x, y, epochs=4, batch_size=64, verbose=0).history
    steps = int(model.optimizer.iterations)
    print(f"after {steps} steps: accuracy in training {history['accuracy'][-1]:.2f}")
    print(f"accuracy on new rows: {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")

    result = normwise.apply_remedies(model, x, y, batch_size=64)
    stale = [applied.finding for applied in result.applied if applied.finding.code == "NRM403"]
    assert stale, "the doctor finds stale statistics"
    print(f"the doctor: {stale[0].code} {stale[0].defect} in {len(stale)} layers")
    accuracy = result.model.evaluate(x_new, y_new, verbose=0)[1]
    print(f"after recalibration, with the same weights: {accuracy:.2f}")
    assert "NRM403" not in {finding.code for finding in result.after.findings}


if __name__ == "__main__":
    main()
