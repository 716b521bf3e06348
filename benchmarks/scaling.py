"""Scaling beside scikit-learn in memory, and beside Polars out of core: seconds, and the peak of memory.

    python -m benchmarks.scaling [--repeats 5] [--in-memory] [--rows 20000000] [--sizes] [--folder FOLDER]
                                 [--out FILE] [--figure FILE]

In memory: fit and transform of 2,000,000 × 14 float32 values, C order; the peers take turns in one process,
and the ratio is the median of the ratios within a turn. The floor is three passes over the array at the speed
at which this machine copies it just then.

Out of core: Parquet files of the same 14 columns are written to a temporary folder once, as Polars writes
them. Each measurement is a process of its own, which reports its peak memory, imports included; the peers
take turns. The floor is to read all columns and add them up. `--sizes` goes on from 2 to 50 million rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from benchmarks.taking_turns import ratio, taking_turns

COLUMNS = 14
IN_MEMORY_ROWS = 2_000_000
SIZES = (2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000)
QUARTILES = (0.25, 0.5, 0.75)


def values(rows: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Columns of other means, spreads and shapes: half of them normal, half of them log-normal."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, COLUMNS), dtype=np.float32)
    x[:, 1::2] = np.exp(x[:, 1::2])
    x *= np.logspace(-2, 3, COLUMNS, dtype=np.float32)
    x += np.linspace(-1000, 1000, COLUMNS, dtype=np.float32)
    return x


# --- in memory --------------------------------------------------------------------------------------------


def in_memory(repeats: int) -> dict[str, Any]:
    """Ours and scikit-learn's scalers on one array."""
    import sklearn.preprocessing as theirs

    import normwise.scaling as ours

    x = values(IN_MEMORY_ROWS)
    results = {}
    for name in ("StandardScaler", "MinMaxScaler", "RobustScaler"):
        peers: dict[str, Callable[[], Any]] = {
            "normwise": lambda name=name: getattr(ours, name)().fit_transform(x),
            "scikit-learn": lambda name=name: getattr(theirs, name)().fit_transform(x),
        }
        results[name] = taking_turns(peers, repeats, "scikit-learn") | {
            "floor_milliseconds": round(1e3 * 3 * copy_seconds(x), 1)
        }
    return results


def copy_seconds(x: np.ndarray[Any, Any]) -> float:
    """Seconds that a copy into memory that is there takes."""
    copy = np.empty_like(x)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(copy, x)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


# --- out of core: each of these runs in a process of its own ------------------------------------------------


def standard_by_normwise(path: str) -> None:
    """Fit alone: the statistics of every column, missing values and infinities told apart."""
    from normwise.scaling import StandardScaler

    StandardScaler().fit(path)


def standard_by_polars(path: str) -> None:
    """The aggregation that it comes down to, written in Polars: mean, spread, range, missing values."""
    pl.scan_parquet(path).select(
        pl.all().cast(pl.Float64).mean().name.suffix(" mean"),
        pl.all().cast(pl.Float64).std(ddof=0).name.suffix(" std"),
        pl.all().min().name.suffix(" min"),
        pl.all().max().name.suffix(" max"),
        pl.all().null_count().name.suffix(" null"),
    ).collect(engine="streaming")


def robust_by_normwise(path: str) -> None:
    """Fit alone: the statistics and three quantiles of every column, to a rank error of 1e-5."""
    from normwise.scaling import RobustScaler

    RobustScaler().fit(path)


def robust_by_polars(path: str) -> None:
    """Polars' exact quantiles."""
    pl.scan_parquet(path).select(
        pl.all().quantile(q, "linear").name.suffix(f" {q}") for q in QUARTILES
    ).collect(engine="streaming")


def read_alone(path: str) -> None:
    """The floor: every value read and added up."""
    pl.scan_parquet(path).select(pl.all().sum()).collect(engine="streaming")


WORK = {
    f.__name__: f
    for f in (standard_by_normwise, standard_by_polars, robust_by_normwise, robust_by_polars, read_alone)
}


def in_a_process(work: str, path: Path) -> tuple[float, float]:
    """Seconds, imports left out, and the peak of resident memory in MB."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--work", work, "--path", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["seconds"], found["megabytes"]


def do(work: str, path: str) -> None:
    """One piece of work, timed; what it imports is imported before."""
    from normwise import scaling

    scaling.StandardScaler().fit(pl.DataFrame({"a": [1.0, 2.0]}))
    scaling.RobustScaler().fit(pl.DataFrame({"a": [1.0, 2.0]}))
    started = time.perf_counter()
    WORK[work](path)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes()}))


def peak_megabytes() -> float:
    """The most memory that this process had so far; not that of the one which started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def write_parquet(path: Path, rows: int) -> None:
    """The table, written as it is made."""
    from polars.io.plugins import register_io_source

    names = [f"x{i}" for i in range(COLUMNS)]

    def parts(*_: Any) -> Iterator[pl.DataFrame]:
        for seed, start in enumerate(range(0, rows, 500_000)):
            yield pl.DataFrame(values(min(500_000, rows - start), seed), schema=names)

    frame = register_io_source(parts, schema=dict.fromkeys(names, pl.Float32))
    frame.sink_parquet(path)


def out_of_core(folder: Path, rows: int, repeats: int) -> dict[str, Any]:
    """Every piece of work on one file, taking turns."""
    path = folder / f"{rows}.parquet"
    if not path.exists():
        write_parquet(path, rows)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WORK}
    for _ in range(repeats):
        for name in WORK:
            found[name].append(in_a_process(name, path))
    seconds = {name: [s for s, _ in runs] for name, runs in found.items()}
    ratios = {
        kind: round(ratio(seconds[f"{kind}_by_polars"], seconds[f"{kind}_by_normwise"]), 2)
        for kind in ("standard", "robust")
    }
    return {
        "seconds": {name: round(statistics.median(s), 2) for name, s in seconds.items()},
        "peak_megabytes": {name: round(max(m for _, m in runs)) for name, runs in found.items()},
        "times_as_quick_as_polars": ratios,
    }


def by_size(folder: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Seconds and memory of ours as the table grows."""
    results = {}
    for rows in sizes:
        path = folder / f"{rows}.parquet"
        if not path.exists():
            write_parquet(path, rows)
        results[str(rows)] = {
            name: dict(
                zip(("seconds", "megabytes"), (round(v, 2) for v in in_a_process(name, path)), strict=True)
            )
            for name in ("standard_by_normwise", "robust_by_normwise")
        }
        print(f"{rows:>11,} rows  {results[str(rows)]}", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, help="where the Parquet files are kept; a temporary one else")
    parser.add_argument("--sizes", action="store_true", help="also from 2 to 50 million rows")
    parser.add_argument("--in-memory", action="store_true", help="nothing out of core")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path, help="an SVG of what --sizes finds")
    parser.add_argument("--work", choices=WORK)
    parser.add_argument("--path")
    arguments = parser.parse_args()
    if arguments.work:
        do(arguments.work, arguments.path)
        return
    results: dict[str, Any] = {"in memory": in_memory(arguments.repeats)}
    print(json.dumps(results, indent=1), flush=True)
    if arguments.in_memory:
        save(
            arguments.out, f"python -m benchmarks.scaling --repeats {arguments.repeats} --in-memory", results
        )
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        rows = arguments.rows
        results[f"{rows} rows of Parquet"] = out_of_core(folder, rows, arguments.repeats)
        print(json.dumps(results[f"{rows} rows of Parquet"], indent=1), flush=True)
        if arguments.sizes:
            results["by size"] = by_size(folder, SIZES)
    if arguments.figure:
        from benchmarks.size_figure import size_figure

        arguments.figure.write_text(size_figure(results["by size"]), encoding="utf-8")
    command = f"python -m benchmarks.scaling --repeats {arguments.repeats} --rows {rows}"
    save(arguments.out, command + " --sizes" * arguments.sizes, results)


def save(out: Path | None, command: str, results: dict[str, Any]) -> None:
    if out is None:
        return
    # Not above: it imports Keras, whose memory would count in every piece of work.
    from benchmarks.results import write_results

    write_results(out, command, results)


if __name__ == "__main__":
    main()
