"""A training from Parquet beside the same steps from memory: seconds an epoch, and the peak of memory.

    python -m benchmarks.training_parquet [--rows 10000000] [--repeats 5] [--folder FOLDER] [--out FILE]

A table of 30 float32 columns and an integer target, compressed by snappy, as pandas, PyArrow, DuckDB and
Spark do where nothing else is said, and by zstd, as Polars does; a network 30-64-64-1 with batch
normalization, Adam, batch 1024, shuffled. Each measurement is a process of its own, and the sides take turns.
It trains two epochs; the second is measured, so that compiling is not. In memory the rows are one float32
array, loaded before the clock starts. The peak is that of the process, with imports and all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

COLUMNS, BATCH, TARGET = 30, 1024, "target"
PIECE = 1_000_000
SIDES = ("memory", "snappy", "zstd")


def write_table(file: Path, rows: int, compression: Any) -> None:
    """The table, made piece by piece, so that it may be larger than memory."""

    def piece(start: int) -> pl.LazyFrame:
        random = np.random.default_rng(start)
        x = random.standard_normal((min(PIECE, rows - start), COLUMNS), dtype=np.float32)
        y = (x[:, :3].sum(axis=1) + random.standard_normal(len(x)) > 0).astype(np.int64)
        return pl.LazyFrame({f"x{j}": x[:, j] for j in range(COLUMNS)}).with_columns(pl.Series(TARGET, y))

    parts = [file.with_suffix(f".{start}") for start in range(0, rows, PIECE)]
    for part, start in zip(parts, range(0, rows, PIECE), strict=True):
        piece(start).sink_parquet(part)
    pl.scan_parquet(parts, glob=False).sink_parquet(file, compression=compression)
    for part in parts:
        part.unlink()


def measure(side: str, file: Path) -> dict[str, Any]:
    """One side, in this process."""
    import keras

    import normwise

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            keras.layers.Dense(64),
            normwise.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    x, y = _in_memory(file) if side == "memory" else (str(file), TARGET)
    clock = _clock()
    history = normwise.fit(model, x, y, batch_size=BATCH, epochs=2, verbose=0, callbacks=[clock])
    return {
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "loss": history.history["loss"][-1],
    }


def _in_memory(file: Path) -> tuple[Any, Any]:
    frame = pl.read_parquet(file)
    return frame.drop(TARGET).to_numpy(order="c"), frame[TARGET].to_numpy()


def _clock() -> Any:
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        """Keeps what the last epoch took."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begun = time.perf_counter(), time.process_time()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.begun[0]
            self.cpu_seconds = time.process_time() - self.begun[1]

    return Clock()


def in_a_process(side: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training_parquet", "--side", side, "--file", str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(rows: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Medians of each side, and the median of the ratios within a turn."""
    files = {side: folder / f"rows-{rows}-{side}.parquet" for side in SIDES[1:]}
    for side, file in files.items():
        if not file.exists():
            write_table(file, rows, side)
    turns: list[dict[str, dict[str, Any]]] = []
    for turn in range(repeats):
        sides = SIDES if turn % 2 == 0 else SIDES[::-1]
        turns.append({side: in_a_process(side, files.get(side, file)) for side in sides})
        print(json.dumps(turns[-1]), file=sys.stderr)
    results: dict[str, Any] = {"rows": rows, "columns": COLUMNS, "batch": BATCH, "repeats": repeats}
    for side in SIDES:
        fields = turns[0][side]
        results[side] = {name: round(statistics.median(t[side][name] for t in turns), 3) for name in fields}
    for side, name in itertools.product(SIDES[1:], ("seconds", "cpu_seconds")):
        ratio = statistics.median(t[side][name] / t["memory"][name] for t in turns)
        results[f"{side}_to_memory_{name}"] = round(ratio, 3)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="where the table is written and kept; else it is temporary"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.file)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        results = compare(options.rows, options.repeats, options.folder or Path(temporary))
    print(json.dumps(results, indent=1))
    if options.out:
        from benchmarks.results import write_results

        command = f"python -m benchmarks.training_parquet --rows {options.rows} --repeats {options.repeats}"
        write_results(options.out, command, results)


if __name__ == "__main__":
    main()
