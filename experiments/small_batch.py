"""How small a batch may be: batch normalization, ghost batches, renormalization and group normalization.

    python -m experiments.small_batch [--quick] [--out FILE]

Wu & He 2018, "Group Normalization", figure 1: with fewer images a device, hence in each mean and variance,
the error of batch normalization rises, and that of group normalization does not.

Dense networks on Fashion-MNIST at half the resolution, at batch sizes from 2 to 128, all for the same number
of epochs. Each arm has several learning rates, in proportion to the batch size as in the paper, and several
seeds; the rate with the lowest median validation loss counts, and the test error is at that rate.

    none      no normalization
    batch     normwise.BatchNormalization
    renorm    the same with renorm=True, r at most 3 and d at most 5
    group     keras.layers.GroupNormalization, ten units a group
    ghost     the batch of the step is 128 throughout, and the ghost batch has the size that is shown: what
              the size of the statistics' batch does, apart from that of the step's
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from experiments.dense import Make, Sweep, accuracies, dense_network
from experiments.images import flat_clothes
from experiments.study import Found, Run, Study, Told, main

import normwise

METHODS = ("none", "batch", "ghost", "renorm", "group")
FULL = {
    "hidden units": [100, 100, 100],
    "activation": "relu",
    "batch sizes": [2, 4, 8, 16, 32, 64, 128],
    "epochs": 6,
    "training rows": 6_144,
    "validation rows": 4_000,
    "learning rates at batches of 32": [0.0025, 0.01, 0.04, 0.16],
    "momentum": 0.9,
    "units a group": 10,
    "renorm clipping": {"rmax": 3.0, "rmin": 1 / 3, "dmax": 5.0},
    "seeds": [0, 1, 2],
}
QUICK = FULL | {
    "hidden units": [20],
    "batch sizes": [2, 64],
    "epochs": 1,
    "training rows": 128,
    "validation rows": 64,
    "learning rates at batches of 32": [0.04, 0.16],
    "seeds": [0, 1],
}
LARGEST = 128


def normalization(method: str, size: int, settings: Found) -> Make | None:
    """What makes a layer of the method."""
    made: dict[str, Any] = {
        "none": None,
        "batch": normwise.BatchNormalization,
        "ghost": partial(normwise.BatchNormalization, virtual_batch_size=size),
        "renorm": partial(
            normwise.BatchNormalization, renorm=True, renorm_clipping=settings["renorm clipping"]
        ),
        "group": partial(
            keras.layers.GroupNormalization, settings["hidden units"][0] // settings["units a group"]
        ),
    }
    return made[method]


def train(settings: Found, method: str, size: int, told: Told) -> Found:
    """One method at one size, all rates and seeds."""
    training, validation, test = flat_clothes(settings["training rows"], settings["validation rows"])
    model = dense_network(
        training[0].shape[1],
        settings["hidden units"],
        settings["activation"],
        normalization(method, size, settings),
        momentum=settings["momentum"],
    )
    step = LARGEST if method == "ghost" else size
    rates = [rate * step / 32 for rate in settings["learning rates at batches of 32"]]
    sweep = Sweep(rates, settings["seeds"], step, settings["epochs"])
    found, models = sweep.train(model, training, validation, told)
    return {"method": method, "size": size, **found, "test accuracy": accuracies(models, *test)}


def study(quick: bool) -> Study:
    settings = QUICK if quick else FULL

    def of(method: str, size: int) -> Run:
        def run(_: Mapping[str, Found], told: Told) -> Found:
            return train(settings, method, size, told)

        return run

    methods = ("batch", "group") if quick else METHODS
    # A ghost batch as large as the batch is batch normalization.
    runs = {
        f"{method}, {size}": of(method, size)
        for method in methods
        for size in settings["batch sizes"]
        if (method, size) != ("ghost", LARGEST)
    }
    return Study("small_batch", settings, runs)


if __name__ == "__main__":
    main("small_batch", __doc__, study)
