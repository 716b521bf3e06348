"""What probes cost: the time of an epoch with each, beside that of an epoch without.

    KERAS_BACKEND=jax python -m benchmarks.probes [--repeats 9] [--every 50] [--out FILE]

The article's network at batch 16, 32,000 rows, 2,000 steps an epoch. Every variant is compiled and warm; then
the variants take turns, an epoch each. The cost is the median over the turns of the time with the probe by
the time without in the same turn, less one. The time is the processor's, which other processes touch less.
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

import jax
import numpy as np
from benchmarks.article_network import BATCH, rows
from benchmarks.results import write_results
from examples.article import network

from normwise.training import probes
from normwise.training.measuring import Measuring
from normwise.training.phase import TRAIN
from normwise.training.program import Programs


def variants(every: int) -> dict[str, list[Any]]:
    """Name to the probes."""
    kinds = [getattr(probes, name) for name in probes.__all__]
    single = {kind.__name__: [kind(every)] for kind in kinds}
    inside = [kind for kind in kinds if kind not in (probes.UpdateRatios, probes.WeightNorms)]
    together = {"the five but weights": inside, "all seven": kinds}
    return {"none": [], **single, **{name: [k(every) for k in some] for name, some in together.items()}}


def epoch_of(chosen: list[Any]) -> Callable[[], None]:
    """A function that trains one epoch in one call of the compiled program."""
    x, y = rows()
    model = network()
    model.optimizer.build(model.trainable_variables)
    data = jax.tree.map(lambda a: a.reshape(-1, BATCH, *a.shape[1:]), (x, y))
    programs = Programs(model, TRAIN, Measuring(model, chosen) if chosen else None)
    model._symbolic_build(data_batch=jax.tree.map(lambda a: a[0], data))
    state = TRAIN.take_state(model)

    def epoch() -> None:
        nonlocal state
        result = programs.start(state, data, 0, len(x) // BATCH)
        state = result.state
        jax.block_until_ready(state)
        if programs.measuring is not None:
            programs.measuring.take(result.kept, 0)

    return epoch


def measure(repeats: int, every: int) -> dict[str, Any]:
    """Milliseconds an epoch of each variant, and its cost as a share."""
    epochs = {name: epoch_of(chosen) for name, chosen in variants(every).items()}
    for epoch in epochs.values():
        epoch()
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(repeats):
        for name, epoch in epochs.items():
            begun = time.process_time()
            epoch()
            times[name].append(time.process_time() - begun)
    return {
        name: {
            "milliseconds_an_epoch": round(1e3 * statistics.median(found), 2),
            "cost": round(float(np.median(np.divide(found, times["none"]))) - 1, 4),
        }
        for name, found in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.repeats, arguments.every)
    for name, values in found.items():
        print(f"{name:24} {values['milliseconds_an_epoch']:8.1f} ms an epoch  {100 * values['cost']:+6.1f} %")
    if arguments.out:
        command = f"python -m benchmarks.probes --repeats {arguments.repeats} --every {arguments.every}"
        write_results(arguments.out, command, found)


if __name__ == "__main__":
    main()
