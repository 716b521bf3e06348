"""What `normwise.insight` measures on the networks of `why_table`: the one place where it is composed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import TrainingError
from normwise.core.measurement import Curve, Measurement, Surface
from normwise.core.probe import Series, StepSeen
from normwise.insight import (
    covariate_shift,
    hessian_eigenvalues,
    inference_gap,
    loss_surface,
    moments_by_depth,
    saturation,
    scale_invariance,
    sensitivity,
    share_of_first_gradient,
    smoothness_at,
    smoothness_curves,
    surface_descent_steps,
)

ROWS = 1024
"""Training rows that the networks are measured on, drawn by chance: a table may be sorted by its target."""
MOST_WEIGHTS = 200_000
"""Of a larger network nothing is kept of the weights along its training, nor its Hessian taken."""
PLACES = 12
"""How often the weights are kept along a training."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """The trainable variables before the step, so that what is between the steps can be measured later."""

    every: int
    name = "weights"
    unit = ""
    definition = "the variable before the step, of its shape"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        return dict(step.variables)


@dataclasses.dataclass(frozen=True)
class Inside:
    """What was measured on one network."""

    curves: tuple[Curve, ...]
    measurements: tuple[Measurement, ...]
    surfaces: tuple[Surface, ...]


def kept_weights(found: Sequence[Series]) -> tuple[Series, ...]:
    """What the probe kept, in the order of the model's trainable variables."""
    return tuple(series for series in found if series.name == Weights.name)


def measure_inside(
    model: keras.Model,
    weights: Sequence[Series],
    learning_rate: float,
    x: NDArray[Any],
    y: NDArray[Any],
    columns: Sequence[str],
    variant: str,
    note: Callable[[str], None],
) -> Inside:
    """What is measured on one variant's network: as it began, along its training, and at its best epoch.

    Args:
        model: The network with the weights of its best epoch. It is left as it is.
        weights: What `Weights` kept of its training; empty of a large one.
        learning_rate: The one that it was trained at.
        x: Its training inputs, (rows, columns).
        y: Their targets.
        columns: The names of the inputs.
        variant: What the records call it.
        note: Told of what could not be measured, and why.
    """
    drawn = measured_rows(len(y))
    x, y = x[drawn], y[drawn]
    curves: list[Curve] = []
    numbers: list[Measurement] = []
    surfaces: list[Surface] = []

    def tried(measure: Callable[..., tuple[Any, ...]], *args: Any, into: list[Any]) -> None:
        try:
            into.extend(measure(*args, variant=variant))
        except TrainingError as error:
            note(f"{variant}: {measure.__name__.lstrip('_')} was not measured: {error}")

    if weights:
        with _as_it_began(model, weights):
            tried(share_of_first_gradient, model, x, y, columns, into=numbers)
            tried(sensitivity, model, x, columns, into=numbers)
            tried(moments_by_depth, model, x, y, into=curves)
            tried(covariate_shift, model, x, y, learning_rate, into=numbers)
        tried(_smoothness, model, weights, x, y, learning_rate, into=curves)
        tried(hessian_eigenvalues, model, x, y, into=numbers)
        tried(_surface, model, x, y, into=surfaces)
    tried(saturation, model, x, into=numbers)
    if any(hasattr(layer, "moving_mean") for layer in model._flatten_layers()):
        tried(inference_gap, model, x, into=numbers)
        tried(scale_invariance, model, x, into=numbers)
    numbers += [steps for surface in surfaces for steps in surface_descent_steps(surface)]
    return Inside(tuple(curves), tuple(numbers), tuple(surfaces))


def measured_rows(rows: int) -> NDArray[np.intp]:
    """Which of so many training rows are measured on, in their order; always the same ones.

    Example:
        >>> measured_rows(3)
        array([0, 1, 2])
    """
    return np.sort(np.random.default_rng(0).permutation(rows)[:ROWS])


def _surface(model: keras.Model, x: NDArray[Any], y: NDArray[Any], variant: str) -> tuple[Surface]:
    return (loss_surface(model, x, y, variant=variant),)


def _smoothness(
    model: keras.Model,
    weights: Sequence[Series],
    x: NDArray[Any],
    y: NDArray[Any],
    learning_rate: float,
    variant: str,
) -> tuple[Curve, ...]:
    states = [[series.values[i] for series in weights] for i in range(len(weights[0].steps))]
    finite = [i for i, state in enumerate(states) if all(np.isfinite(value).all() for value in state)]
    found = smoothness_at([states[i] for i in finite], model, x, y, learning_rate, variant)
    return smoothness_curves([weights[0].steps[i] for i in finite], found)


@contextmanager
def _as_it_began(model: keras.Model, weights: Sequence[Series]) -> Iterator[None]:
    """Within the block, the model has the weights of the first step."""
    before = [np.array(variable) for variable in model.trainable_variables]
    for variable, series in zip(model.trainable_variables, weights, strict=True):
        variable.assign(series.values[0].astype(np.float32))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, before, strict=True):
            variable.assign(value)
