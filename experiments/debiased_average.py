"""How many training steps each layer needs until its output at inference is right.

    python -m experiments.debiased_average [--seeds 5] [--out experiments/results/debiased_average.json]
        [--figure docs/images/debiased-average.svg]

`normwise.BatchNormalization()` and `keras.layers.BatchNormalization()`, both with momentum 0.99, follow the
same batches of 64 images of Fashion-MNIST.

error: both normalize the output of a Dense layer whose weights stay as they were drawn. What counts is the
root-mean-square distance of their outputs at inference from those by the mean and variance of all 50,000
training rows, relative to these outputs' root mean square, on 2,000 other images.

accuracy: a network of three hidden layers (Dense 64, normalization, ReLU) is trained with our layer by Adam's
defaults; one with Keras' layer shares its weights, γ and β and sees the same batches, so that at inference
the two differ in their moving statistics alone. What counts is the accuracy on the 2,000 other images. It
rises faster than the statistics settle, because the weights learn meanwhile.

Medians over the seeds, which decide weights and batches.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.results import write_results
from experiments.images import images
from experiments.line_figure import Mark, Panel, line_figure, percent

import normwise

OURS, KERAS = "normwise", "Keras"
STEPS, BATCH, UNITS, HIDDEN, TRAINING = 1000, 64, 64, 3, 50_000
NEAR = 0.05


def batches(x: np.ndarray, seed: int) -> Any:
    """Indices of one batch a step."""
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        yield rng.choice(len(x), BATCH, replace=False)


def errors(x: np.ndarray, other: np.ndarray, seed: int) -> dict[str, list[float]]:
    """The relative error of each layer's output at inference, after every step."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense(UNITS)
    features, other_features = (keras.ops.convert_to_numpy(dense(part)) for part in (x, other))
    right = (other_features - features.mean(0)) / np.sqrt(features.var(0) + 1e-3)
    pair = {OURS: normwise.BatchNormalization(), KERAS: keras.layers.BatchNormalization()}
    found: dict[str, list[float]] = {name: [] for name in pair}
    for rows in batches(x, seed):
        for name, layer in pair.items():
            layer(features[rows], training=True)
            off = keras.ops.convert_to_numpy(layer(other_features)) - right
            found[name].append(float(np.linalg.norm(off) / np.linalg.norm(right)))
    return found


def accuracies(data: Any, other: Any, seed: int) -> dict[str, list[float]]:
    """The accuracy of the two networks, which share all that is trained, after every step."""
    keras.utils.set_random_seed(seed)
    (x, y), (other_x, other_y) = data, other
    inputs, head = keras.Input(x.shape[1:]), keras.layers.Dense(10)
    hidden = [keras.layers.Dense(UNITS, use_bias=False) for _ in range(HIDDEN)]
    pair = {
        OURS: [normwise.BatchNormalization() for _ in hidden],
        KERAS: [keras.layers.BatchNormalization() for _ in hidden],
    }
    networks = {}
    for name, normalizations in pair.items():
        values = inputs
        for dense, normalization in zip(hidden, normalizations, strict=True):
            values = keras.ops.relu(normalization(dense(values)))
        networks[name] = keras.Model(inputs, head(values))
    networks[OURS].compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found: dict[str, list[float]] = {name: [] for name in pair}
    for rows in batches(x, seed):
        networks[KERAS](x[rows], training=True)
        networks[OURS].train_on_batch(x[rows], y[rows])
        for ours, theirs in zip(pair[OURS], pair[KERAS], strict=True):
            theirs.gamma.assign(ours.gamma)
            theirs.beta.assign(ours.beta)
        for name, network in networks.items():
            guess = keras.ops.convert_to_numpy(network(other_x)).argmax(1)
            found[name].append(float(np.mean(guess == other_y)))
    return found


def medians(runs: list[dict[str, list[float]]]) -> dict[str, np.ndarray]:
    """The median over the seeds, step by step."""
    return {name: np.median([run[name] for run in runs], axis=0) for name in runs[0]}


def first(reached: np.ndarray) -> int | None:
    """The first step at which something holds."""
    return int(reached.argmax()) + 1 if reached.any() else None


def lead(accuracy: dict[str, np.ndarray], step: int) -> float:
    """How much higher the accuracy of ours is after a step."""
    return round(float(accuracy[OURS][step - 1] - accuracy[KERAS][step - 1]), 4)


def figure(results: dict[str, Any]) -> str:
    """Error and accuracy by step, marked after ten and where Keras' layer gets as far."""
    error, accuracy = results["error_after_10_steps"], results["accuracy_after_10_steps"]
    as_near = results["first_step_with_the_error_of_ours_after_10"][KERAS]
    as_right = results["first_step_with_the_accuracy_of_ours_after_10"][KERAS]
    return line_figure(
        [
            Panel(
                "Error of the layer's output at inference",
                results["error"],
                limits=(0.005, 1.0),
                ticks=(0.01, 0.1, 1.0),
                marks=(
                    Mark(OURS, 10, f"{OURS} {percent(error[OURS])}", below=True, left=True),
                    Mark(KERAS, 10, f"{KERAS} {percent(error[KERAS])}", below=True),
                    Mark(KERAS, as_near, f"{percent(error[OURS])} after {as_near} steps", left=True),
                ),
                log=True,
            ),
            Panel(
                "Accuracy at inference while a network learns",
                results["accuracy"],
                limits=(0.0, 1.0),
                ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
                marks=(
                    Mark(OURS, 10, f"{OURS} {percent(accuracy[OURS])}", left=True),
                    Mark(KERAS, 10, f"{KERAS} {percent(accuracy[KERAS])}", below=True),
                    Mark(KERAS, as_right, f"{percent(accuracy[OURS])} after {as_right} steps", below=True),
                ),
            ),
        ],
        results["step"],
        10,
        "By training step, for normwise's layer and Keras': the error of the output at inference with fixed "
        "weights, and the accuracy at inference of a network in training",
    )


def summarize(error: dict[str, np.ndarray], accuracy: dict[str, np.ndarray]) -> dict[str, Any]:
    """The numbers that the figure shows."""
    steps = np.unique(np.geomspace(1, STEPS, 40).round().astype(int))
    goal = accuracy[OURS][9]
    return {
        "first_step_within_5_percent": {name: first(curve <= NEAR) for name, curve in error.items()},
        "error_after_10_steps": {name: round(float(curve[9]), 4) for name, curve in error.items()},
        "first_step_with_the_error_of_ours_after_10": {
            name: first(curve <= error[OURS][9]) for name, curve in error.items()
        },
        "accuracy_after_10_steps": {name: round(float(curve[9]), 4) for name, curve in accuracy.items()},
        "first_step_with_the_accuracy_of_ours_after_10": {
            name: first(curve >= goal) for name, curve in accuracy.items()
        },
        "accuracy_lead_of_ours_by_step": {str(s): lead(accuracy, s) for s in (10, 30, 100, 300, STEPS)},
        "step": steps.tolist(),
        "error": {name: curve[steps - 1].round(4).tolist() for name, curve in error.items()},
        "accuracy": {name: curve[steps - 1].round(4).tolist() for name, curve in accuracy.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()

    x, y = images("fashion_mnist", "train")
    x = x.reshape(len(x), -1)
    data, other = (x[:TRAINING], y[:TRAINING]), (x[TRAINING:][:2000], y[TRAINING:][:2000])
    seeds = range(arguments.seeds)
    error = medians([errors(data[0], other[0], seed) for seed in seeds])
    accuracy = medians([accuracies(data, other, seed) for seed in seeds])
    results = summarize(error, accuracy)
    for name, value in results.items():
        if name not in ("step", "error", "accuracy"):
            print(f"{name:48s} {value}")
    if arguments.out:
        write_results(
            arguments.out, f"python -m experiments.debiased_average --seeds {arguments.seeds}", results
        )
    if arguments.figure:
        arguments.figure.write_text(figure(results), encoding="utf-8")


if __name__ == "__main__":
    main()
