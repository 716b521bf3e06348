"""What the experiments measure by themselves: variance shifts, a unit that wanders, steps, usable pairs."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from experiments.dense import accuracies, dense_network
from experiments.inception_small import ARMS, FULL, build
from experiments.mnist_sigmoid import wander
from experiments.paper_tables import inception_steps, mnist_steps, usable
from experiments.placement import variance_shifts

import normwise


def kinds(placement: str, dropout: str) -> list[str]:
    """The layers between input and logits, a letter each: Dense, Normalization, Activation, dRopout."""
    made = None if placement == "nowhere" else normwise.BatchNormalization
    model = dense_network(4, [3], "tanh", made, placement, dropout, 0.5)
    letters = {"Dense": "D", "BatchNormalization": "N", "Activation": "A", "Dropout": "R"}
    return ["".join(letters[type(layer).__name__] for layer in model.layers[1:-1])]


@pytest.mark.parametrize(
    ("placement", "dropout", "order"),
    [
        ("nowhere", "none", "DA"),
        ("nowhere", "behind each", "DAR"),
        ("before", "none", "DNA"),
        ("before", "in front of each", "DRNA"),
        ("after", "behind the last", "DANR"),
        ("both", "in front of each", "DRNARN"),
    ],
)
def test_layers_stand_where_they_are_said_to(placement: str, dropout: str, order: str) -> None:
    assert kinds(placement, dropout) == [order]


def test_dropout_behind_the_last_is_there_once() -> None:
    model = dense_network(4, [3, 3, 3], "relu", dropout="behind the last", rate=0.5)
    places = [i for i, layer in enumerate(model.layers) if isinstance(layer, normwise.Dropout)]
    assert places == [len(model.layers) - 2]


def test_layers_draw_weights_of_their_own() -> None:
    keras.utils.set_random_seed(0)
    model = dense_network(3, [3, 3], "relu", initializer=lambda: keras.initializers.RandomNormal(stddev=0.1))
    first, second = (model.get_layer(f"dense_{i}").kernel for i in (1, 2))
    assert np.abs(np.asarray(first) - np.asarray(second)).max() > 1e-3


def test_the_variance_shift_is_that_of_the_formula() -> None:
    """Features of known moments: c = 2, v = 1, half kept, so Δ = 1/(2 + 4) in case a.

    Of n rows a variance is known to a share of √(2/n), or little more with tails; the median over 50 units to
    less.
    """
    keras.utils.set_random_seed(0)
    rows = 20_000
    x = np.random.default_rng(0).normal(2.0, 1.0, (rows, 50)).astype("float32")
    inputs = keras.Input((50,))
    right_in_front = normwise.BatchNormalization(name="normalization_a")(normwise.Dropout(0.5)(inputs))
    behind_weights = normwise.BatchNormalization(name="normalization_b")(
        keras.layers.Dense(40, use_bias=False)(normwise.Dropout(0.5)(inputs))
    )
    a, b = (variance_shifts(keras.Model(inputs, out), x, 0.5)[0] for out in (right_in_front, behind_weights))
    near = 4 * math.sqrt(2 / rows)
    assert (a["case"], b["case"]) == ("a", "b")
    assert a["formula"] == pytest.approx(1 / 6, rel=near)
    assert a["measured"] == pytest.approx(1 / 6, rel=near)
    # Independent features of mean c: Var(wᵀx) = ‖w‖² v, hence Δ = v/(v/p + c²(1/p − 1)) here too.
    assert b["formula"] == pytest.approx(1 / 6, rel=2 * near)
    assert b["measured"] == pytest.approx(1 / 6, rel=2 * near)


def test_no_shift_is_told_where_an_activation_lies_between() -> None:
    model = dense_network(4, [3, 3], "tanh", placement="after", dropout="behind each", rate=0.5)
    assert variance_shifts(model, np.ones((8, 4), "float32"), 0.5) == []


def test_wander_counts_half_widths() -> None:
    """Percentiles ±1 about a median that goes from 0 to 3 over the nine tenths that count."""
    median = np.concatenate([[9.0], np.linspace(0, 3, 9)])  # the first tenth does not count
    values = np.stack([median - 1, median, median + 1], axis=1)[:, :, None]
    assert wander(values) == pytest.approx(3.0)


def test_accuracies_are_those_of_each_model() -> None:
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    models = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        models.append(dense_network(4, [5], "tanh"))
    right = [model.predict(x, verbose=0).argmax(1) for model in models]
    assert accuracies(models, x, right[0]) == [1.0, np.mean(right[1] == right[0])]


def test_the_arms_are_the_papers() -> None:
    """Between BN-x5 and an ablation one switch differs; BN-Baseline differs from the baseline by one."""
    changes = {
        name: [k for k in vars(ARMS[name]) if getattr(ARMS[name], k) != getattr(ARMS[other], k)]
        for name, other in (
            ("BN-Baseline", "Baseline"),
            ("BN-x5 with dropout", "BN-x5"),
            ("BN-x5 with the whole L2", "BN-x5"),
            ("BN-x5 with slow decay", "BN-x5"),
            ("BN-x30", "BN-x5"),
            ("BN-x5-Sigmoid", "BN-x5"),
            ("low BN-x5", "BN-x5"),
        )
    }
    assert list(changes.values()) == [
        ["normalized"],
        ["no_dropout"],
        ["less_l2"],
        ["fast_decay"],
        ["rate"],
        ["activation"],
        ["low"],
    ]


def test_the_switches_are_in_the_network() -> None:
    settings = FULL | {"modules": 1, "filters": 2}
    base, modified = (build(ARMS[name], settings) for name in ("Baseline", "BN-x5"))

    def count(model: keras.Model, kind: Any) -> int:
        return sum(isinstance(layer, kind) for layer in model.layers)

    convolutions = count(base, keras.layers.Conv2D)
    assert count(base, normwise.BatchNormalization) == 0
    assert count(modified, normwise.BatchNormalization) == convolutions
    assert (count(base, normwise.Dropout), count(modified, normwise.Dropout)) == (1, 0)
    penalties = [float(model.layers[1].kernel_regularizer.l2) for model in (base, modified)]
    assert penalties[0] == pytest.approx(5 * penalties[1])


def test_steps_are_those_to_the_baselines_best() -> None:
    def run(*accuracy: float | None) -> dict[str, Any]:
        return {"validation accuracy": list(accuracy)}

    runs = {
        "search": {},
        "Baseline, seed 0": run(0.1, 0.6, 0.5),
        "Baseline, seed 1": run(0.1, 0.2, 0.4),
        "Baseline, seed 2": run(0.1, 0.5, 0.4),
        "BN-x5, seed 0": run(0.5, 0.1, 0.1),
        "BN-x5, seed 1": run(None),
    }
    found = {"settings": {"measured every": 50}, "runs": runs}
    assert inception_steps(found, "Baseline") == [100, None, 100]
    assert inception_steps(found, "BN-x5") == [50, None]


def test_steps_on_mnist_are_those_to_the_others_end() -> None:
    def run(*curves: list[float]) -> dict[str, Any]:
        return {"steps": [0, 10, 20], "test accuracy": list(curves)}

    runs = {
        "without, best rate": run([0.1, 0.9, 0.8], [0.1, 0.2, 0.9]),
        "with, best rate": run([0.1, 0.75, 0.9]),
    }
    runs["with, best rate"]["test accuracy"].append([0.1, 0.2, 0.3])
    assert mnist_steps({"runs": runs}, "best") == [20, None]
    assert mnist_steps({"runs": runs}, "best", "without") == [10, 20]


def test_usable_is_what_the_network_without_sets_the_limit_for() -> None:
    """Without: the best is 1, so the limit is 1.25; None is a loss that is not finite."""
    losses = {
        ("without", 1.0): [[1.0], [2.0], [None]],
        ("without", 10.0): [[2.0], [2.0], [None]],
        ("with", 1.0): [[1.2], [0.5], [1.3]],
        ("with", 10.0): [[2.0], [1.25], [2.0]],
    }
    runs = {f"relu, {arm}, scale {scale:g}": {"validation loss": of} for (arm, scale), of in losses.items()}
    settings = {"scales": [1.0, 10.0], "learning rates": [0.1, 1.0, 10.0], "limit": 1.25}
    found = {"settings": settings, "runs": runs}
    assert usable(found, "relu", "without") == {"rates": 1.0, "scales": 1.0, "pairs": pytest.approx(1 / 6)}
    assert usable(found, "relu", "with") == {"rates": 2.0, "scales": 2.0, "pairs": pytest.approx(3 / 6)}
    for of in runs.values():
        of["validation loss"] = [[9.0, *seeds] for seeds in of["validation loss"]]
    assert usable(found, "relu", "with", 0) == {"rates": 0.0, "scales": 0.0, "pairs": 0.0}
