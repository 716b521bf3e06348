"""Fine-tuning a residual network in batches of four: with Keras' layers as they are, and converted.

    python -m experiments.fine_tuning [--seeds 5] [--out experiments/results/fine_tuning.json]

A small ResNet with `keras.layers.BatchNormalization` learns Fashion-MNIST from 12,000 images, in batches of
64. Then it is trained on, in every arm from the same weights and by the same 2,048 images in the same order:

- clothes: with other images of Fashion-MNIST, for which the statistics that it has are right;
- digits: with MNIST and a new head, for which they are not.

An arm is a batch size and the arguments that `normwise.convert` changes, none where Keras' layers stay. A
seed decides the images, their order and the new head. The learning rate falls by the epoch to nothing from a
value of the grid; for each arm it is the one with which seed 0 has the lowest loss on 2,000 validation
images. The other seeds, at that rate, are judged on the test images.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.results import write_results
from experiments.images import images
from keras import layers

import normwise

ARMS: dict[str, tuple[int, dict[str, Any] | None]] = {
    "4, Keras' layers": (4, None),
    "4, statistics frozen": (4, {"statistics_trainable": False}),
    "4, debiased average": (4, {"averaging": "debiased", "unbiased": True}),
    "64, Keras' layers": (64, None),
    "64, momentum 0.9": (64, {"momentum": 0.9}),
    "64, ghost batches of 32": (64, {"virtual_batch_size": 32}),
}
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
TARGETS = {"clothes": "fashion_mnist", "digits": "mnist"}
PRETRAINING, TRAINING, VALIDATION = 12_000, 2_048, 2_000


def small_resnet(filters: tuple[int, ...] = (8, 16, 32)) -> keras.Model:
    """Three residual blocks, each after the first at half the resolution (He et al. 2015, section 4.2)."""

    def normalized_conv(x: Any, size: int, kernel: int = 3, strides: int = 1) -> Any:
        x = layers.Conv2D(size, kernel, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((28, 28, 1))
    x = layers.ReLU()(normalized_conv(inputs, filters[0]))
    for i, size in enumerate(filters):
        strides = 1 if i == 0 else 2
        shortcut = x if i == 0 else normalized_conv(x, size, 1, strides)
        x = layers.ReLU()(normalized_conv(x, size, strides=strides))
        x = layers.ReLU()(layers.add([normalized_conv(x, size), shortcut]))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def arm(source: keras.Model, changes: dict[str, Any] | None) -> keras.Model:
    """A copy of the pretrained network, converted unless Keras' layers are to stay."""
    if changes is not None:
        return compiled(normwise.convert(source, **changes))
    copy = keras.models.clone_model(source)
    copy.set_weights(source.get_weights())
    return compiled(copy)


def compiled(model: keras.Model) -> keras.Model:
    """The model with SGD, its slots there from the start."""
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    optimizer.build(model.trainable_variables)
    return model


def pretrained() -> keras.Model:
    """A network that knows Fashion-MNIST."""
    keras.utils.set_random_seed(0)
    x, y = images("fashion_mnist", "train")
    model = compiled(small_resnet())
    train(model, 64, 0.1, 5, x[:PRETRAINING], y[:PRETRAINING])
    return model


def train(model: keras.Model, batch_size: int, rate: float, epochs: int, x: Any, y: Any) -> None:
    """Trains from a fresh optimizer, without compiling the step anew."""
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    falling = keras.callbacks.LearningRateScheduler(lambda epoch: rate * (1 - epoch / epochs))
    model.fit(x[..., None], y, batch_size=batch_size, epochs=epochs, callbacks=[falling], verbose=0)


def judge(model: keras.Model, x: Any, y: Any) -> tuple[float, float]:
    """Loss and accuracy at inference."""
    loss, accuracy = model.evaluate(x[..., None], y, batch_size=500, verbose=0)
    return float(loss), float(accuracy)


def spread(values: list[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    found = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value, 4) for name, value in found.items()}


def summarize(runs: list[tuple[float, float]]) -> dict[str, Any]:
    """The spread of losses and of accuracies."""
    losses, accuracies = map(list, zip(*runs, strict=True))
    return {"test_loss": spread(losses), "test_accuracy": spread(accuracies)}


def compare(source: keras.Model, target: str, seeds: int, epochs: int) -> dict[str, Any]:
    """The arms by turns: every rate with seed 0, then the best one with the others."""
    x, y = images(TARGETS[target], "train")
    test = images(TARGETS[target], "t10k")
    arms = {name: arm(source, changes) for name, (_, changes) in ARMS.items()}
    start = {name: model.get_weights() for name, model in arms.items()}

    def begin(name: str, seed: int) -> None:
        arms[name].set_weights(start[name])
        if target == "digits":
            shape = source.layers[-1].kernel.shape
            kernel = keras.ops.convert_to_numpy(keras.initializers.GlorotUniform(seed)(shape))
            arms[name].layers[-1].set_weights([kernel, np.zeros(shape[-1])])

    def go_on(name: str, seed: int, rate: float) -> np.ndarray:
        rows = np.random.default_rng(seed).permutation(np.arange(PRETRAINING, len(x)))
        learn, check = rows[:TRAINING], rows[TRAINING : TRAINING + VALIDATION]
        keras.utils.set_random_seed(seed)
        train(arms[name], ARMS[name][0], rate, epochs, x[learn], y[learn])
        return check

    losses: dict[str, dict[float, float]] = {name: {} for name in ARMS}
    for rate in RATES:
        for name, model in arms.items():
            begin(name, 0)
            check = go_on(name, 0, rate)
            # A run that diverged may have a loss of NaN, which is not the lowest.
            losses[name][rate] = float(np.nan_to_num(judge(model, x[check], y[check])[0], nan=np.inf))
            print(f"{target}  rate {rate:<6g} {name:26s} {losses[name][rate]:.4f}", flush=True)
    best = {name: min(RATES, key=losses[name].__getitem__) for name in ARMS}
    before: dict[str, list[Any]] = {name: [] for name in ARMS}
    after: dict[str, list[Any]] = {name: [] for name in ARMS}
    for seed in range(1, seeds + 1):
        for name, model in arms.items():
            begin(name, seed)
            before[name].append(judge(model, *test))
            go_on(name, seed, best[name])
            after[name].append(judge(model, *test))
    return {
        name: {
            "validation_loss_by_rate": {
                str(rate): round(loss, 4) if np.isfinite(loss) else None
                for rate, loss in losses[name].items()
            },
            "learning_rate": best[name],
            "before": summarize(before[name]),
            "after": summarize(after[name]),
        }
        for name in ARMS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()

    source = pretrained()
    results = {}
    for target in TARGETS:
        results[target] = compare(source, target, arguments.seeds, arguments.epochs)
        for name, found in results[target].items():
            loss, right = found["after"]["test_loss"], found["after"]["test_accuracy"]
            print(
                f"{target}: {name:26s} rate {found['learning_rate']:<6g} loss {loss['median']:.4f}  accuracy "
                f"{right['median']:.4f} ({right['min']:.4f} to {right['max']:.4f})",
                flush=True,
            )
    if arguments.out:
        command = f"python -m experiments.fine_tuning --seeds {arguments.seeds} --epochs {arguments.epochs}"
        write_results(arguments.out, command, results)


if __name__ == "__main__":
    main()
