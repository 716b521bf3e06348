"""The network learns nothing: the columns of the table are in units that differ a hundred thousand times.

The areas of cells in the breast cancer data go up to 4254, their smoothness to 0.16. The largest columns
saturate the network at its first step, and gradients are 0 from there on.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import normwise


def main() -> None:
    """Train on the columns as they are, ask the doctor, put in a scaling layer, and train as long again."""
    keras.utils.set_random_seed(0)
    table, y = load_breast_cancer(return_X_y=True)
    x, x_new, y, y_new = train_test_split(
        table.astype("float32"), y, test_size=0.3, random_state=0, stratify=y
    )
    print(f"accuracy of always saying the same: {max(y_new.mean(), 1 - y_new.mean()):.2f}")
    columns = keras.Input((30,), name="columns")
    hidden = layers.Dense(16, "relu")(columns)
    model = keras.Model(columns, layers.Dense(1, "sigmoid")(hidden), name="cells")
    model.compile(keras.optimizers.Adam(0.001), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=32, verbose=0)
    print(f"columns as they are: accuracy on new rows {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")

    result = normwise.apply_remedies(model, x, y, safety="all", select=["NRM101"], batch_size=32)
    (found,) = result.before.findings
    print(f"the doctor: {found.code} {found.defect}, {found.value:.0f} times")
    assert not result.after.findings
    model.fit(x, y, epochs=20, batch_size=32, verbose=0)
    print(f"as long again as they are: {model.evaluate(x_new, y_new, verbose=0)[1]:.2f}")
    mended = result.model
    mended.fit(x, y, epochs=20, batch_size=32, verbose=0)
    print(f"as long again behind a scaling layer: {mended.evaluate(x_new, y_new, verbose=0)[1]:.2f}")


if __name__ == "__main__":
    main()
