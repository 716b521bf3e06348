"""taking_turns: peers one after the other, many times over, so that the machine's moods meet all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def taking_turns(peers: dict[str, Callable[[], Any]], repeats: int, base: str) -> dict[str, Any]:
    """Milliseconds of each, and how many times as quick as `base` it is, as medians."""
    for run in peers.values():
        run()
        run()
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeats):
        for name, run in peers.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {
        "milliseconds": {name: round(1e3 * statistics.median(t), 3) for name, t in times.items()},
        f"times_as_quick_as_{base}": {name: round(ratio(times[base], t), 3) for name, t in times.items()},
    }


def ratio(base: Sequence[float], found: Sequence[float]) -> float:
    """The median of the ratios within a turn."""
    return statistics.median(b / f for b, f in zip(base, found, strict=True))
