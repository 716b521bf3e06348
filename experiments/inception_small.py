"""The paper's ImageNet experiment at a size for two cores: a small Inception network on Fashion-MNIST.

    python -m experiments.inception_small [--quick] [--out FILE]

Ioffe & Szegedy 2015, section 4.2, figures 2 and 3: an Inception network with batch normalization before each
activation needs a fraction of the steps, and the learning rate may be 5 or 30 times as high. Their
modifications (section 4.2.1) are switches here:

    normalized      batch normalization between each convolution and its activation
    rate            the learning rate, in multiples of the baseline's
    no dropout      the dropout before the last layer is taken out
    less L2         the weight penalty is divided by 5
    fast decay      the learning rate falls 6 times as fast; without, it is halved once over the training

BN-Baseline has the first alone, as in the paper; the BN-x variants have the last three as well, BN-x1 at the
baseline's rate; the ablations take one of these three back from BN-x5. Local response normalization, which
the paper's network had, and photometric distortions are not in this network at all, so that these two
modifications cannot be tried.

The baseline's learning rate is the best of a few for the baseline, with the first seed, which leaves little
room above it. The paper's may have been lower: the variants called low are trained at multiples of a third of
that rate.

The images are 14 × 14. Validation accuracy is on images that nothing is trained on, every so many steps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from experiments.dense import compiled
from experiments.images import small_clothes
from experiments.study import Found, Run, Study, Told, main
from keras import layers

import normwise

SEARCH = "search"
FULL = {
    "modules": 3,
    "filters": 8,
    "batch size": 32,
    "steps": 2_400,
    "steps of the search": 800,
    "measured every": 50,
    "training rows": 8_000,  # five times the steps between two measurements: a pass may not end amid them
    "validation rows": 2_000,
    "learning rates of the search": [0.01, 0.03, 0.1, 0.3],
    "momentum": 0.9,
    "steps until the rate is halved": 2_400,
    "dropout": 0.4,
    "L2": 1e-4,
    "seeds": [0, 1, 2],
}
QUICK = FULL | {
    "modules": 1,
    "filters": 2,
    "steps": 10,
    "steps of the search": 5,
    "measured every": 5,
    "training rows": 160,
    "validation rows": 64,
    "learning rates of the search": [0.03, 0.1],
    "seeds": [0],
}


@dataclass(frozen=True)
class Arm:
    """A variant, by the switches."""

    normalized: bool = True
    rate: float = 1.0
    no_dropout: bool = True
    less_l2: bool = True
    fast_decay: bool = True
    activation: str = "relu"
    low: bool = False


BASELINE = "Baseline"
ARMS = {
    BASELINE: Arm(False, 1, False, False, False),
    "BN-Baseline": Arm(True, 1, False, False, False),
    "BN-x1": Arm(True, 1),
    "BN-x5": Arm(True, 5),
    "BN-x30": Arm(True, 30),
    "BN-x5-Sigmoid": Arm(True, 5, activation="sigmoid"),
    "x5 without BN": Arm(False, 5, False, False, False),
    "Sigmoid without BN": Arm(False, 1, False, False, False, activation="sigmoid"),
    "BN-x5 with dropout": Arm(True, 5, no_dropout=False),
    "BN-x5 with the whole L2": Arm(True, 5, less_l2=False),
    "BN-x5 with slow decay": Arm(True, 5, fast_decay=False),
    "low Baseline": Arm(False, 1, False, False, False, low=True),
    "low BN-x5": Arm(True, 5, low=True),
    "low BN-x30": Arm(True, 30, low=True),
}
QUICK_ARMS = (BASELINE, "BN-x5", "x5 without BN")


def build(arm: Arm, settings: Found) -> keras.Model:
    """A convolution, a pooling and modules in the way of Szegedy et al. 2014, two 3 × 3 for a 5 × 5."""
    filters, l2 = settings["filters"], settings["L2"] / (5 if arm.less_l2 else 1)

    def conv(x: Any, size: int, kernel: int) -> Any:
        penalty = keras.regularizers.L2(l2)
        bias = not arm.normalized
        x = layers.Conv2D(size, kernel, padding="same", use_bias=bias, kernel_regularizer=penalty)(x)
        if arm.normalized:
            x = normwise.BatchNormalization()(x)
        return layers.Activation(arm.activation)(x)

    def module(x: Any) -> Any:
        return layers.Concatenate()(
            [
                conv(x, filters, 1),
                conv(conv(x, filters, 1), filters, 3),
                conv(conv(conv(x, filters // 2, 1), filters, 3), filters, 3),
                conv(layers.AveragePooling2D(3, 1, "same")(x), filters // 2, 1),
            ]
        )

    inputs = keras.Input((14, 14, 1))
    x = layers.MaxPooling2D(2)(conv(inputs, 2 * filters, 3))
    for _ in range(settings["modules"]):
        x = module(x)
    x = layers.GlobalAveragePooling2D()(x)
    if not arm.no_dropout:
        x = normwise.Dropout(settings["dropout"])(x)
    outputs = layers.Dense(10, kernel_regularizer=keras.regularizers.L2(l2))(x)
    return compiled(keras.Model(inputs, outputs), settings["momentum"])


@cache
def data(training: int, validation: int) -> Any:
    """Training and validation rows with their one channel."""
    return [(x[..., None], y) for x, y in small_clothes(training, validation)[:2]]


def train(arm: Arm, settings: Found, rate: float, steps: int, seed: int, told: Told, made: Any) -> Found:
    """One training from a seed.

    `made` has the network of each structure, whose program is compiled once; its variables are those of one
    that is built anew after the seed is set.
    """
    every = settings["measured every"]
    structure = (arm.normalized, arm.no_dropout, arm.less_l2, arm.activation)
    rows, held_out = data(settings["training rows"], settings["validation rows"])
    if structure not in made:
        made[structure] = build(arm, settings)
        # A model's first fit draws random numbers that later ones do not: each run has to be a later one.
        one_batch = (part[: settings["batch size"]] for part in rows)
        normwise.fit(made[structure], *one_batch, batch_size=settings["batch size"], verbose=0)
    model = made[structure]
    keras.utils.set_random_seed(seed)
    fresh = build(arm, settings)
    for variable, value in zip(state(model), state(fresh), strict=True):
        variable.assign(value)
    halving = settings["steps until the rate is halved"] / (6 if arm.fast_decay else 1)
    history = normwise.fit(
        model,
        *rows,
        batch_size=settings["batch size"],
        epochs=steps // every,
        steps_per_epoch=every,
        validation_data=held_out,
        validation_batch_size=min(500, settings["validation rows"]),
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda e: arm.rate * rate * 0.5 ** (e * every / halving)),
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, _=None: told((e + 1) * every / steps)),
        ],
    ).history
    return {
        "training loss": history["loss"],
        "validation accuracy": history.get("val_accuracy", []),
        "diverged": not np.isfinite(history["loss"]).all() or len(history["loss"]) < steps // every,
    }


def state(model: keras.Model) -> list[Any]:
    """All variables of a model and of its optimizer."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def search(settings: Found, told: Told, made: Any) -> Found:
    """The baseline's validation accuracy by learning rate: the mean of the last half of a short training."""
    rates, found = settings["learning rates of the search"], []
    for i, rate in enumerate(rates):
        curve = train(
            ARMS[BASELINE],
            settings,
            rate,
            settings["steps of the search"],
            settings["seeds"][0],
            lambda share, i=i: told((i + share) / len(rates)),
            made,
        )["validation accuracy"]
        found.append(float(np.mean(curve[len(curve) // 2 :])) if curve else 0.0)
    return {"learning rates": rates, "validation accuracy": found, "best": rates[int(np.argmax(found))]}


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL
    names = QUICK_ARMS if quick else tuple(ARMS)
    made: dict[Any, keras.Model] = {}

    def of(name: str, seed: int) -> Run:
        def run(found: Mapping[str, Found], told: Told) -> Found:
            rate = found[SEARCH]["best"] / (3 if ARMS[name].low else 1)
            return asdict(ARMS[name]) | train(ARMS[name], settings, rate, settings["steps"], seed, told, made)

        return run

    runs: dict[str, Callable[..., Found]] = {SEARCH: lambda _, told: search(settings, told, made)}
    runs |= {f"{name}, seed {seed}": of(name, seed) for name in names for seed in settings["seeds"]}
    return Study("inception_small", settings, runs)


if __name__ == "__main__":
    main("inception_small", __doc__, study)
