"""How long `normwise why` takes, the whole process: on the built-in table, and on UCI Adult.

    python -m benchmarks.why [--repeats 3] [--out benchmarks/results/why.json]

With nothing but the defaults: four variants, 16 learning rates, five seeds. The tables take turns.
NORMWISE_DATA names the folder that holds adult/.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.data import adult
from benchmarks.results import write_results


def seconds(arguments: list[str], out: Path) -> float:
    """Of one process, from its start to its end."""
    command = [
        sys.executable,
        "-m",
        "normwise",
        "why",
        *arguments,
        "--out",
        str(out),
        "--overwrite",
        "--quiet",
    ]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/why.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adult("data").write_csv(folder / "adult.csv")
        tables = {"built-in": [], "adult": [str(folder / "adult.csv"), "--target", "income"]}
        taken: dict[str, list[float]] = {table: [] for table in tables}
        for _ in range(options.repeats):
            for table, arguments in tables.items():
                taken[table].append(seconds(arguments, folder / f"{table}.html"))
                print(f"{table}: {taken[table][-1]:.1f} s", flush=True)
    results = {
        table: {"seconds": [round(s, 2) for s in times], "median": round(statistics.median(times), 2)}
        for table, times in taken.items()
    }
    write_results(options.out, f"python -m benchmarks.why --repeats {options.repeats}", results)


if __name__ == "__main__":
    main()
