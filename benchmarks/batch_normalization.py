"""Forward and backward of batch normalization with ReLU, beside Keras' layer and the backend's own.

    KERAS_BACKEND=jax|torch|tensorflow python -m benchmarks.batch_normalization [--repeats 15] [--out FILE]

Training, float32, gradients by the input, γ and β. Compiled on JAX and TensorFlow, eager on torch. The peers
take turns; medians of all turns, and the ratio to Keras' layer is the median of the ratios within a turn. The
floor is 8 passes over the input at the speed at which this machine copies an array just then.
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
from benchmarks.taking_turns import taking_turns
from keras import ops

import normwise

SHAPES = [(256, 4096), (4096, 1024), (32, 56, 56, 64)]
PASSES = 8
"""Two reads for the statistics, a read and a write of y, two reads each of x and ∂L/∂y, less one; a write."""

Step = Callable[[], Any]


def relu_behind(layer: Any) -> Callable[[Any], Any]:
    return lambda x: ops.relu(layer(x, training=True))


def layers(shape: tuple[int, ...]) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
    """The layers that every backend has, with what they do to an input."""
    ours = normwise.BatchNormalization.keras(activation="relu")
    theirs = keras.layers.BatchNormalization()
    for layer in (ours, theirs):
        layer.build(shape)
    return {
        "normwise": (ours, lambda x: ours(x, training=True)),
        "keras": (theirs, relu_behind(theirs)),
    }


def on_jax(shape: tuple[int, ...], x: Any, upstream: Any) -> dict[str, Step]:
    import jax

    def step_of(layer: Any, relu: bool) -> Step:
        others = [v.value for v in layer.non_trainable_variables]

        def loss(trainable: Any, x: Any) -> Any:
            y, moved = layer.stateless_call(trainable, others, x, training=True)
            return ((jax.nn.relu(y) if relu else y) * upstream).sum(), moved

        step = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
        trainable = [v.value for v in layer.trainable_variables]
        return lambda: jax.block_until_ready(step(trainable, x))

    made = layers(shape)
    steps = {name: step_of(layer, name == "keras") for name, (layer, _) in made.items()}
    try:
        from flax import nnx
    except ImportError:
        return steps
    layer = nnx.BatchNorm(shape[-1], rngs=nnx.Rngs(0))
    parts = nnx.split(layer, nnx.Param, ...)

    def loss(trainable: Any, x: Any) -> Any:
        # Variables anew: those from outside of the trace must not be changed in it.
        model = nnx.merge(parts[0], trainable, jax.tree.map(lambda v: v, parts[2]))
        y = jax.nn.relu(model(x, use_running_average=False))
        return (y * upstream).sum(), nnx.state(model, nnx.BatchStat)

    step = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    steps["flax nnx"] = lambda: jax.block_until_ready(step(parts[1], x))
    return steps


def on_torch(shape: tuple[int, ...], x: Any, upstream: Any) -> dict[str, Step]:
    import torch

    x.requires_grad_(True)

    def step_of(call: Callable[[Any], Any], parameters: list[Any]) -> Step:
        return lambda: torch.autograd.grad((call(x) * upstream).sum(), [x, *parameters])

    steps = {
        name: step_of(call, [v.value for v in layer.trainable_variables])
        for name, (layer, call) in layers(shape).items()
    }
    # torch's own takes channels first; the same memory is "channels last" to it.
    native = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(shape[-1])
    first = (lambda t: t) if len(shape) == 2 else (lambda t: t.permute(0, 3, 1, 2))
    back = (lambda t: t) if len(shape) == 2 else (lambda t: t.permute(0, 2, 3, 1))
    steps["torch.nn"] = step_of(lambda t: back(torch.relu(native(first(t)))), list(native.parameters()))
    return steps


def on_tensorflow(shape: tuple[int, ...], x: Any, upstream: Any) -> dict[str, Step]:
    import tensorflow as tf

    def step_of(layer: Any, call: Callable[[Any], Any]) -> Step:
        variables = [v.value for v in layer.trainable_variables]

        @tf.function
        def step() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(call(x) * upstream)
            return tape.gradient(loss, [x, *variables])

        return lambda: step()[0].numpy()[:1]

    return {name: step_of(*made) for name, made in layers(shape).items()}


def floor(values: Any) -> float:
    """Seconds that the passes over the array take at this machine's copy speed, a copy being two."""
    copy = np.empty_like(values)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(copy, values)
        times.append(time.perf_counter() - started)
    return statistics.median(times) / 2 * PASSES


def measure(shape: tuple[int, ...], repeats: int) -> dict[str, Any]:
    """Milliseconds of each peer, and the ratios to Keras' layer: more than 1 is quicker."""
    random = np.random.default_rng(0)
    values = [random.normal(0.5, 2.0, shape).astype("float32") for _ in range(2)]
    on = {"jax": on_jax, "torch": on_torch, "tensorflow": on_tensorflow}[keras.backend.backend()]
    steps = on(shape, *(ops.convert_to_tensor(v) for v in values))
    return taking_turns(steps, repeats, "keras") | {
        "floor_milliseconds": round(1e3 * floor(values[0]), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    backend = keras.backend.backend()
    results = {}
    for shape in SHAPES:
        found = results[str(shape)] = measure(shape, arguments.repeats)
        for name, milliseconds in found["milliseconds"].items():
            ratio = found["times_as_quick_as_keras"][name]
            print(f"{backend} {shape!s:18} {name:10} {milliseconds:8.2f} ms  {ratio:5.2f}x Keras", flush=True)
        print(f"{backend} {shape!s:18} {'floor':10} {found['floor_milliseconds']:8.2f} ms", flush=True)
    if arguments.out:
        command = f"KERAS_BACKEND={backend} python -m benchmarks.batch_normalization"
        write_results(arguments.out, f"{command} --repeats {arguments.repeats}", results)


if __name__ == "__main__":
    main()
