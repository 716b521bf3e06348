"""How fast normwise.fit is where a callback hears of batches, beside Keras on JAX, by `steps_per_execution`.

    KERAS_BACKEND=jax python -m benchmarks.steps_per_execution [--steps 2 8 100] [--repeats 3] [--out FILE]

The article's network with Keras' layers, batch 16, 1,000 steps an epoch. With a callback that hears of
batches a call takes just so many steps; without one, as many as suit it. The two take turns; µs a step of
the quickest epoch after the first of each training, and the median over the turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from benchmarks.results import write_results
from benchmarks.training_peer import BATCH, article_data, keras_network

import normwise

ROWS, EPOCHS = 16_000, 5


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps when each epoch ended."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.ends: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())


class ClockThatHearsOfBatches(Clock):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


def microseconds(fit: Any, steps: int, clock: Clock) -> float:
    """A step of the quickest epoch but the first."""
    x, y = article_data()
    keras.utils.set_random_seed(0)
    model = keras_network("article", False, steps)
    fit(model, x[:ROWS], y[:ROWS], batch_size=BATCH["article"], epochs=EPOCHS, verbose=0, callbacks=[clock])
    epochs = [after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False)]
    return 1e6 * min(epochs) * BATCH["article"] / ROWS


def measure(steps: int, repeats: int, clock: type[Clock]) -> dict[str, float]:
    ways = {"normwise.fit": normwise.fit, "Keras": keras.Model.fit}
    turns = [{name: microseconds(fit, steps, clock()) for name, fit in ways.items()} for _ in range(repeats)]
    return {name: round(statistics.median(turn[name] for turn in turns), 1) for name in ways}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 8, 100])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for steps in options.steps:
        for name, clock in (("heard", ClockThatHearsOfBatches), ("not heard", Clock)):
            found[f"{steps}, batches {name}"] = measure(steps, options.repeats, clock)
            print(
                f"steps_per_execution={steps}, batches {name}: {found[f'{steps}, batches {name}']}",
                flush=True,
            )
    if options.out:
        command = f"python -m benchmarks.steps_per_execution --repeats {options.repeats}"
        write_results(options.out, command, found)


if __name__ == "__main__":
    main()
