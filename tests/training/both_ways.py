"""One training by `Model.fit` and by `normwise.fit` from the same seeds, and all that it leaves behind."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from tests.reference.tolerance import assert_close

import normwise


@dataclasses.dataclass
class After:
    """What a training leaves."""

    history: dict[str, list[Any]]
    epochs: list[int]
    weights: list[Any]
    optimizer: list[Any]
    metrics: list[Any]
    seeds: list[Any]
    global_random: Any
    model: Any


def by_keras(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.fit(*args, **kwargs)


def train(
    fit: Callable[..., Any], build: Callable[[], Any], data: Callable[[], Any], **options: Any
) -> After:
    """Builds a model and trains it; `data` gives x, y and so on by name, and is called for each training."""
    keras.utils.set_random_seed(5)
    model = build()
    np.random.seed(6)
    with warnings.catch_warnings():
        # Both warn of what they train in the same way; the tests of warnings are elsewhere.
        warnings.simplefilter("ignore")
        history = fit(model, **{"verbose": 0, **data(), **options})
    return after(model, history)


def after(model: Any, history: Any) -> After:
    seeds = [v for v in model.variables if "seed" in v.path]
    return After(
        history=history.history,
        epochs=history.epoch,
        weights=[np.asarray(v.value) for v in model.weights],
        optimizer=[np.asarray(v.value) for v in model.optimizer.variables],
        metrics=[np.asarray(v.value) for v in model.metrics_variables],
        seeds=[np.asarray(v.value) for v in seeds],
        global_random=np.random.get_state()[1:],
        model=model,
    )


def both(build: Callable[[], Any], data: Callable[[], Any], **options: Any) -> tuple[After, After]:
    return train(normwise.fit, build, data, **options), train(by_keras, build, data, **options)


def assert_same(ours: After, theirs: After, allowed: float = 0.0) -> None:
    """Fail unless the two left the same, but for relative errors up to `allowed`: 0 is bit for bit.

    Epochs, the names and their order, seeds, integers and NumPy's global generator are the same in any case.
    """
    assert list(ours.history) == list(theirs.history)
    assert ours.epochs == theirs.epochs
    for name, values in theirs.history.items():
        assert len(ours.history[name]) == len(values), name
        _close(ours.history[name], values, allowed, name)
    for kind in ("weights", "optimizer", "metrics"):
        pairs = list(zip(getattr(ours, kind), getattr(theirs, kind), strict=True))
        for i, (mine, other) in enumerate(pairs):
            assert mine.dtype == other.dtype
            _close(mine, other, allowed, f"{kind}[{i}]")
    for mine, other in zip(ours.seeds, theirs.seeds, strict=True):
        assert np.array_equal(mine, other)
    for mine, other in zip(ours.global_random, theirs.global_random, strict=True):
        assert np.array_equal(mine, other)


def _close(mine: Any, other: Any, allowed: float, what: str) -> None:
    mine, other = np.asarray(mine), np.asarray(other)
    if allowed and mine.dtype.kind in "fV":
        try:
            assert_close(mine.astype("float64"), other.astype("float64"), allowed)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
    else:
        equal = np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")
        assert equal, f"{what}: {mine.ravel()[:4]} and {other.ravel()[:4]}"
