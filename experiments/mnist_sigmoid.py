"""The paper's first experiment: three layers of 100 sigmoids on MNIST, without and with batch normalization.

    python -m experiments.mnist_sigmoid [--quick] [--out FILE]

Ioffe & Szegedy 2015, section 4.1 and figure 1: binary inputs of 28 × 28, three fully connected hidden layers
of 100 sigmoids, weights from small Gaussians, ten classes by cross-entropy, batches of 60, 50,000 steps. The
paper tells neither the deviation of the Gaussians nor the learning rate nor whether there is momentum: here
the deviation is 0.05, there is none, and two learning rates are shown. One is SLOW; the other is the one of
RATES by which the network *without* normalization has the lowest training loss in a short search: its own
best, not ours.

Every so many steps the share of the test images that is right at inference is noted, and the percentiles 15,
50 and 85 of what goes into each sigmoid of the last hidden layer, over the step's batch of 60.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from experiments.dense import dense_network
from experiments.images import images
from experiments.study import Found, Study, Told, main

import normwise
from normwise.training import fit_many, probes

ARMS = ("without", "with")
SLOW = 0.1
RATES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SEARCH = "search"
FULL = {
    "hidden units": [100, 100, 100],
    "batch size": 60,
    "epochs": 50,
    "epochs of the search": 6,
    "training rows": 60_000,
    "test rows": 10_000,
    "deviation of the initial weights": 0.05,
    "learning rates of the search": list(RATES),
    "slow learning rate": SLOW,
    "seeds": [0, 1, 2],
    "measured every": 250,
}
QUICK = FULL | {
    "hidden units": [16, 16, 16],
    "epochs": 2,
    "epochs of the search": 1,
    "training rows": 1_200,
    "test rows": 200,
    "learning rates of the search": [0.1, 1.0],
    "seeds": [0, 1],
    "measured every": 10,
}


class TestAccuracy:
    """A probe: the share of the test images that is right, at inference."""

    name, unit = "test_accuracy", ""
    definition = "share of the test images whose largest logit is that of their class, at inference"

    def __init__(self, x: np.ndarray, y: np.ndarray, every: int) -> None:
        self.x, self.y, self.every = x, y, every

    def measure(self, step: Any) -> Mapping[str, Any]:
        right = keras.ops.equal(keras.ops.argmax(step.predict(self.x), -1), self.y)
        return {"": keras.ops.mean(keras.ops.cast(right, "float32"))}


@cache
def binary(part: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST, each pixel 0 or 1."""
    x, y = images("mnist", part)
    return (x.reshape(len(x), -1) > 0.5).astype("float32"), y


def network(settings: Found, arm: str) -> keras.Model:
    """The paper's network."""
    deviation = settings["deviation of the initial weights"]
    return dense_network(
        784,
        settings["hidden units"],
        "sigmoid",
        normwise.BatchNormalization if arm == "with" else None,
        initializer=lambda: keras.initializers.RandomNormal(stddev=deviation),
    )


def training_rows(settings: Found) -> tuple[np.ndarray, np.ndarray]:
    x, y = binary("train")
    return x[: settings["training rows"]], y[: settings["training rows"]]


def search(settings: Found, told: Told) -> Found:
    """The training loss of the network without normalization, by learning rate."""
    rates, epochs = settings["learning rates of the search"], settings["epochs of the search"]
    runs = fit_many(
        network(settings, "without"),
        *training_rows(settings),
        settings["batch size"],
        epochs,
        seeds=[settings["seeds"][0]] * len(rates),
        learning_rates=rates,
        on_epoch_end=lambda epoch, _: told((epoch + 1) / epochs),
    )
    losses = [h.history["loss"][-1] for h in runs.histories]
    best = rates[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))]
    return {"learning rates": rates, "training loss": losses, "best": best}


def train(settings: Found, arm: str, rate: float, told: Told) -> Found:
    """All seeds of one network at one rate."""
    every, epochs = settings["measured every"], settings["epochs"]
    test_x, test_y = (part[: settings["test rows"]] for part in binary("t10k"))
    runs = fit_many(
        network(settings, arm),
        *training_rows(settings),
        settings["batch size"],
        epochs,
        seeds=settings["seeds"],
        learning_rates=[rate] * len(settings["seeds"]),
        probes=[TestAccuracy(test_x, test_y, every), probes.PreActivations(every)],
        on_epoch_end=lambda epoch, _: told((epoch + 1) / epochs),
    )
    accuracy = [h.probes["test_accuracy"] for h in runs.histories]
    inputs = [of_last_layer(h.probes) for h in runs.histories]
    return {
        "arm": arm,
        "learning rate": rate,
        "steps": list(accuracy[0].steps),
        "test accuracy": [series.values for series in accuracy],
        "percentiles of unit 0": [values[:, :, 0] for values in inputs],
        "wander": [wander(values) for values in inputs],
    }


def of_last_layer(found: Mapping[str, Any]) -> np.ndarray:
    """The percentiles of what goes into the last hidden layer's sigmoids, (steps, 3, units)."""
    (name,) = [n for n in found if n.startswith("pre_activation") and n.endswith("activation_3")]
    return np.asarray(found[name].values)


def wander(values: np.ndarray) -> float:
    """How far a unit's median moves over the training, in half-widths of its distribution; of most units.

    The range of the median over the steps by the mean of (percentile 85 − percentile 15)/2, both from a tenth
    of the training on, so that the first steps do not count; the median over the units.
    """
    later = values[len(values) // 10 :]
    width = (later[:, 2] - later[:, 0]).mean(0) / 2
    return float(np.median(np.ptp(later[:, 1], axis=0) / width))


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL

    def at(arm: str, of: str) -> Any:
        def run(found: Mapping[str, Found], told: Told) -> Found:
            rate = found[SEARCH]["best"] if of == "best" else settings["slow learning rate"]
            return train(settings, arm, rate, told)

        return run

    runs: dict[str, Any] = {SEARCH: lambda _, told: search(settings, told)}
    runs |= {f"{arm}, {of} rate": at(arm, of) for of in ("slow", "best") for arm in ARMS}
    return Study("mnist_sigmoid", settings, runs)


if __name__ == "__main__":
    main("mnist_sigmoid", __doc__, study)
