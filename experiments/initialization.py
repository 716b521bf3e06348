"""From how large initial weights, and at which learning rates, a network still learns.

    python -m experiments.initialization [--quick] [--out FILE]

Ioffe & Szegedy 2015, sections 3.3 and 1: batch normalization makes training "more resilient to the parameter
scale", and "allows us to use much higher learning rates and be less careful about initialization".

Networks of five hidden layers of 64 units on Fashion-MNIST at half the resolution, without and with
normalization before the activation. Glorot's weights are multiplied by a scale, and each scale is tried at
each learning rate from several seeds, by SGD without momentum. A pair of scale and rate is of use if the
median validation loss after training is at most LIMIT times the lowest median that the network *without*
normalization reaches anywhere: the same limit for both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from experiments.dense import Sweep, dense_network
from experiments.images import flat_clothes
from experiments.study import Found, Run, Study, Told, main

import normwise

ACTIVATIONS = ("relu", "sigmoid")
ARMS = ("without", "with")
FULL = {
    "hidden units": [64] * 5,
    "batch size": 64,
    "epochs": 3,
    "training rows": 8_192,
    "validation rows": 2_000,
    "scales": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0],
    "learning rates": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
    "limit": 1.25,
    "seeds": [0, 1, 2],
}
QUICK = FULL | {
    "hidden units": [8, 8],
    "epochs": 1,
    "training rows": 128,
    "validation rows": 64,
    "scales": [0.1, 1.0],
    "learning rates": [0.01, 0.1],
    "seeds": [0, 1],
}


def train(settings: Found, activation: str, arm: str, scale: float, told: Told) -> Found:
    """One network from weights of one scale, all rates and seeds."""
    training, validation, _ = flat_clothes(settings["training rows"], settings["validation rows"])
    model = dense_network(
        training[0].shape[1],
        settings["hidden units"],
        activation,
        normwise.BatchNormalization if arm == "with" else None,
        # Glorot's uniform weights have the variance 2/(inputs + outputs), which is VarianceScaling at 1.
        initializer=lambda: keras.initializers.VarianceScaling(scale**2, "fan_avg", "uniform"),
    )
    sweep = Sweep(settings["learning rates"], settings["seeds"], settings["batch size"], settings["epochs"])
    found, _ = sweep.train(model, training, validation, told)
    return {"activation": activation, "arm": arm, "scale": scale, **found}


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL

    def of(activation: str, arm: str, scale: float) -> Run:
        def run(_: Mapping[str, Found], told: Told) -> Found:
            return train(settings, activation, arm, scale, told)

        return run

    runs: dict[str, Any] = {
        f"{activation}, {arm}, scale {scale:g}": of(activation, arm, scale)
        for activation in (ACTIVATIONS[:1] if quick else ACTIVATIONS)
        for arm in ARMS
        for scale in settings["scales"]
    }
    return Study("initialization", settings, runs)


if __name__ == "__main__":
    main("initialization", __doc__, study)
