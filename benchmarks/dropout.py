"""What dropout costs: a step of the article's network, and a large layer forward and backward.

    KERAS_BACKEND=jax|torch|tensorflow python -m benchmarks.dropout [--repeats 15] [--out FILE]

The network (JAX alone): Dense(64) → BatchNormalization → tanh → Dropout(0.5), twice, Dense(2) →
BatchNormalization → softmax, on 14 inputs in batches of 16, SGD with Nesterov momentum, `jax.lax.scan` over
Keras' own train_step. Dropout's cost is the difference from the same network without. The peers take turns;
medians of all turns, and of the differences and ratios within a turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.results import write_results
from keras import ops

import normwise

Step = Callable[[], Any]
Make = Callable[[float], Any] | None

PEERS: dict[str, Make] = {"none": None, "keras": keras.layers.Dropout, "normwise": normwise.Dropout}
SHAPES = [(256, 4096), (4096, 1024)]
STEPS = 2000


def network(normalization: Any, dropout: Make) -> keras.Sequential:
    """The article's, compiled."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((14,))]
    for _ in range(2):
        layers += [keras.layers.Dense(64), normalization(), keras.layers.Activation("tanh")]
        layers += [dropout(0.5)] if dropout else []
    layers += [keras.layers.Dense(2), normalization(), keras.layers.Activation("softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "categorical_crossentropy")
    return model


def steps_of(model: keras.Sequential) -> Step:
    """STEPS training steps as one compiled program, from the same state each time."""
    import jax

    random = np.random.default_rng(0)
    x = random.normal(size=(STEPS, 16, 14)).astype("float32")
    y = np.eye(2, dtype="float32")[(x[..., 0] > 0).astype(int)]
    model.train_on_batch(x[0], y[0])
    lists = (model.trainable_variables, model.non_trainable_variables)
    start = tuple(
        [v.value for v in some] for some in (*lists, model.optimizer.variables, model.metrics_variables)
    )

    def step(state: Any, batch: Any) -> Any:
        logs, state = model.train_step(state, batch)
        return state, logs["loss"]

    run = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches))
    batches = jax.device_put((x, y))
    return lambda: jax.block_until_ready(run(start, batches))


def on_jax(layer: Any, x: Any, upstream: Any) -> Step:
    import jax

    state = [v.value for v in layer.variables] if layer else []

    def both(state: Any, x: Any, upstream: Any) -> Any:
        def forward(x: Any) -> Any:
            return layer.stateless_call([], state, x, training=True)[0] if layer else 2 * x

        y, pull = jax.vjp(forward, x)
        return y, pull(upstream)[0]

    run = jax.jit(both)
    return lambda: jax.block_until_ready(run(state, x, upstream))


def on_torch(layer: Any, x: Any, upstream: Any) -> Step:
    import torch

    x = x.clone().requires_grad_(True)
    return lambda: torch.autograd.grad(layer(x, training=True) if layer else 2 * x, x, upstream)


def on_tensorflow(layer: Any, x: Any, upstream: Any) -> Step:
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def both() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True) if layer else 2 * x
        return y, tape.gradient(y, x, upstream)

    return lambda: both()[1].numpy()[:1]


def large(shape: tuple[int, ...]) -> dict[str, Step]:
    """A layer on a large array, forward and backward, compiled on JAX and TensorFlow."""
    on = {"jax": on_jax, "torch": on_torch, "tensorflow": on_tensorflow}[keras.backend.backend()]
    random = np.random.default_rng(0)
    x, upstream = (ops.convert_to_tensor(random.normal(size=shape).astype("float32")) for _ in range(2))
    return {name: on(make(0.5) if make else None, x, upstream) for name, make in PEERS.items()}


def measure(peers: dict[str, Step], repeats: int, per: float) -> dict[str, Any]:
    """Times in units of `per` seconds, by how much they exceed "none", and the ratio to Keras'."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for step in peers.values():
        step()
    for _ in range(repeats):
        for name, step in peers.items():
            started = time.perf_counter()
            step()
            times[name].append((time.perf_counter() - started) / per)
    none = times["none"]
    costs = {
        name: statistics.median(t - n for t, n in zip(found, none, strict=True))
        for name, found in times.items()
        if name != "none"
    }
    whole = statistics.median(k / t for k, t in zip(times["keras"], times["normwise"], strict=True))
    return {
        "times": {name: round(statistics.median(found), 3) for name, found in times.items()},
        "fastest": {name: round(min(found), 3) for name, found in times.items()},
        "dropout_costs": {name: round(cost, 3) for name, cost in costs.items()},
        "whole_times_as_quick_as_keras": round(whole, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    backend = keras.backend.backend()
    results = {}
    if backend == "jax":
        for kind in (keras.layers.BatchNormalization, normwise.BatchNormalization):
            peers = {name: steps_of(network(kind, make)) for name, make in PEERS.items()}
            name = f"article, {kind.__module__.partition('.')[0]}.BatchNormalization, microseconds a step"
            results[name] = measure(peers, arguments.repeats, STEPS * 1e-6)
    for shape in SHAPES:
        results[f"{shape}, milliseconds"] = measure(large(shape), arguments.repeats, 1e-3)
    for name, found in results.items():
        print(f"{backend} {name}: {found}", flush=True)
    if arguments.out:
        command = f"KERAS_BACKEND={backend} python -m benchmarks.dropout --repeats {arguments.repeats}"
        write_results(arguments.out, command, results)


if __name__ == "__main__":
    main()
