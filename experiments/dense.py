"""Dense networks with normalization and dropout in this place or that; how they are trained and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from experiments.study import Found, Told
from keras import layers

import normwise
from normwise.training import fit_many

Make = Callable[[], Any]
Rows = tuple[np.ndarray, np.ndarray]
Models = Sequence[keras.Model]


def dense_network(
    width: int,
    hidden: Sequence[int],
    activation: str,
    normalization: Make | None = normwise.BatchNormalization,
    placement: str = "before",
    dropout: str = "none",
    rate: float = 0.0,
    initializer: Make = keras.initializers.GlorotUniform,
    momentum: float = 0.0,
) -> keras.Model:
    """A compiled classifier of ten classes that gives logits.

    Args:
        width: Of the input.
        hidden: Units of each hidden layer.
        activation: Its name.
        normalization: Makes a layer, for each place; None is the network without.
        placement: ``"before"`` the activation, ``"after"`` it, or ``"both"``.
        dropout: ``"none"``, ``"in front of each"`` normalization, ``"behind each"`` block, or ``"behind the
            last"`` block.
        rate: Of the dropout.
        initializer: Makes the initializer of a kernel.
        momentum: Of SGD, whose learning rate is set where it is trained.
    """

    def normalized(x: Any, number: int, place: str) -> Any:
        if normalization is None or placement not in (place, "both"):
            return x
        if dropout == "in front of each":
            x = normwise.Dropout(rate)(x)
        layer = normalization()
        layer.name = f"normalization_{place}_{number}"
        return layer(x)

    inputs = x = keras.Input((width,))
    for i, units in enumerate(hidden, start=1):
        no_bias = normalization is not None and placement in ("before", "both")
        x = layers.Dense(units, use_bias=not no_bias, kernel_initializer=initializer(), name=f"dense_{i}")(x)
        x = normalized(x, i, "before")
        x = layers.Activation(activation, name=f"activation_{i}")(x)
        x = normalized(x, i, "after")
        if dropout == "behind each" or (dropout == "behind the last" and i == len(hidden)):
            x = normwise.Dropout(rate)(x)
    model = keras.Model(inputs, layers.Dense(10, kernel_initializer=initializer(), name="logits")(x))
    return compiled(model, momentum)


def compiled(model: keras.Model, momentum: float) -> keras.Model:
    """The model with SGD, for logits."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=momentum), loss, metrics=["accuracy"])
    return model


@dataclass(frozen=True)
class Sweep:
    """How a network is trained at several rates from several seeds, side by side.

    Args:
        rates: Learning rates.
        seeds: Seeds at each.
        batch_size: Rows a step.
        epochs: Epochs.
    """

    rates: Sequence[float]
    seeds: Sequence[int]
    batch_size: int
    epochs: int

    def train(self, model: keras.Model, training: Rows, validation: Rows, told: Told) -> tuple[Found, Models]:
        """Trains.

        Returns:
            The validation loss at the end, by rate and seed, and the rate whose median is the lowest; and the
            models of that rate.
        """
        runs = fit_many(
            model,
            *training,
            self.batch_size,
            self.epochs,
            seeds=[seed for _ in self.rates for seed in self.seeds],
            learning_rates=[rate for rate in self.rates for _ in self.seeds],
            validation_data=validation,
            validation_batch_size=min(500, len(validation[1])),
            on_epoch_end=lambda epoch, _: told((epoch + 1) / self.epochs),
        )
        n = len(self.seeds)
        losses = np.array([h.history["val_loss"][-1] for h in runs.histories]).reshape(-1, n)
        best = int(np.argmin(np.median(np.nan_to_num(losses, nan=np.inf), axis=1)))
        found = {"learning rates": list(self.rates), "validation loss": losses, "best": self.rates[best]}
        return found, runs.models[best * n : (best + 1) * n]


def accuracies(models: Models, x: np.ndarray, y: np.ndarray) -> list[float]:
    """The share that each of several models of one architecture gets right, at inference, by one program."""
    import jax

    @jax.jit
    def guess(trainable: Any, other: Any) -> Any:
        return models[0].stateless_call(trainable, other, x, training=False)[0].argmax(-1)

    found = []
    for model in models:
        kinds = (model.trainable_variables, model.non_trainable_variables)
        guesses = guess(*([variable.value for variable in kind] for kind in kinds))
        found.append(float(np.mean(np.asarray(guesses) == y)))
    return found
