"""Is the loss smoother with batch normalization? Santurkar et al.'s measures, on the same networks.

    python -m experiments.smoothness [--quick] [--out FILE]

Santurkar et al. 2018, "How does batch normalization help optimization?", figure 4: along the gradient the
loss varies less, the gradient itself changes less, and the effective β is lower. All three are measured by
`normwise.insight.smoothness_at` along trainings without and with normalization at one and the same learning
rate, at the same steps, over the same rows; and their Definition 2.1 of the internal covariate shift at the
end, by `normwise.insight.covariate_shift`.

    sigmoid   three hidden layers of 100 sigmoids, as experiments.mnist_sigmoid, here on Fashion-MNIST
    relu      five hidden layers of 64, as experiments.initialization
    conv      the small Inception network of experiments.inception_small, without dropout and penalties
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from experiments import inception_small
from experiments.dense import dense_network
from experiments.images import small_clothes
from experiments.study import Found, Run, Study, Told, main

import normwise
from normwise.insight import covariate_shift, smoothness_at, smoothness_curves

NETWORKS = ("sigmoid", "relu", "conv")
ARMS = ("without", "with")
MEASURES = ("loss_range", "gradient_predictiveness", "effective_beta", "eta_beta")
FULL = {
    "steps": 1_000,
    "measured every": 50,
    "batch size": 64,
    "training rows": 9_600,  # three times the steps between two measurements: a pass may not end amid them
    "measured rows": 512,
    "hidden units": {"sigmoid": [100] * 3, "relu": [64] * 5},
    "learning rates": {"sigmoid": 1.0, "relu": 0.1, "conv": 0.1},
    "seeds": [0, 1, 2],
}
QUICK = FULL | {
    "steps": 4,
    "measured every": 2,
    "training rows": 256,
    "measured rows": 32,
    "hidden units": {"sigmoid": [8] * 2, "relu": [8] * 2},
    "seeds": [0, 1],
}


class WeightsOnTheWay(keras.callbacks.Callback):
    """The trainable variables before the first epoch and after each."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[list[np.ndarray]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.keep()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.keep()

    def keep(self) -> None:
        self.kept.append([np.asarray(v.value) for v in self.model.trainable_variables])


def network(settings: Found, kind: str, arm: str) -> keras.Model:
    """The network, compiled."""
    if kind == "conv":
        plain = inception_small.FULL | {"L2": 0.0, "momentum": 0.0}
        return inception_small.build(inception_small.Arm(normalized=arm == "with"), plain)
    normalization = normwise.BatchNormalization if arm == "with" else None
    return dense_network(196, settings["hidden units"][kind], kind, normalization)


def train(settings: Found, kind: str, arm: str, told: Told) -> Found:
    """All seeds of one network: trained, and measured on the way."""
    (x, y), *_ = small_clothes(settings["training rows"], 0)
    x = x[..., None] if kind == "conv" else x.reshape(len(x), -1)
    rows, every, rate = (
        settings["measured rows"],
        settings["measured every"],
        settings["learning rates"][kind],
    )
    epochs, found = settings["steps"] // every, []
    steps = [every * i for i in range(epochs + 1)]
    for i, seed in enumerate(settings["seeds"]):
        keras.utils.set_random_seed(seed)
        model, kept = network(settings, kind, arm), WeightsOnTheWay()
        model.optimizer.learning_rate = rate
        normwise.fit(
            model,
            x,
            y,
            batch_size=settings["batch size"],
            epochs=epochs,
            steps_per_epoch=every,
            verbose=0,
            callbacks=[kept],
        )
        told((i + 0.5) / len(settings["seeds"]))
        measured = smoothness_at(kept.kept, model, x[:rows], y[:rows], rate)
        shift = covariate_shift(model, x[:rows], y[:rows], rate)
        curves = {
            c.name: {"y": c.y, "low": c.low, "high": c.high} for c in smoothness_curves(steps, measured)
        }
        cosine = np.median([m.value for m in shift if m.name == "covariate_shift_cosine"])
        found.append({**curves, "covariate_shift_cosine": cosine})
        told((i + 1) / len(settings["seeds"]))
    return {"network": kind, "arm": arm, "learning rate": rate, "steps": steps, "seeds": found}


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL

    def of(kind: str, arm: str) -> Run:
        def run(_: Mapping[str, Found], told: Told) -> Found:
            return train(settings, kind, arm, told)

        return run

    runs = {f"{k}, {arm}": of(k, arm) for k in (NETWORKS[1:2] if quick else NETWORKS) for arm in ARMS}
    return Study("smoothness", settings, runs)


if __name__ == "__main__":
    main("smoothness", __doc__, study)
