"""Eight models side by side by `fit_many`, beside eight trainings one after the other.

    KERAS_BACKEND=jax python -m benchmarks.fit_many [--members 8] [--repeats 9] [--out FILE]

The article's network at batch 16, 32,000 rows, 2,000 steps an epoch. Both ways are compiled and warm; then
they take turns, an epoch of every member each. Medians of all turns, and the ratio is the median of the
ratios within a turn, by the clock and by the processor's time, which other processes touch less.
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
import jax.numpy as jnp
import numpy as np
from benchmarks.article_network import BATCH, rows
from benchmarks.results import write_results
from examples.article import network

from normwise.training.keras_trainer import EpochBatches
from normwise.training.members import Member, together
from normwise.training.phase import TRAIN
from normwise.training.program import Programs
from normwise.training.together import Together


def side_by_side(members: list[Member], data: Any) -> Callable[[], None]:
    """A function that trains an epoch of all members in one program."""
    steps = len(data[0]) // BATCH
    arrays = jax.tree.map(jnp.asarray, data)
    program = Together(members[0].model, TRAIN, arrays, True)
    state = together([member.model for member in members], TRAIN.kinds)
    order = np.stack([np.random.default_rng(i).permutation(len(data[0])) for i in range(len(members))])
    taken = jnp.asarray(order.reshape(len(members), steps, BATCH).astype("int32"))

    def epoch() -> None:
        nonlocal state
        state, _, _ = program.start(state, taken, 0, steps, 0)
        jax.block_until_ready(state)

    return epoch


def one_by_one(members: list[Member], data: Any) -> Callable[[], None]:
    """A function that trains an epoch of one member after the other, in the program of a single model."""
    steps = len(data[0]) // BATCH
    stacked = jax.tree.map(lambda a: a.reshape(steps, BATCH, *a.shape[1:]), data)
    programs = Programs(members[0].model, TRAIN)
    whole = together([member.model for member in members], TRAIN.kinds)
    states = [jax.tree.map(lambda a, i=i: a[i], whole) for i in range(len(members))]

    def epoch() -> None:
        for i, state in enumerate(states):
            states[i] = programs.start(state, stacked, 0, steps).state
            jax.block_until_ready(states[i])

    return epoch


def measure(count: int, repeats: int) -> dict[str, Any]:
    """Milliseconds an epoch of all members, both ways and by both clocks, and the ratio."""
    data = rows()
    batches = EpochBatches(x=data[0], y=data[1], batch_size=BATCH)
    members = [Member(network(), seed, None, batches) for seed in range(count)]
    ways = {"side by side": side_by_side(members, data), "one by one": one_by_one(members, data)}
    found: dict[str, Any] = {name: {"clock": [], "processor": []} for name in ways}
    for turn in range(repeats + 1):
        for name, epoch in ways.items():
            begun = time.perf_counter(), time.process_time()
            epoch()
            if turn:
                found[name]["clock"].append(time.perf_counter() - begun[0])
                found[name]["processor"].append(time.process_time() - begun[1])
    return {
        kind: {
            **{name: round(1e3 * statistics.median(found[name][kind]), 1) for name in ways},
            "times as quick": round(
                float(np.median(np.divide(found["one by one"][kind], found["side by side"][kind]))), 2
            ),
        }
        for kind in ("clock", "processor")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.members, arguments.repeats)
    for kind, values in found.items():
        print(f"{kind:10} " + "  ".join(f"{name} {value}" for name, value in values.items()))
    if arguments.out:
        command = f"python -m benchmarks.fit_many --members {arguments.members} --repeats {arguments.repeats}"
        write_results(arguments.out, command, found)


if __name__ == "__main__":
    main()
