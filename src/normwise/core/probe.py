"""Probe: what is measured inside a compiled epoch every so many steps, and the record of what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from normwise.core.records import Record


class StepSeen(Protocol):
    """A training step as a probe sees it: before it is taken, on its own batch, with its own random numbers.

    Everything is an array that is being traced, or a structure of them, so a probe computes by functions that
    the backend can trace. What no probe reads is not computed.

    Attributes:
        loss: The loss of the batch, penalties included; ().
        gradients: Path of a trainable variable to the gradient of `loss`, of the variable's shape.
        variables: Path of a trainable variable to its value before the step.
        variables_after: Path of a trainable variable to its value after the step.
        activations: What the activation functions took and gave, in the order of the calls.
        normalizations: What the layers with moving statistics took, in the order of the calls.

    A layer that is called inside of another transformation, such as the cell of a recurrent layer in its
    loop, is not seen.

    `predict(x)` is what the model gives for other inputs, in inference: by its variables before the step.
    """

    @property
    def loss(self) -> Any: ...
    @property
    def gradients(self) -> Mapping[str, Any]: ...
    @property
    def variables(self) -> Mapping[str, Any]: ...
    @property
    def variables_after(self) -> Mapping[str, Any]: ...
    @property
    def activations(self) -> tuple[ActivationSeen, ...]: ...
    @property
    def normalizations(self) -> tuple[NormalizationSeen, ...]: ...
    def predict(self, x: Any) -> Any: ...


@dataclasses.dataclass(frozen=True)
class ActivationSeen:
    """One call of an activation function.

    Args:
        path: The path of the layer that called it.
        function: The function's name, such as ``"tanh"``.
        inputs: Pre-activations, (batch, …, units).
        outputs: Activations, of the same shape.
    """

    path: str
    function: str
    inputs: Any
    outputs: Any


@dataclasses.dataclass(frozen=True)
class NormalizationSeen:
    """One call of a layer that normalizes by the batch and keeps moving statistics.

    Args:
        path: The layer's path.
        inputs: What it took.
        axes: The axes of `inputs` over which its statistics are taken.
        moving_mean: The moving mean before the step, (channels,).
        moving_variance: The moving variance before the step, (channels,).
    """

    path: str
    inputs: Any
    axes: tuple[int, ...]
    moving_mean: Any
    moving_variance: Any


class Probe(Protocol):
    """What is measured every so many steps.

    Attributes:
        name: What the record is found by.
        every: It measures at step 0 of the training, and every so many steps from there.
        unit: The unit of the values; "" for a bare number.
        definition: What exactly the values are, axis by axis.
    """

    @property
    def name(self) -> str: ...
    @property
    def every(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def definition(self) -> str: ...

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """The values at a step.

        Returns:
            Path of a layer or variable to an array, of the same shape at every step; "" is the whole model.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Series(Record):
    """What a probe measured in one place over a training.

    Args:
        name: The probe's name.
        place: The path of the layer or variable; "" is the whole model.
        unit: The unit of the values; "" for a bare number.
        definition: What exactly the values are.
        steps: The steps before which it was measured, from 0, counted over all epochs.
        shape: The shape of one value.
        flat: All values, step by step, each row by row.

    Example:
        >>> series = Series("loss", "", "", "the batch's loss", (0, 50), (), (0.7, 0.5))
        >>> series.values
        array([0.7, 0.5])
        >>> Series.from_json(series.to_json()) == series
        True
    """

    version: ClassVar[int] = 1
    name: str
    place: str
    unit: str
    definition: str
    steps: tuple[int, ...]
    shape: tuple[int, ...]
    flat: tuple[float, ...]

    @property
    def values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values as an array, (steps, …)."""
        return np.array(self.flat, np.float64).reshape(len(self.steps), *self.shape)
