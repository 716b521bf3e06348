"""The tables of docs/paper-reproduced.md, from the results of the experiments alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from experiments.paper_figures import limit_of, losses_of
from experiments.seeds import middle, numbers, percent, spread, verdict

from normwise.insight import usable_range

Found = dict[str, Any]
Steps = list[int | None]

PAPER = {
    "Baseline": ("31.0", "72.2%"),
    "BN-Baseline": ("13.3", "72.7%"),
    "BN-x5": ("2.1", "73.0%"),
    "BN-x30": ("2.7", "74.8%"),
    "BN-x5-Sigmoid": ("never", "69.8%"),
}
"""Ioffe & Szegedy 2015, figure 3: millions of steps to 72.2%, and the highest accuracy."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; all columns but the first are set right.

    Example:
        >>> print(table(["a", "b"], [["x", "1"]]))
        | a | b |
        |---|---:|
        | x | 1 |
    """
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(
        f"|{'|'.join(line)}|" if i == 1 else f"| {' | '.join(line)} |" for i, line in enumerate(lines)
    )


def count(value: float) -> str:
    """A number of steps."""
    return f"{value:,.0f}"


# --- mnist_sigmoid ----------------------------------------------------------------------------------------


def mnist_steps(found: Found, of: str, arm: str = "with") -> Steps:
    """By seed, the first step at which a network is as good as the one without normalization at the end."""
    goals = [curve[-1] for curve in found["runs"][f"without, {of} rate"]["test accuracy"]]
    run = found["runs"][f"{arm}, {of} rate"]
    return [first(run["steps"], curve, goal) for curve, goal in zip(run["test accuracy"], goals, strict=True)]


def first(steps: Sequence[int], curve: Sequence[float | None], goal: float) -> int | None:
    """The first of the steps at which a curve reaches the goal.

    Example:
        >>> first([0, 10, 20], [0.1, None, 0.8], 0.5), first([0], [0.1], 0.5)
        (20, None)
    """
    return next((s for s, v in zip(steps, curve, strict=False) if v is not None and v >= goal), None)


def mnist_sigmoid(found: Found) -> str:
    """Accuracy at the end, the steps to it, and how far the inputs of the last layer wander."""
    rows = []
    for of in ("slow", "best"):
        for arm in ("without", "with"):
            run = found["runs"][f"{arm}, {of} rate"]
            ends = [curve[-1] for curve in run["test accuracy"]]
            rows.append(
                [
                    f"{run['learning rate']:g}, {arm}",
                    spread(ends, percent),
                    spread(mnist_steps(found, of, arm), count),
                    spread(run["wander"], "{:.2f}".format),
                ]
            )
    head = [
        "learning rate, normalization",
        "test accuracy at the end",
        "first step that sees the end of `without`",
        "wander",
    ]
    return table(head, rows)


# --- inception_small --------------------------------------------------------------------------------------


def seeds_of(found: Found, name: str) -> list[Found]:
    """The runs of an arm."""
    return [run for key, run in found["runs"].items() if key.startswith(f"{name}, seed ")]


def best(run: Found) -> float:
    """The highest validation accuracy of a training."""
    return max((v for v in run["validation accuracy"] if v is not None), default=0.0)


def goal_of(found: Found, name: str) -> float:
    """The accuracy to reach: the median over the seeds of the best of the baseline at that rate."""
    baseline = "low Baseline" if name.startswith("low ") else "Baseline"
    return median(best(run) for run in seeds_of(found, baseline))


def inception_steps(found: Found, name: str) -> Steps:
    """By seed, the steps of an arm to the best accuracy of its baseline."""
    every, goal = found["settings"]["measured every"], goal_of(found, name)
    curves = [run["validation accuracy"] for run in seeds_of(found, name)]
    return [first([every * (k + 1) for k in range(len(curve))], curve, goal) for curve in curves]


def inception_small(found: Found, names: Sequence[str] = ()) -> str:
    """The arms beside the paper's."""
    rows = []
    for name in names or list(
        dict.fromkeys(key.rpartition(", seed")[0] for key in found["runs"] if "seed" in key)
    ):
        runs, steps = seeds_of(found, name), inception_steps(found, name)
        base = middle(inception_steps(found, "low Baseline" if name.startswith("low ") else "Baseline"))
        share = base / middle(steps)
        paper_steps, paper_best = PAPER.get(name, ("", ""))
        faster = f"{31.0 / float(paper_steps):.1f}" if paper_steps not in ("", "never") else ""
        rows.append(
            [
                name,
                spread(steps, count),
                f"{share:.1f}" if share > 0 else "",
                spread([best(run) for run in runs], percent),
                paper_steps,
                faster,
                paper_best,
            ]
        )
    head = ["", "steps to the baseline's best", "times fewer", "best accuracy"]
    return table([*head, "paper: steps, millions", "times fewer", "best accuracy"], rows)


# --- placement --------------------------------------------------------------------------------------------


def placement(found: Found, activation: str) -> str:
    """Test accuracy by placement and dropout."""
    runs = [run for run in found["runs"].values() if run["activation"] == activation]
    placements = list(dict.fromkeys(run["placement"] for run in runs))
    dropouts = list(dict.fromkeys(run["dropout"] for run in runs))
    cells = {(r["placement"], r["dropout"]): spread(r["test accuracy"], percent) for r in runs}
    rows = [[place, *(cells.get((place, drop), "–") for drop in dropouts)] for place in placements]
    name = {"relu": "ReLU"}.get(activation, activation)
    return table([f"{name}, normalization", *(f"dropout {drop}" for drop in dropouts)], rows)


def shifts_of(found: Found, case: str) -> list[Found]:
    """All variance shifts of a case."""
    return [
        s
        for run in found["runs"].values()
        for seed in run["variance shifts"]
        for s in seed
        if s["case"] == case
    ]


def variance_shift(found: Found) -> str:
    """Measured beside the formula."""
    rows = []
    for case, name in (("a", "dropout right in front (a)"), ("b", "weights between (b)")):
        shifts = shifts_of(found, case)
        off = [abs(s["measured"] / s["formula"] - 1) for s in shifts]
        measured, formula = ([s[way] for s in shifts] for way in ("measured", "formula"))
        cells = [spread(measured, "{:.2f}".format), spread(formula, "{:.2f}".format)]
        rows.append([name, str(len(shifts)), *cells, percent(median(off)), percent(max(off))])
    head = ["case", "layers", "Δ measured", "Δ by the formula", "off by, median", "at most"]
    return table(head, rows)


# --- small_batch ------------------------------------------------------------------------------------------


def errors(found: Found, method: str, size: int) -> list[float]:
    """The test errors of a method's seeds."""
    return [1 - v for v in found["runs"][f"{method}, {size}"]["test accuracy"]]


def small_batch(found: Found) -> str:
    """Test error by method and size."""
    sizes = found["settings"]["batch sizes"]
    methods = list(dict.fromkeys(run["method"] for run in found["runs"].values()))
    rows = [
        [
            method,
            *(
                spread(errors(found, method, size), percent) if f"{method}, {size}" in found["runs"] else "–"
                for size in sizes
            ),
        ]
        for method in methods
    ]
    return table(["", *(str(size) for size in sizes)], rows)


# --- initialization ---------------------------------------------------------------------------------------


def usable(found: Found, activation: str, arm: str, seed: int | None = None) -> dict[str, float]:
    """Decades of rates at Glorot's scale, decades of scales at the best rate, and the share of all pairs; of
    one seed, by its place, or else of the median loss."""
    scales, rates = found["settings"]["scales"], found["settings"]["learning rates"]
    limit = limit_of(found, activation)
    losses = np.array([losses_of(found, activation, arm, scale, seed) for scale in scales])
    at_one = losses[scales.index(1.0)]
    return {
        "rates": usable_range(rates, [[v] for v in at_one], limit),
        "scales": usable_range(scales, [[v] for v in losses.min(axis=1)], limit),
        "pairs": float(np.mean(losses <= limit)),
    }


def initialization(found: Found) -> str:
    """The usable ranges."""
    rows = []
    for activation in dict.fromkeys(run["activation"] for run in found["runs"].values()):
        for arm in ("without", "with"):
            of = usable(found, activation, arm)
            name = {"relu": "ReLU"}.get(activation, activation)
            rows.append([f"{name}, {arm}", f"{of['rates']:.1f}", f"{of['scales']:.1f}", percent(of["pairs"])])
    head = ["activation, normalization", "decades of learning rates, at Glorot's scale"]
    return table([*head, "decades of scales, at the best rate", "usable pairs"], rows)


# --- smoothness -------------------------------------------------------------------------------------------

MEASURES: dict[str, tuple[str, Callable[[Found], list[float]]]] = {
    "range of the loss": (
        "loss_range",
        lambda c: [h - low for h, low in zip(numbers(c["high"]), numbers(c["low"]), strict=True)],
    ),
    "largest change of the gradient": ("gradient_predictiveness", lambda c: numbers(c["high"])),
    "effective β": ("effective_beta", lambda c: numbers(c["y"])),
    "η·β": ("eta_beta", lambda c: numbers(c["y"])),
}


def smooth(found: Found, kind: str, arm: str, measure: str) -> list[float]:
    """By seed, the median of a measure over the training, its start left out."""
    name, of = MEASURES[measure]
    return [median(of(seed[name])[1:]) for seed in found["runs"][f"{kind}, {arm}"]["seeds"]]


def cosines(found: Found, kind: str, arm: str) -> list[float]:
    """By seed, the median over the layers of cos(G, G′) at the end of the training."""
    return [seed["covariate_shift_cosine"] for seed in found["runs"][f"{kind}, {arm}"]["seeds"]]


def smoothness(found: Found) -> str:
    """Each measure without and with, and how the gradient turns when the layers before it step."""
    rows = []
    for kind in dict.fromkeys(run["network"] for run in found["runs"].values()):
        label = {"sigmoid": "sigmoid", "relu": "ReLU", "conv": "convolutions"}[kind]
        for measure in MEASURES:
            cells = [smooth(found, kind, arm, measure) for arm in ("without", "with")]
            rows.append(
                [
                    f"{label}: {measure}",
                    *(spread(c, "{:.3g}".format) for c in cells),
                    verdict(cells[1], cells[0]),
                ]
            )
        turned = [cosines(found, kind, arm) for arm in ("without", "with")]
        rows.append([f"{label}: cos(G, G′) at the end", *(spread(c, "{:.3f}".format) for c in turned), ""])
    return table(["", "without", "with", "less with it"], rows)
