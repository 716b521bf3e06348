"""What the papers claim, what was found here, and whether it held beyond the range of the seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.paper_tables import (
    MEASURES,
    best,
    cosines,
    count,
    errors,
    inception_steps,
    mnist_steps,
    seeds_of,
    shifts_of,
    smooth,
    table,
    usable,
)
from experiments.seeds import apart, middle, percent, spread, verdict

Found = dict[str, Any]
Claim = tuple[str, str, str]
"""What is claimed, what was found, and the verdict."""


def claims(found: Mapping[str, Found]) -> Iterator[Claim]:
    """All claims, in the order of the page."""
    yield from _mnist(found["mnist_sigmoid"])
    yield from _inception(found["inception_small"])
    yield from _others(found)


def _mnist(found: Found) -> Iterator[Claim]:
    for of, name in (("best", "best"), ("slow", "low")):
        without, normalized = (found["runs"][f"{arm}, {of} rate"] for arm in ("without", "with"))
        steps = [mnist_steps(found, of, arm) for arm in ("with", "without")]
        last = without["steps"][-1]
        share = [spread([None if s is None else s / last for s in seeds], percent) for seeds in steps]
        yield (
            f"Figure 1a, {name} rate: what the network without normalization reaches at the end, the other"
            " reaches sooner",
            f"first seen after {share[0]} of the steps, by the one without itself after {share[1]}",
            verdict(*steps),
        )
        ends = [[curve[-1] for curve in run["test accuracy"]] for run in (without, normalized)]
        yield (
            f"Figure 1a, {name} rate: with normalization it ends higher",
            f"{spread(ends[0], percent)} without, {spread(ends[1], percent)} with",
            verdict(*ends),
        )
        wander = [spread(run["wander"], "{:.2f}".format) for run in (without, normalized)]
        yield (
            f"Figure 1b, c, {name} rate: what goes into a sigmoid wanders less with normalization",
            f"{wander[0]} half-widths without, {wander[1]} with",
            verdict(normalized["wander"], without["wander"]),
        )


def _inception(found: Found) -> Iterator[Claim]:
    steps = {name: inception_steps(found, name) for name in _arms(found)}
    accuracy = {name: [best(run) for run in seeds_of(found, name)] for name in _arms(found)}

    def fewer(less: str, more: str, text: str, paper: str) -> Claim:
        seen = f"{spread(steps[less], count)} steps against {spread(steps[more], count)}"
        return text, f"{seen}; paper: {paper}", verdict(steps[less], steps[more])

    yield fewer(
        "BN-Baseline",
        "Baseline",
        "BN-Baseline needs fewer steps than the baseline",
        "13.3 against 31.0 million",
    )
    yield fewer("BN-x5", "Baseline", "BN-x5 needs fewer steps than the baseline", "2.1 against 31.0 million")
    low = "At a third of the rate, BN-x5 needs fewer steps than the baseline"
    yield fewer("low BN-x5", "low Baseline", low, "2.1 against 31.0 million")
    yield fewer(
        "BN-x5", "BN-Baseline", "BN-x5 needs fewer steps than BN-Baseline", "2.1 against 13.3 million"
    )
    yield fewer("BN-x5", "BN-x30", "BN-x30 is slower at first than BN-x5", "2.7 against 2.1 million")
    shown = {name: spread(of, percent) for name, of in accuracy.items()}
    yield (
        "BN-x30 ends higher than BN-x5",
        f"{shown['BN-x30']} against {shown['BN-x5']}; paper: 74.8% against 73.0%",
        verdict(accuracy["BN-x5"], accuracy["BN-x30"]),
    )
    diverged = sum(run["diverged"] for run in seeds_of(found, "x5 without BN"))
    yield (
        "Without normalization the network does not bear 5 times the rate",
        f"best accuracy {shown['x5 without BN']} against {shown['Baseline']} at the rate itself;"
        f" {diverged} of {len(accuracy['x5 without BN'])} ended in NaN",
        verdict(accuracy["x5 without BN"], accuracy["Baseline"]),
    )
    yield (
        "With normalization sigmoids can be trained, without they stay at chance",
        f"best accuracy {shown['BN-x5-Sigmoid']} with, {shown['Sigmoid without BN']} without",
        verdict(accuracy["Sigmoid without BN"], accuracy["BN-x5-Sigmoid"]),
    )
    for name, what in (
        ("BN-x5 with dropout", "leaving out dropout"),
        ("BN-x5 with the whole L2", "dividing L2 by 5"),
        ("BN-x5 with slow decay", "the faster decay"),
    ):
        seen = f"{spread(steps['BN-x5'], count)} steps, {spread(steps[name], count)} without this"
        yield f"Section 4.2.1: {what} saves steps", seen, verdict(steps["BN-x5"], steps[name])


def _arms(found: Found) -> list[str]:
    return list(dict.fromkeys(key.rpartition(", seed")[0] for key in found["runs"] if ", seed" in key))


def _others(found: Mapping[str, Found]) -> Iterator[Claim]:
    yield _placement(found["placement"])
    shifts = [s for case in "ab" for s in shifts_of(found["placement"], case)]
    off = [abs(s["measured"] / s["formula"] - 1) for s in shifts]
    yield (
        "Li et al.: dropout in front of a normalization shifts its variance by their formula",
        f"off by {percent(middle(off))} in the median of {len(shifts)} layers, {percent(max(off))} at most",
        "held" if middle(off) < 0.05 else "in part",
    )
    small, sizes = found["small_batch"], found["small_batch"]["settings"]["batch sizes"]
    low = [errors(small, method, sizes[0]) for method in ("batch", "group")]
    usual = [errors(small, method, 32) for method in ("batch", "group")]
    yield (
        f"Wu & He: the error of batch normalization is higher with {sizes[0]} rows than with 32",
        f"{spread(low[0], percent)} against {spread(usual[0], percent)}",
        verdict(usual[0], low[0]),
    )
    yield (
        f"Wu & He: with {sizes[0]} rows that of group normalization is lower",
        f"{spread(low[1], percent)} against {spread(low[0], percent)}; with 32 {spread(usual[1], percent)}",
        verdict(low[1], low[0]),
    )
    yield from _initialization(found["initialization"])
    yield _smoothness(found["smoothness"])
    yield _covariate_shift(found["smoothness"])


def _placement(found: Found) -> Claim:
    pairs: dict[tuple[str, str], dict[str, list[float]]] = {}
    for run in found["runs"].values():
        pairs.setdefault((run["activation"], run["dropout"]), {})[run["placement"]] = run["test accuracy"]
    both = [(of["before"], of["after"]) for of in pairs.values() if {"before", "after"} <= set(of)]
    better, worse = sum(apart(a, b) for b, a in both), sum(apart(b, a) for b, a in both)
    return (
        "Normalization belongs before the activation, not after it",
        f"of {len(both)} pairs before is better in {better}, after in {worse}; the rest is within the range",
        "held"
        if better > len(both) / 2
        else "the contrary"
        if worse > len(both) / 2
        else "within the spread",
    )


def _initialization(found: Found) -> Iterator[Claim]:
    for activation in dict.fromkeys(run["activation"] for run in found["runs"].values()):
        seeds = range(len(found["settings"]["seeds"]))
        without, normalized = (
            [usable(found, activation, arm, seed) for seed in seeds] for arm in ("without", "with")
        )
        label = {"relu": "ReLU"}.get(activation, activation)
        for name, what in (("rates", "learning rates"), ("scales", "initialization scales")):
            decades = [[seed[name] for seed in arm] for arm in (without, normalized)]
            less, more = (spread(arm, "{:.1f}".format) for arm in decades)
            yield (
                f"With normalization a wider range of {what} is of use ({label})",
                f"{less} decades without, {more} with",
                verdict(*decades),
            )


def _smoothness(found: Found) -> Claim:
    kinds = list(dict.fromkeys(run["network"] for run in found["runs"].values()))
    pairs = [
        [smooth(found, k, arm, m) for arm in ("with", "without")] for k in kinds for m in list(MEASURES)[:3]
    ]
    less, more = sum(apart(a, b) for a, b in pairs), sum(apart(b, a) for a, b in pairs)
    return (
        "Santurkar et al.: with normalization loss and gradient change less along the gradient",
        f"of {len(pairs)} comparisons in {less} less, in {more} more",
        "held" if less == len(pairs) else "the contrary" if more == len(pairs) else "in part",
    )


def _covariate_shift(found: Found) -> Claim:
    kinds = list(dict.fromkeys(run["network"] for run in found["runs"].values()))
    pairs = [[cosines(found, kind, arm) for arm in ("without", "with")] for kind in kinds]
    lower, higher = sum(apart(b, a) for a, b in pairs), sum(apart(a, b) for a, b in pairs)
    return (
        "Santurkar et al.: the covariate shift by their definition is no smaller with normalization",
        f"cos(G, G′) is higher with it in {higher} of {len(pairs)} networks, lower in {lower}",
        "held" if not higher else "the contrary" if higher == len(pairs) else "in part",
    )


def claims_table(found: Mapping[str, Found]) -> str:
    """The claims as a table."""
    return table(["claim", "here", "verdict"], list(claims(found))).replace(
        "|---|---:|---:|", "|---|---|---|"
    )
