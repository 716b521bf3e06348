"""Which models fit which targets, and by which loss they learn."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import losses

from normwise.core.errors import ModelError
from normwise.workflows.training_target import Target
from normwise.workflows.why_objective import objective_of

TWO = Target("bought", "classification", np.array([0, 1]), ("no", "yes"), "String")
THREE = Target("level", "classification", np.array([0, 1, 2]), ("a", "b", "c"), "String")
NUMBER = Target("price", "regression", np.array([0.5, 1.5]), (), "Float64")
SPARSE, CATEGORICAL, BINARY = (
    losses.SparseCategoricalCrossentropy,
    losses.CategoricalCrossentropy,
    losses.BinaryCrossentropy,
)


def network(units: int, last: str | None = None, loss: Any = None) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, last)], name="n")
    if loss is not None:
        model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    ("model", "target", "outputs", "name"),
    [
        (network(2, "softmax"), TWO, "probabilities", "sparse_categorical_crossentropy"),
        (network(3), THREE, "logits", "sparse_categorical_crossentropy"),
        (network(1, "sigmoid"), TWO, "probability", "binary_crossentropy"),
        (network(1), TWO, "logit", "binary_crossentropy"),
        (network(1), NUMBER, "number", "mean_squared_error"),
        (
            network(3, "softmax", "categorical_crossentropy"),
            THREE,
            "probabilities",
            "categorical_crossentropy",
        ),
        (network(3, None, CATEGORICAL(from_logits=True)), THREE, "logits", "categorical_crossentropy"),
        (network(2, None, [SPARSE(from_logits=True)]), TWO, "logits", "sparse_categorical_crossentropy"),
        (network(1, None, BINARY(from_logits=True)), TWO, "logit", "binary_crossentropy"),
        (network(1, None, losses.mean_absolute_error), NUMBER, "number", "mean_absolute_error"),
        (network(1, None, losses.Huber()), NUMBER, "number", "huber"),
    ],
)
def test_what_fits(model: keras.Model, target: Target, outputs: str, name: str) -> None:
    found = objective_of(model, "n.keras", target)
    assert (found.outputs, found.name) == (outputs, name)
    y = np.array([1, 0]) if target.classes else np.array([0.5, 0.0], "float32")
    z = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], "float32")[:, : model.outputs[0].shape[-1]]
    at = np.arange(2), y.astype(int)
    if name == "mean_absolute_error":
        expected = np.abs(z[:, 0] - y)
    elif name in ("mean_squared_error", "huber"):
        expected = (z[:, 0] - y) ** 2 / (1 if name == "mean_squared_error" else 2)
    elif outputs == "logit":
        expected = np.log1p(np.exp(z[:, 0])) - y * z[:, 0]
    elif outputs == "probability":
        expected = -np.log(np.where(y == 1, z[:, 0], 1 - z[:, 0]))
    elif outputs == "logits":
        expected = np.log(np.exp(z).sum(axis=1)) - z[at]
    else:
        expected = -np.log(z[at] / z.sum(axis=1))
    # As in compile, which makes a loss of a function.
    model.compile("sgd", found.loss)
    assert float(model.compute_loss(None, y, z)) == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (
            network(3),
            TWO,
            'n.keras has 3 outputs, and column "bought" has 2 classes ("no", "yes"); expected 2',
        ),
        (
            network(1),
            THREE,
            'n.keras has 1 outputs, and column "level" has 3 classes ("a", "b", "c"); expected 3',
        ),
        (network(2), NUMBER, 'n.keras gives 2 numbers a row, and column "price" is one number'),
        (
            network(1, "relu"),
            NUMBER,
            'n.keras ends with the activation "relu"; expected linear, for the target is',
        ),
        (network(1, "tanh"), TWO, 'the activation "tanh"; expected sigmoid or linear, for its output is the'),
        (
            network(2, "sigmoid"),
            TWO,
            'the activation "sigmoid"; expected softmax or linear, for each of the 2',
        ),
        (
            network(2, None, "hinge"),
            TWO,
            'with the loss "hinge", by which its logits cannot be compared on the',
        ),
        (
            network(1, None, "mse"),
            TWO,
            "expected binary_crossentropy, or a model that is not compiled. To predict",
        ),
        (
            network(1, None, "poisson"),
            NUMBER,
            '"poisson", by which its number cannot be compared on the column',
        ),
        (
            network(2, None, SPARSE()),
            TWO,
            "ends with no softmax or sigmoid, and its loss sparse_categorical_cross",
        ),
        (
            network(1, "sigmoid", BINARY(from_logits=True)),
            TWO,
            "has from_logits=True; expected from_logits=False",
        ),
    ],
)
def test_what_does_not_fit(model: keras.Model, target: Target, message: str) -> None:
    with pytest.raises(ModelError) as error:
        objective_of(model, "n.keras", target)
    assert message in str(error.value)
