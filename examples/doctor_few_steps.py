"""Training is fine and validation is hardly better than chance: the moving statistics have just begun.

Keras' moving averages begin at mean 0 and variance 1. After t steps at momentum 0.99 a share of 0.99ᵗ of that
is left, 64% after 45 steps. Training normalizes by the batch and does not notice; inference does.
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
    """Five hidden layers, each normalized, for the digits' 64 pixels from 0 to 16."""
    hidden = [
        layer
        for _ in range(5)
        for layer in (layers.Dense(64, use_bias=False), layers.BatchNormalization(), layers.ReLU())
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")], name="digits")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train for 45 steps, ask the doctor, and recalibrate."""
    keras.utils.set_random_seed(0)
    x, y = load_digits(return_X_y=True)
    x, x_new, y, y_new = train_test_split(x.astype("float32"), y, test_size=0.5, random_state=0, stratify=y)
    model = network()
    history = model.fit(x, y, epochs=3, batch_size=64, verbose=0).history
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
