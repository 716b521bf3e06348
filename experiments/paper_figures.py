"""The figures of docs/paper-reproduced.md, from the JSON files of the experiments alone.

    python -m experiments.paper_figures [--results experiments/results] [--pictures docs/images] [NAME …]

They are Plotly's figures, drawn as SVG by a chromium on PATH; that needs the packages of `./run test-all`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from experiments.seeds import middle, numbers

from normwise.report.look import Look, reference
from normwise.report.why.panels import axis_pair, grid, log_ticks, titled
from normwise.report.why.variants import faint

Found = dict[str, Any]
LOOK = Look()
WITHOUT, WITH = "#c84e00", "#0072b2"
COLORS = {"without": WITHOUT, "with": WITH}
NAMES = {"without": "without batch normalization", "with": "with batch normalization"}
ARMS = {
    "Baseline": (WITHOUT, "solid"),
    "BN-Baseline": ("#56b4e9", "solid"),
    "BN-x1": ("#7a6ad8", "solid"),
    "BN-x5": (WITH, "solid"),
    "BN-x30": ("#007a5a", "solid"),
    "BN-x5-Sigmoid": ("#a8457f", "solid"),
    "x5 without BN": (WITHOUT, "dot"),
    "Sigmoid without BN": ("#a8457f", "dot"),
}
METHODS = {
    "batch": (WITH, "batch normalization"),
    "ghost": ("#56b4e9", "ghost batches, steps of 128"),
    "renorm": ("#a8457f", "batch renormalization"),
    "group": ("#007a5a", "group normalization"),
    "none": (WITHOUT, "none"),
}
SYMBOLS = {"nowhere": "circle", "before": "square", "after": "diamond", "both": "triangle-up"}
PLACES = {"nowhere": WITHOUT, "before": WITH, "after": "#007a5a", "both": "#a8457f"}


class Panels:
    """A figure of several panels in the look of the reports."""

    def __init__(self, count: int, columns: int, each: int, legend: bool = True) -> None:
        self.layout, self.places = grid(count, LOOK, each, columns, legend)
        self.traces: list[Found] = []
        self.named: set[str] = set()

    def panel(self, i: int, title: str, x: Found, y: Found) -> None:
        """Panel i, from 0."""
        self.layout |= axis_pair(i + 1, self.places[i], LOOK, x, y)
        self.layout["annotations"].append(LOOK.title(title, i + 1))

    def add(self, i: int, name: str, **trace: Any) -> None:
        """A trace in panel i; its name stands in the legend once, and not at all where it is empty."""
        axes = {"xaxis": reference("x", i + 1), "yaxis": reference("y", i + 1)}
        shown = bool(name) and name not in self.named
        self.named.add(name)
        self.traces.append({"type": "scatter", "name": name, "showlegend": shown} | trace | axes)

    def range(
        self, i: int, x: Sequence[float], low: Sequence[float], high: Sequence[float], color: str
    ) -> None:
        """What lies between two curves, filled."""
        across, up = [*x, *reversed(x)], [*low, *reversed(high)]
        self.add(
            i, "", x=across, y=up, mode="lines", fill="toself", fillcolor=faint(color), line={"width": 0}
        )

    def median(
        self, i: int, name: str, x: Sequence[float], seeds: Any, color: str, dash: str = "solid"
    ) -> None:
        """The median over the seeds as a line, and their range around it."""
        values = np.array([numbers(curve) for curve in seeds])
        self.range(i, x, values.min(0).tolist(), values.max(0).tolist(), color)
        line = {"color": color, "width": 2.2, "dash": dash}
        self.add(i, name, x=list(x), y=np.median(values, 0).tolist(), mode="lines", line=line)

    def figure(self) -> go.Figure:
        """The figure."""
        return go.Figure(data=self.traces, layout=self.layout)


def axis(text: str, **more: Any) -> Found:
    """An axis with its title."""
    return titled(text, LOOK) | more


def logarithmic(text: str, values: Sequence[float], **more: Any) -> Found:
    """A logarithmic axis for these values."""
    return axis(text, type="log", **log_ticks(values), **more)


def over_steps(last: int, text: str = "training steps") -> Found:
    """The axis of a training of so many steps."""
    return axis(text, range=[0, last * 1.02], showgrid=False, nticks=6, tickformat=",")


def mnist_accuracy(found: Found) -> go.Figure:
    """Test accuracy over the steps, at both rates."""
    drawn = Panels(2, 2, 280)
    for i, of in enumerate(("slow", "best")):
        arms = {arm: found["runs"][f"{arm}, {of} rate"] for arm in COLORS}
        rate, last = arms["with"]["learning rate"], arms["with"]["steps"][-1]
        what = "a low one" if of == "slow" else "the best without normalization"
        ends = [0.85, 0.985] if last > 1000 else [0, 1]
        y = axis("test accuracy" if i == 0 else "", tickformat=".0%", range=ends, nticks=7)
        drawn.panel(i, f"Learning rate {rate:g}, {what}", over_steps(last), y)
        for arm, run in arms.items():
            drawn.median(i, NAMES[arm], run["steps"], run["test accuracy"], COLORS[arm])
    return drawn.figure()


def mnist_percentiles(found: Found) -> go.Figure:
    """The percentiles of what goes into one sigmoid of the last hidden layer; each row on one scale."""
    drawn = Panels(4, 2, 210, legend=False)
    for row, of in enumerate(("slow", "best")):
        runs = {arm: found["runs"][f"{arm}, {of} rate"] for arm in COLORS}
        seen = {arm: np.array(run["percentiles of unit 0"][0]).T for arm, run in runs.items()}
        ends = [min(v.min() for v in seen.values()) - 0.2, max(v.max() for v in seen.values()) + 0.2]
        for i, (arm, run) in enumerate(runs.items(), start=2 * row):
            low, mid, high = seen[arm]
            title = f"{NAMES[arm]}, rate {run['learning rate']:g}".capitalize()
            x = over_steps(run["steps"][-1], "training steps" if row else "")
            drawn.panel(
                i, title, x, axis("input of the sigmoid" if i == 2 * row else "", nticks=6, range=ends)
            )
            drawn.range(i, run["steps"], low.tolist(), high.tolist(), COLORS[arm])
            line = {"color": COLORS[arm], "width": 1.6}
            drawn.add(i, "", x=run["steps"], y=mid.tolist(), mode="lines", line=line)
    return drawn.figure()


def inception_accuracy(found: Found) -> go.Figure:
    """Validation accuracy over the steps: the median of the seeds."""
    settings = found["settings"]
    drawn = Panels(1, 1, 380)
    last = settings["steps"]
    drawn.panel(
        0,
        "",
        over_steps(last),
        axis("validation accuracy", tickformat=".0%"),
    )
    every = settings["measured every"]
    for name, (color, dash) in ARMS.items():
        curves = [
            run["validation accuracy"] for key, run in found["runs"].items() if key.startswith(f"{name}, ")
        ]
        if not curves:
            continue
        length = min(len(curve) for curve in curves)
        steps = [every * (k + 1) for k in range(length)]
        y = np.median([numbers(curve[:length]) for curve in curves], axis=0)
        line = {"color": color, "width": 2.2, "dash": dash}
        drawn.add(0, name, x=steps, y=y.tolist(), mode="lines" if length > 1 else "markers", line=line)
    return drawn.figure()


def placement_accuracy(found: Found) -> go.Figure:
    """Test accuracy of each placement by dropout: a mark a seed."""
    drawn = Panels(2, 2, 330)
    kinds = list(dict.fromkeys(run["dropout"] for run in found["runs"].values()))
    for i, activation in enumerate(("tanh", "relu")):
        x = axis("test accuracy", tickformat=".0%", nticks=6)
        rows = {"tickvals": list(range(len(kinds))), "ticktext": kinds[::-1] if i == 0 else [""] * len(kinds)}
        y = axis("dropout" if i == 0 else "", showgrid=True, range=[-0.6, len(kinds) - 0.4], **rows)
        drawn.panel(i, {"tanh": "tanh", "relu": "ReLU"}[activation], x, y)
        for place, color in PLACES.items():
            offset = 0.27 - 0.18 * list(PLACES).index(place)
            of = [
                r for r in found["runs"].values() if (r["activation"], r["placement"]) == (activation, place)
            ]
            values = [
                (v, len(kinds) - 1 - kinds.index(r["dropout"]) + offset)
                for r in of
                for v in r["test accuracy"]
            ]
            marker = {"color": color, "size": 8, "symbol": SYMBOLS[place], "opacity": 0.8}
            name = "no normalization" if place == "nowhere" else f"{place} the activation"
            name = "before and after" if place == "both" else name
            xs, ys = [v for v, _ in values], [r for _, r in values]
            drawn.add(i, name, x=xs, y=ys, mode="markers", marker=marker)
    return drawn.figure()


def variance_shift(found: Found) -> go.Figure:
    """The variance shift as measured, beside Li et al.'s formula."""
    shifts = [s for run in found["runs"].values() for seed in run["variance shifts"] for s in seed]
    values = [s[way] for s in shifts for way in ("measured", "formula")]
    ends = [min(values, default=0.1) * 0.9, 1.05]
    drawn = Panels(1, 1, 380)
    ticks = {"range": [math.log10(end) for end in ends]}
    x = logarithmic("Δ by the formula", ends, showgrid=True, **ticks)
    drawn.panel(0, "Variance at inference ÷ in training", x, logarithmic("Δ as measured", ends, **ticks))
    line = {"color": LOOK.palette.quiet, "dash": "dot", "width": 1.5}
    drawn.add(0, "", x=ends, y=ends, mode="lines", line=line)
    for case, name, color, symbol in (
        ("a", "dropout right in front", WITHOUT, "circle"),
        ("b", "weights between", WITH, "square"),
    ):
        of = [s for s in shifts if s["case"] == case]
        marker = {"color": color, "size": 8, "symbol": symbol, "opacity": 0.7}
        xs, ys = [s["formula"] for s in of], [s["measured"] for s in of]
        drawn.add(0, name, x=xs, y=ys, mode="markers", marker=marker)
    return drawn.figure()


def small_batch_error(found: Found) -> go.Figure:
    """Test error by the rows in a mean and a variance."""
    drawn = Panels(1, 1, 380)
    sizes = found["settings"]["batch sizes"]
    ticks = {"tickmode": "array", "tickvals": sizes, "ticktext": [str(s) for s in sizes]}
    x = axis("rows in each mean and variance, or in the batch", type="log", showgrid=False, **ticks)
    marks = [0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8]
    y = axis("test error", type="log", tickmode="array", tickvals=marks, tickformat=".0%")
    drawn.panel(0, "", x | {"range": [math.log10(sizes[0]), math.log10(sizes[-1] * 1.05)]}, y)
    for method, (color, name) in METHODS.items():
        runs = sorted((r for r in found["runs"].values() if r["method"] == method), key=lambda r: r["size"])
        if runs:
            errors = [[1 - r["test accuracy"][k] for r in runs] for k in range(len(runs[0]["test accuracy"]))]
            drawn.median(0, name, [r["size"] for r in runs], errors, color)
    return drawn.figure()


def initialization_map(found: Found) -> go.Figure:
    """Validation loss by scale and learning rate; a white frame is around what is of use."""
    activations = list(dict.fromkeys(run["activation"] for run in found["runs"].values()))
    drawn = Panels(2 * len(activations), 2, 250, legend=False)
    rates, scales = found["settings"]["learning rates"], found["settings"]["scales"]
    for i, (activation, arm) in enumerate((a, arm) for a in activations for arm in COLORS):
        losses = np.array([losses_of(found, activation, arm, scale) for scale in scales])
        limit = limit_of(found, activation)
        chance = math.log(10)
        x = logarithmic("learning rate", rates, showgrid=False)
        y = logarithmic("× Glorot's weights" if i % 2 == 0 else "", scales, showgrid=False)
        title = f"{ {'relu': 'ReLU', 'sigmoid': 'sigmoid'}[activation] }, {NAMES[arm]}"
        drawn.panel(i, title, x, y)
        shown = np.where(np.isfinite(losses), np.minimum(losses, chance), chance)
        drawn.add(
            i,
            "",
            type="heatmap",
            x=rates,
            y=scales,
            z=shown.tolist(),
            zmin=0.4,
            zmax=chance,
            colorscale=[[0, "#083a5e"], [0.25, "#0072b2"], [0.6, "#9ccbe8"], [1, "#eef1f4"]],
            xgap=1,
            ygap=1,
            showscale=i == 1,
            colorbar={
                "title": {"text": "loss", "font": {"size": 12}},
                "thickness": 12,
                "len": 0.45,
                "y": 0.78,
            },
        )
        of_use = np.argwhere(losses <= limit)
        marker = {"color": "#ffffff", "size": 6, "symbol": "circle"}
        xs, ys = [rates[c] for _, c in of_use], [scales[r] for r, _ in of_use]
        drawn.add(i, "", x=xs, y=ys, mode="markers", marker=marker)
    return drawn.figure()


def losses_of(found: Found, activation: str, arm: str, scale: float, seed: int | None = None) -> list[float]:
    """The loss of each learning rate: that of one seed, by its place, or else the median."""
    losses = found["runs"][f"{activation}, {arm}, scale {scale:g}"]["validation loss"]
    return [middle(seeds if seed is None else [seeds[seed]]) for seeds in losses]


def limit_of(found: Found, activation: str) -> float:
    """The highest loss that is of use: the best without normalization, times the tolerance."""
    scales, tolerance = found["settings"]["scales"], float(found["settings"]["limit"])
    return tolerance * min(min(losses_of(found, activation, "without", scale)) for scale in scales)


def smoothness_curves(found: Found) -> go.Figure:
    """Santurkar's ranges of the loss and of the gradient's change along the gradient, over the training."""
    kinds = list(dict.fromkeys(run["network"] for run in found["runs"].values()))
    measures = {
        "loss_range": "loss along the gradient",
        "gradient_predictiveness": "change of the gradient",
        "effective_beta": "effective β",
    }
    drawn = Panels(3 * len(kinds), 3, 190)
    for i, (kind, (name, title)) in enumerate((k, m) for k in kinds for m in measures.items()):
        ends: list[float] = []
        for arm, color in COLORS.items():
            run = found["runs"][f"{kind}, {arm}"]
            curves = [seed[name] for seed in run["seeds"]]
            mid, low, high = (
                np.median([numbers(c[part]) for c in curves], axis=0) if curves[0][part] else None
                for part in ("y", "low", "high")
            )
            if low is not None:
                drawn.range(i, run["steps"], low.tolist(), high.tolist(), color)
                ends += [*low, *high]
            line = {"color": color, "width": 1.8}
            drawn.add(i, NAMES[arm], x=run["steps"], y=mid.tolist(), mode="lines", line=line)
            ends += [*mid]
        label = {"sigmoid": "Sigmoid", "relu": "ReLU", "conv": "Convolutions"}[kind]
        across = axis("training steps" if kind == kinds[-1] else "", showgrid=False, nticks=4)
        drawn.panel(i, f"{label}: {title}", across, logarithmic("", [e for e in ends if e > 0]))
    return drawn.figure()


FIGURES: dict[str, tuple[str, Callable[[Found], go.Figure]]] = {
    "mnist-sigmoid-accuracy": ("mnist_sigmoid", mnist_accuracy),
    "mnist-sigmoid-percentiles": ("mnist_sigmoid", mnist_percentiles),
    "inception-small-accuracy": ("inception_small", inception_accuracy),
    "placement-accuracy": ("placement", placement_accuracy),
    "placement-variance-shift": ("placement", variance_shift),
    "small-batch-error": ("small_batch", small_batch_error),
    "initialization-map": ("initialization", initialization_map),
    "smoothness-curves": ("smoothness", smoothness_curves),
}
"""The name of each picture: whose results it shows, and what makes it of them."""


def read(experiment: str, folder: Path) -> Found:
    """The results of an experiment."""
    found: Found = json.loads((folder / f"{experiment}.json").read_text("utf-8"))["results"]
    return found


def main() -> None:
    """Draws the figures whose results there are."""
    from experiments.svg import chromium, draw, with_plotly

    here = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=Path, default=here / "experiments" / "results")
    parser.add_argument("--pictures", type=Path, default=here / "docs" / "images")
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; all by default")
    options = parser.parse_args()
    with chromium() as browser:
        page = with_plotly(browser)
        for name, (experiment, figure) in FIGURES.items():
            if options.names and experiment not in options.names:
                continue
            if not (options.results / f"{experiment}.json").exists():
                print(f"{name}: there is no {options.results / experiment}.json yet")
                continue
            svg = draw(figure(read(experiment, options.results)), name, page)
            (options.pictures / f"{name}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
