"""fold on every architecture of keras.applications: how exact it is, what is left, what it saves.

    KERAS_BACKEND=jax|torch python -m benchmarks.fold [--only ResNet50,…] [--side 96] [--repeats 21]
        [--out FILE]
    python -m benchmarks.fold --table

A file that exists keeps its results of other architectures. `--table` prints the table of docs/deploy.md from
the files in benchmarks/results.

Each architecture has a process of its own for each precision. Weights are random, γ in [0.5, 1.5], β normal
with deviation 0.5, the moving statistics those of random images behind these weights, and to each variance a
tenth of 1 + μ² is added, so that no channel magnifies rounding more than a trained one does. Compared are
the pooled features, as a softmax would hide most. In float64 Keras is told to compute in float64: on JAX and
torch it otherwise rounds to float32 in many of its functions. Times are of one batch, compiled on JAX, eager
on torch, both models in turn; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from benchmarks.applications import architectures, smallest
from benchmarks.results import write_results

import normwise
from normwise.deploy.fold_difference import fold_difference
from normwise.deploy.normalization_maps import floats, normalizes
from normwise.insight._quick_to_compile import quick_to_compile

ROWS = 8
LEAST_VARIANCE = 0.1
RESULTS = Path(__file__).parent / "results"
ALLOWED = {"float32": 1e-4, "float64": 1e-10}


def batch_normalizations(model: Any) -> list[Any]:
    return [n for n in model._flatten_layers() if isinstance(n, keras.layers.BatchNormalization)]


def randomize(
    model: Any, x: Any, random: np.random.Generator, least_variance: float = LEAST_VARIANCE
) -> None:
    """Realistic numbers in each normalization: activations stay finite over hundreds of layers."""
    norms = batch_normalizations(model)
    for layer in norms:
        if layer.gamma is not None:
            layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))
        if layer.beta is not None:
            layer.beta.assign(random.normal(0.0, 0.5, layer.beta.shape))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    moved = calls(model, training=True, once=True)(x)[1]
    for variable, value in zip(model.non_trainable_variables, moved, strict=True):
        variable.assign(value)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        floor = least_variance * (1.0 + floats(layer.moving_mean) ** 2)
        layer.moving_variance.assign(floats(layer.moving_variance) + floor)


def calls(model: Any, training: bool = False, once: bool = False) -> Callable[[Any], Any]:
    """A function x → (output, non-trainable variables), compiled on JAX; quickly if it is called once."""
    if keras.backend.backend() == "torch":
        import torch

        def eager(x: Any) -> Any:
            with torch.no_grad():
                return model(x, training=training), [v.value for v in model.non_trainable_variables]

        return eager
    import jax

    state = [[v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)]
    options = quick_to_compile() if once else None
    compiled = jax.jit(
        lambda state, x: model.stateless_call(*state, x, training=training), compiler_options=options
    )
    return lambda x: jax.block_until_ready(compiled(state, x))


@contextmanager
def in_precision(dtype: str) -> Iterator[None]:
    """Layers, inputs and Keras' own functions in a precision."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    if dtype == "float64":
        from keras.src.backend.common import dtypes

        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        if keras.backend.backend() == "jax":
            import jax

            jax.config.update("jax_enable_x64", True)
    yield


def one(name: str, dtype: str, side: int, repeats: int) -> dict[str, Any]:
    """What fold makes of one architecture."""
    with in_precision(dtype):
        make = architectures()[name]
        side = max(side, smallest(make))
        model = make(weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3))
        random = np.random.default_rng(0)
        x = random.uniform(0.0, 255.0, (ROWS, side, side, 3))
        # Every image has colours of its own, or pooled features would be nearly the same for all.
        x = (x * random.uniform(0.0, 1.0, (ROWS, 1, 1, 3))).astype(dtype)
        randomize(model, x, random)
        started = time.perf_counter()
        folded, done, kept, _ = normwise.fold(model)
        seconds = time.perf_counter() - started
        before, after = calls(model), calls(folded)
        given = [floats(before(x)[0])]
        difference = fold_difference(given, lambda x, **_: after(x)[0], x)
        times = alternating({"before": before, "after": after}, x, repeats) if dtype == "float32" else {}
    return {
        "side": side,
        "seconds_to_fold": round(seconds, 2),
        "normalizations": sum(map(normalizes, model._flatten_layers())),
        "folded": dict(Counter(record.how for record in done)),
        "alone": dict(Counter(_outline(record.reason) for record in done if record.how == "alone")),
        "kept": dict(Counter(_outline(record.reason) for record in kept)),
        "normalizations_left": sum(map(normalizes, folded._flatten_layers())),
        "layers": [len(model._flatten_layers()), len(folded._flatten_layers())],
        "parameters": [model.count_params(), folded.count_params()],
        "largest_output": float(np.abs(given[0]).max()),
        "difference": difference,
        "within": bool(difference <= ALLOWED[dtype]),
        **times,
    }


def _outline(reason: str) -> str:
    """A reason without the names and numbers, to be counted."""
    return re.sub(r'"[^"]*" ', "", re.sub(r"\d[\d.e+-]*", "…", reason))


def alternating(peers: dict[str, Callable[[Any], Any]], x: Any, repeats: int) -> dict[str, Any]:
    """Milliseconds of a batch, and how many times as quick the folded model is, by turns."""
    x = keras.ops.convert_to_tensor(x)
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeats):
        for name, call in peers.items():
            started = time.perf_counter()
            call(x)
            times[name].append(1e3 * (time.perf_counter() - started))
    quicker = statistics.median(b / a for b, a in zip(times["before"], times["after"], strict=True))
    return {
        "milliseconds": {name: round(statistics.median(found), 2) for name, found in times.items()},
        "times_as_quick": round(quicker, 3),
    }


def in_a_process(name: str, dtype: str, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.fold", "--one", name, "--dtype", dtype]
    command += ["--side", str(arguments.side), "--repeats", str(arguments.repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def table() -> str:
    """All that was measured, in Markdown: an architecture a line."""
    on_jax, on_torch = (
        json.loads((RESULTS / f"fold_{backend}.json").read_text(encoding="utf-8"))["results"]
        for backend in ("jax", "torch")
    )
    head = ["", "normalizations", "alone", "kept", "layers", "parameters, thousands", "float32", "float64"]
    rows = [[*head, "quicker on JAX", "quicker on torch"]]
    rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
    rows += [_row(name, on_jax[name], on_torch.get(name)) for name in sorted(on_jax, key=str.lower)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(name: str, on_jax: Any, on_torch: Any) -> list[str]:
    single = on_jax["float32"]
    # Eight were run in float64 on torch alone: on JAX one takes more than ten minutes.
    double = on_jax.get("float64") or on_torch["float64"]
    counts = (single["normalizations"], single["folded"].get("alone", 0), sum(single["kept"].values()))
    parameters = (f"{count / 1e3:,.0f}" for count in single["parameters"])
    quicker = [f"{found['float32']['times_as_quick']:.2f}" if found else "" for found in (on_jax, on_torch)]
    return [
        *(name, *map(str, counts), " → ".join(map(str, single["layers"])), " → ".join(parameters)),
        *(f"{found['difference']:.0e}" for found in (single, double)),
        *quicker,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", type=lambda names: names.split(","))
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
        return
    if arguments.one:
        print(json.dumps(one(arguments.one, arguments.dtype, arguments.side, arguments.repeats)))
        return
    backend = keras.backend.backend()
    command = f"KERAS_BACKEND={backend} python -m benchmarks.fold --side {arguments.side}"
    results: dict[str, Any] = {}
    if arguments.out and arguments.out.exists():
        results = json.loads(arguments.out.read_text(encoding="utf-8"))["results"]
    for name in arguments.only or architectures():
        results[name] = {dtype: in_a_process(name, dtype, arguments) for dtype in ALLOWED}
        print(f"{backend} {name}: {results[name]}", flush=True)
        if arguments.out:  # after each: what takes hours may be ended
            write_results(arguments.out, f"{command} --repeats {arguments.repeats}", results)


if __name__ == "__main__":
    main()
