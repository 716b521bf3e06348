"""The native kernels of batch normalization beside XLA's code, torch's kernels, and the speed of memory.

    python -m benchmarks.native_batch_norm [--turns 5] [--repeats 15] [--torch PYTHON] [--out FILE]
    python -m benchmarks.native_batch_norm --table FILE

BN + ReLU, forward and backward in one compiled program that hands out y and the gradients by x, γ and β;
the upstream gradient is an argument. On the CPU, in float32, once in bfloat16, and once with a mask over
the steps of sequences. In each turn every peer has a process of its own: in one process each would get the
memory that another has just given back to the system, which costs more than the arithmetic. The figures are
medians over the turns of the medians within a process, the ratios medians of those within a turn. `--torch`
names a Python that has torch. What torch has is an operator, so that ours stands there without Keras' layer
too.

`kernels_alone_milliseconds` is without a framework, into memory that is there. The floor is 8 passes over the
input at the speed at which this machine copies an array into memory that is there. `new_memory_milliseconds`
is what the system takes to give y and ∂L/∂x memory, page after page: a program's results are new.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.batch_normalization import SHAPES, floor
from benchmarks.results import write_results

import normwise
from normwise.core.native import kernels_in_use

Step = Callable[[], Any]
BASE = {"jax": "keras", "torch": "torch eager"}
IMAGES = (64, 32, 32, 3)
CASES = {
    **{str(shape): (shape, "float32", False) for shape in SHAPES},
    "(4096, 1024), bfloat16": ((4096, 1024), "bfloat16", False),
    "(256, 16, 1024), masked": ((256, 16, 1024), "float32", True),
}


PEERS = {
    "jax": {
        "keras": "Keras' layer",
        "normwise portable": "normwise, portable",
        "normwise native": "**normwise, native**",
        "no normalization": None,
    },
    "torch": {
        "torch eager": "torch eager",
        "torch.compile": "torch.compile",
        "normwise portable": "normwise's layer, portable",
        "normwise native": "**normwise's layer, native**",
        "normwise operator": "**the operator within it**",
    },
}
"""Each peer's name in the table, if it is there."""
TRAINING_STEP = "a step of three convolutions"
BESIDE = {
    "kernels_alone": "the kernels alone, into memory that is there",
    "floor": "floor: eight passes at the speed of a copy",
    "new_memory": "new memory for two results, page after page",
}


def policy_of(dtype: str) -> str:
    return dtype if dtype == "float32" else f"mixed_{dtype}"


def layer_of(shape: tuple[int, ...], dtype: str) -> Any:
    layer = normwise.BatchNormalization.keras(activation="relu", dtype=policy_of(dtype))
    layer.build(shape)
    return layer


def by_kernels(on: bool, run: Step) -> Step:
    """The step with the switch thrown; the first call decides what is compiled."""

    def step() -> Any:
        os.environ["NORMWISE_KERNELS"] = "on" if on else "off"
        return run()

    return step


def on_jax(shape: tuple[int, ...], dtype: str, mask: Any, x: Any, upstream: Any) -> dict[str, Step]:
    import jax

    def step_of(layer: Any, activation: Callable[[Any], Any]) -> Step:
        others = [v.value for v in layer.non_trainable_variables]

        def forward(trainable: Any, x: Any) -> Any:
            call = {} if mask is None else {"mask": mask}
            y, moved = layer.stateless_call(trainable, others, x, training=True, **call)
            return activation(y), moved

        @jax.jit
        def both(trainable: Any, x: Any, upstream: Any) -> Any:
            y, pull, moved = jax.vjp(forward, trainable, x, has_aux=True)
            return y, pull(upstream), moved

        trainable = [v.value for v in layer.trainable_variables]
        given = (jax.numpy.asarray(x, dtype), jax.numpy.asarray(upstream, dtype))
        return lambda: jax.block_until_ready(both(trainable, *given))

    theirs = keras.layers.BatchNormalization(dtype=policy_of(dtype))
    theirs.build(shape)
    return {
        "keras": step_of(theirs, jax.nn.relu),
        "normwise portable": by_kernels(False, step_of(layer_of(shape, dtype), lambda y: y)),
        "normwise native": by_kernels(True, step_of(layer_of(shape, dtype), lambda y: y)),
    }


def on_torch(shape: tuple[int, ...], dtype: str, _mask: Any, x: Any, upstream: Any) -> dict[str, Step]:
    import torch

    from normwise.kernels.batch_norm import Channels, Plan, batch_norm

    given, back = (torch.tensor(v, dtype=getattr(torch, dtype)) for v in (x, upstream))
    given.requires_grad_()

    def step_of(call: Callable[[Any], Any], parameters: list[Any]) -> Step:
        def step() -> Any:
            y = call(given)
            return y, torch.autograd.grad(y, [given, *parameters], back)

        return step

    # torch's own takes channels first; the same memory is "channels last" to it.
    native = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(shape[-1])

    def module(t: Any) -> Any:
        first = t if len(shape) == 2 else t.permute(0, 3, 1, 2)
        y = torch.relu(native(first))
        return y if len(shape) == 2 else y.permute(0, 2, 3, 1)

    ours = layer_of(shape, dtype)
    variables = [v.value for v in ours.trainable_variables]
    axes = tuple(range(len(shape) - 1))
    plan = Plan(axes=axes, epsilon=1e-3, dtype=dtype, activation=keras.activations.relu)

    def operator(t: Any) -> Any:
        gamma, beta = (v.reshape([1] * len(axes) + [-1]) for v in variables)
        return batch_norm(t, Channels(gamma, beta), None, plan)[0]

    return {
        "torch eager": step_of(module, list(native.parameters())),
        "torch.compile": step_of(torch.compile(module), list(native.parameters())),
        "normwise portable": by_kernels(False, step_of(lambda t: ours(t, training=True), variables)),
        "normwise native": by_kernels(True, step_of(lambda t: ours(t, training=True), variables)),
        "normwise operator": by_kernels(True, step_of(operator, variables)),
    }


def new_memory(values: Any) -> float:
    """Seconds until two arrays of this size have memory, page by page, when they are first written to."""
    times = []
    for _ in range(5):
        with mmap.mmap(-1, values.nbytes) as fresh:
            pages = np.frombuffer(fresh, np.uint8)[:: mmap.PAGESIZE]
            started = time.perf_counter()
            pages[:] = 1
            times.append(time.perf_counter() - started)
            del pages
    return 2 * statistics.median(times)


def alone(x: Any, upstream: Any, repeats: int) -> float:
    """Seconds that the kernels take without a framework, their results in memory that is there."""
    from normwise import _native

    channels = x.shape[-1]
    call = ((x.size // channels, channels, 1), 1e-3, 1, 0.0)
    y, by_x = np.ones_like(x), np.ones_like(x)
    gamma, beta, origin, rest, m2, by_gamma, by_beta = (np.ones(channels, np.float32) for _ in range(7))

    def addresses(*arrays: Any) -> list[int]:
        return [int(a.ctypes.data) for a in arrays]

    vectors, unweighted = (gamma, beta, origin, rest, m2), 0
    forward = [*addresses(x, gamma, beta), unweighted, *addresses(y, origin, rest, m2)]
    backward = [*addresses(upstream, x, *vectors), unweighted, *addresses(by_x, by_gamma, by_beta)]
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        _native.batch_norm_forward_float32(*call, *forward)
        _native.batch_norm_backward_float32(*call, *backward)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(
    peer: str, shape: tuple[int, ...], dtype: str, masked: bool, repeats: int
) -> dict[str, Any] | None:
    """One peer of this process's backend, or None where it is none."""
    random = np.random.default_rng(0)
    values = [random.normal(0.5, 2.0, shape).astype("float32") for _ in range(2)]
    mask = random.uniform(size=shape[:2]) < 0.8 if masked else None
    steps = (on_jax if keras.backend.backend() == "jax" else on_torch)(shape, dtype, mask, *values)
    if peer not in steps:
        return None
    found = {"milliseconds": timed(steps[peer], repeats)}
    if peer == "normwise native" and dtype == "float32" and not masked:
        found["kernels_alone_milliseconds"] = 1e3 * alone(*values, repeats)
        found["floor_milliseconds"] = 1e3 * floor(values[0])
        found["new_memory_milliseconds"] = 1e3 * new_memory(values[0])
    return found


def timed(step: Step, repeats: int) -> float:
    """The median of its milliseconds, once it is compiled and warm."""
    for _ in range(3):
        step()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


def network(normalization: Callable[[], list[Any]]) -> Any:
    """Three convolutions, each normalized, with a ReLU."""
    layers: list[Any] = [keras.Input(IMAGES[1:])]
    for filters in (32, 64, 64):
        layers += [keras.layers.Conv2D(filters, 3, padding="same", use_bias=False), *normalization()]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    return model


def training_step(peer: str, repeats: int) -> dict[str, Any] | None:
    """A step of a convolutional network, through Keras' own training."""
    normalizations: dict[str, Callable[[], list[Any]]] = {
        "keras": lambda: [keras.layers.BatchNormalization(), keras.layers.ReLU()],
        "normwise native": lambda: [normwise.BatchNormalization(activation="relu")],
        # What a normalization that costs nothing would reach.
        "no normalization": lambda: [keras.layers.ReLU()],
    }
    if peer not in normalizations:
        return None
    random = np.random.default_rng(0)
    x, y = random.normal(size=IMAGES).astype("float32"), random.integers(0, 10, IMAGES[0])
    model = network(normalizations[peer])
    return {"milliseconds": timed(lambda: model.train_on_batch(x, y), repeats)}


def part(peer: str, repeats: int) -> dict[str, Any]:
    """All cases of one peer on this process's backend."""
    backend = keras.backend.backend()
    cases = {name: case for name, case in CASES.items() if backend == "jax" or not case[2]}
    found = {name: measure(peer, *case, repeats) for name, case in cases.items()}
    if backend == "jax":
        found[TRAINING_STEP] = training_step(peer, repeats)
    return {name: numbers for name, numbers in found.items() if numbers is not None}


def of_processes(python: str, backend: str, turns: int, repeats: int) -> dict[str, Any]:
    """Medians over the turns, in each of which every peer has a process."""
    found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in PEERS[backend]}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "part.json"
        for _ in range(turns):
            for peer, parts in found.items():
                command = [python, "-m", "benchmarks.native_batch_norm", "--repeats", str(repeats)]
                subprocess.run(
                    [*command, "--peer", peer, "--part", str(told)],
                    check=True,
                    env={**os.environ, "KERAS_BACKEND": backend},
                )
                parts.append(json.loads(told.read_text(encoding="utf-8")))
    cases = found["normwise native"][0]
    return {name: together(name, found, BASE[backend]) for name in cases}


def together(case: str, found: dict[str, list[dict[str, Any]]], base: str) -> dict[str, Any]:
    """Of one case: the medians of the turns, of the ratios within a turn, and these from least to largest."""
    there = {peer: [p[case] for p in parts] for peer, parts in found.items() if case in parts[0]}
    times = {peer: [p["milliseconds"] for p in parts] for peer, parts in there.items()}
    ratios = {peer: [b / t for b, t in zip(times[base], ours, strict=True)] for peer, ours in times.items()}
    result: dict[str, Any] = {
        "milliseconds": {peer: round(statistics.median(t), 3) for peer, t in times.items()},
        f"times_as_quick_as_{base}": {peer: round(statistics.median(r), 3) for peer, r in ratios.items()},
        "least_and_largest": {peer: [round(min(r), 3), round(max(r), 3)] for peer, r in ratios.items()},
    }
    for key in there["normwise native"][0]:
        if key != "milliseconds":
            result[key] = round(statistics.median(p[key] for p in there["normwise native"]), 3)
    return result


def shown(backend: str, name: str, found: dict[str, Any]) -> None:
    ratios, ranges = found[f"times_as_quick_as_{BASE[backend]}"], found["least_and_largest"]
    for peer, milliseconds in found["milliseconds"].items():
        low, high = ranges[peer]
        print(f"{backend:5} {name:28} {peer:18} {milliseconds:8.2f} ms {ratios[peer]:6.2f}x", end="")
        print(f" ({low:.2f} to {high:.2f})", flush=True)
    for beside in ("kernels_alone", "floor", "new_memory"):
        if (milliseconds := found.get(f"{beside}_milliseconds")) is not None:
            print(f"{backend:5} {name:28} {beside:18} {milliseconds:8.2f} ms", flush=True)


def table(results: dict[str, Any]) -> str:
    """The results in Markdown: milliseconds, times as quick as the first peer, range over processes."""
    cases = list(CASES)
    lines = ["| | " + " | ".join(cases) + " |", "|---|" + "---:|" * len(cases)]
    for backend, peers in PEERS.items():
        for peer, name in peers.items():
            if name is None:
                continue
            cells = [cell(results[backend].get(case), backend, peer) for case in cases]
            lines.append(f"| {'JAX' if backend == 'jax' else backend}: {name} | " + " | ".join(cells) + " |")
    for key, name in BESIDE.items():
        found = [results["jax"][case].get(f"{key}_milliseconds") for case in cases]
        lines.append(f"| {name} | " + " | ".join("" if f is None else f"{f:.1f}" for f in found) + " |")
    return "\n".join(lines)


def cell(found: dict[str, Any] | None, backend: str, peer: str) -> str:
    if found is None:
        return ""
    milliseconds = f"{found['milliseconds'][peer]:.1f}"
    if peer == BASE[backend]:
        return milliseconds
    low, high = found["least_and_largest"][peer]
    ratio = found[f"times_as_quick_as_{BASE[backend]}"][peer]
    return f"{milliseconds} ({ratio:.2f}×; {low:.1f}–{high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--torch", help="a Python with torch")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, metavar="FILE", help="show the results in FILE in Markdown")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.table.read_text(encoding="utf-8"))["results"]))
        return
    if arguments.part:
        found = part(arguments.peer, arguments.repeats)
        arguments.part.write_text(json.dumps(found), encoding="utf-8")
        return
    results: dict[str, Any] = {"kernels": kernels_in_use()}
    for backend, python in (("jax", sys.executable), ("torch", arguments.torch)):
        if python:
            results[backend] = of_processes(python, backend, arguments.turns, arguments.repeats)
            for name, found in results[backend].items():
                shown(backend, name, found)
    if arguments.out:
        command = f"python -m benchmarks.native_batch_norm --turns {arguments.turns}"
        command += f" --repeats {arguments.repeats}" + (" --torch PYTHON" if arguments.torch else "")
        write_results(arguments.out, command, results)


if __name__ == "__main__":
    main()
