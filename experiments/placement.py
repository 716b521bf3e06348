"""Where normalization goes, before or after the activation, both or nowhere, and dropout beside it.

    python -m experiments.placement [--quick] [--out FILE]

Dense networks on Fashion-MNIST at half the resolution: every placement × tanh, ReLU × dropout nowhere, right
in front of each normalization, behind each block, and behind the last block alone. Each is trained at several
learning rates from several seeds; the rate with the lowest median validation loss counts, and test accuracy
is at that rate.

Where there is dropout in front of a normalization, the variance shift of Li et al. is measured, layer by
layer: the variance of what the normalization takes at inference by its variance in training. Beside it stands
their formula. For dropout right in front (their case a; p is the share that is kept, x what the dropout
takes, of mean c and variance v)

    Δ = v / (v/p + c²(1/p − 1))

and with a layer of weights w between (case b; the d features that are dropped out alike, of correlation ρ)

    Δ = (v + s) / (v/p + c²(1/p − 1) + s),    s = ρ v (d cos²θ − 1)

where θ lies between w and (1, …, 1). Since v + s = Var(wᵀx)/‖w‖², this is Var(wᵀx) / (Var(wᵀx) + (1/p − 1)
‖w‖² E[x²]), of which the first is taken as it is and E[x²] is the mean over the features.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from experiments.dense import Sweep, accuracies, dense_network
from experiments.images import flat_clothes
from experiments.study import Found, Run, Study, Told, main

import normwise

PLACEMENTS = ("nowhere", "before", "after", "both")
ACTIVATIONS = ("tanh", "relu")
DROPOUTS = ("none", "in front of each", "behind each", "behind the last")
FULL = {
    "hidden units": [100, 100, 100],
    "batch size": 64,
    "epochs": 8,
    "training rows": 12_000,
    "validation rows": 4_000,
    "dropout": 0.5,
    "momentum": 0.9,
    "learning rates": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
    "seeds": [0, 1, 2],
}
QUICK = FULL | {
    "hidden units": [8, 8],
    "epochs": 1,
    "training rows": 256,
    "validation rows": 64,
    "learning rates": [0.03, 0.1],
    "seeds": [0, 1],
}


def variance_shifts(model: keras.Model, x: np.ndarray, kept: float) -> list[Found]:
    """Of each normalization that takes what was dropped out: the shift as measured, and by the formula.

    In training the dropout is the model's own. The dropouts in front of the one that counts are off, so that
    each place shows its own shift and not that of the layers before it.
    """
    found, names = [], [layer.name for layer in model.layers]
    for name in names:
        if not name.startswith("normalization"):
            continue
        path = _back_to_dropout(model, names, name)
        if path is None:
            continue
        dropout, dense = path
        features = _predict(keras.Model(model.input, dropout.input), x)
        rest = dense if dense is not None else (lambda value: value)
        trained = _numpy(rest(dropout(features, training=True)))
        still = _numpy(rest(features))
        told = _case_a(features, kept) if dense is None else _case_b(features, _numpy(dense.kernel), kept)
        moving = (still.var(0) > 0) & (trained.var(0) > 0)
        found.append(
            {
                "normalization": name,
                "case": "a" if dense is None else "b",
                "measured": np.median(still.var(0)[moving] / trained.var(0)[moving]),
                "formula": np.median(told[moving]),
            }
        )
    return found


def _back_to_dropout(model: keras.Model, names: list[str], name: str) -> Any:
    """The dropout in front of a normalization and the Dense layer between, if there is one; else None.

    An activation between them would make it neither of the two cases.
    """
    dense = None
    for layer in reversed(model.layers[: names.index(name)]):
        if isinstance(layer, normwise.Dropout):
            return layer, dense
        if not isinstance(layer, keras.layers.Dense) or dense is not None:
            return None
        dense = layer
    return None


def _case_a(features: np.ndarray, kept: float) -> np.ndarray:
    v, c = features.var(0), features.mean(0)
    return v / np.maximum(v / kept + c**2 * (1 / kept - 1), 1e-30)


def _case_b(features: np.ndarray, kernel: np.ndarray, kept: float) -> np.ndarray:
    still = (features @ kernel).var(0)
    return still / np.maximum(still + (1 / kept - 1) * (features**2).mean() * (kernel**2).sum(0), 1e-30)


def _predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return _numpy(model(x, training=False))


def _numpy(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)


def train(settings: Found, activation: str, placement: str, dropout: str, told: Told) -> Found:
    """One arm: all rates and seeds."""
    training, validation, test = flat_clothes(settings["training rows"], settings["validation rows"])
    model = dense_network(
        training[0].shape[1],
        settings["hidden units"],
        activation,
        None if placement == "nowhere" else normwise.BatchNormalization,
        placement,
        dropout,
        settings["dropout"],
        momentum=settings["momentum"],
    )
    sweep = Sweep(settings["learning rates"], settings["seeds"], settings["batch size"], settings["epochs"])
    found, models = sweep.train(model, training, validation, told)
    shifts = [variance_shifts(m, validation[0], 1 - settings["dropout"]) for m in models]
    return {
        "activation": activation,
        "placement": placement,
        "dropout": dropout,
        **found,
        "test accuracy": accuracies(models, *test),
        "variance shifts": shifts if any(shifts) else [],
    }


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL

    def of(*arm: str) -> Run:
        def run(_: Mapping[str, Found], told: Told) -> Found:
            return train(settings, *arm, told)

        return run

    arms = [
        (activation, placement, dropout)
        for activation in ACTIVATIONS
        for placement in PLACEMENTS
        for dropout in DROPOUTS
        if (placement, dropout) != ("nowhere", "in front of each")
    ]
    if quick:
        arms = [
            ("tanh", "before", "behind each"),
            ("relu", "nowhere", "none"),
            ("relu", "after", "in front of each"),
        ]
    return Study("placement", settings, {", ".join(arm): of(*arm) for arm in arms})


if __name__ == "__main__":
    main("placement", __doc__, study)
