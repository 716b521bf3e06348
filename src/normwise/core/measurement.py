"""Numbers, curves, bowls and surfaces that were measured on a model and its data, and what they mean."""

from __future__ import annotations

import dataclasses

from normwise.core.column_statistics import Floats
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class Measurement(Record):
    """One number that was measured.

    Args:
        name: What it is found by, such as ``"condition_number"``.
        value: The number.
        unit: Its unit; "" for a bare number.
        sample_size: How many rows, or values, it was measured on.
        definition: What exactly the number is; a sentence or a formula.
        source: Where the definition is from, with the number of the equation or figure; "" if it is our own.
        layer: The path of the layer that it is of; "" is the whole model, or no model at all.
        column: The column of the table that it is of; "" is all of them.
        variant: Which of several ways it was measured in, such as ``"raw"`` or ``"scaled"``.

    Example:
        >>> kappa = Measurement("condition_number", 9.0, "", 100, "largest over smallest eigenvalue", "")
        >>> Measurement.from_json(kappa.to_json()) == kappa
        True
    """

    name: str
    value: float
    unit: str
    sample_size: int
    definition: str
    source: str
    layer: str = ""
    column: str = ""
    variant: str = ""


@dataclasses.dataclass(frozen=True)
class Curve(Record):
    """What was measured along an axis, such as the loss by learning rate.

    Args:
        name: What it is found by.
        x: Where it was measured.
        y: What was found there, as many as `x`.
        x_name: What the axis is, such as ``"learning rate"``.
        unit: The unit of `y`; "" for a bare number.
        sample_size: How many rows each was measured on.
        definition: What exactly `y` is.
        source: Where the definition is from.
        low: The lower end of the range of `y`, where it has one.
        high: The upper end.
        layer: As in `Measurement`.
        column: As in `Measurement`.
        variant: As in `Measurement`.
    """

    name: str
    x: Floats
    y: Floats
    x_name: str
    unit: str
    sample_size: int
    definition: str
    source: str
    low: Floats = ()
    high: Floats = ()
    layer: str = ""
    column: str = ""
    variant: str = ""


@dataclasses.dataclass(frozen=True)
class Bowl(Record):
    r"""The loss of a linear model over two of its weights, which is exactly quadratic.

        L(w) = loss + ½ (w − optimum)ᵀ H (w − optimum)

    A feature that is stretched by s turns H into S H S and the optimum into S⁻¹ optimum, S = diag(s₁, s₂): so
    a page can redraw it without the data.

    Args:
        columns: The names of the two features.
        hessian: H, row by row, 4 numbers.
        optimum: The two best weights.
        loss: The loss there.
        condition_number: Largest over smallest eigenvalue of H.
        sample_size: The rows.
        definition: Which loss, and what the other weights are.
        source: Where the argument is from.
        variant: ``"raw"`` or ``"scaled"``.
    """

    columns: tuple[str, str]
    hessian: Floats
    optimum: Floats
    loss: float
    condition_number: float
    sample_size: int
    definition: str
    source: str
    variant: str = ""


@dataclasses.dataclass(frozen=True)
class Surface(Record):
    """The loss of a network over a plane of its weights, and gradient descent within the plane.

    Args:
        axes: What the two axes are.
        first: Where the loss was taken along the first axis, rising; 0 is the network's own weights.
        second: Along the second axis.
        losses: The loss at each place, those of one place of `first` together.
        paths: One a start: first and second coordinate in turns, from the start to where it arrived or was
            given up; of a long path some steps are left out.
        steps: Steps of each path until 1% of the start's loss above the lowest is left; infinity where it
            did not come so near.
        learning_rate: That of the descents.
        lowest: The lowest loss of the plane, as far as it was looked at.
        curvatures: The second derivative along each axis at the network's own weights.
        sample_size: How many rows the loss is of.
        definition: Which loss, which plane, and how it was descended.
        source: Where the argument is from.
        variant: As in `Measurement`.
    """

    axes: tuple[str, str]
    first: Floats
    second: Floats
    losses: Floats
    paths: tuple[Floats, ...]
    steps: Floats
    learning_rate: float
    lowest: float
    curvatures: Floats
    sample_size: int
    definition: str
    source: str
    variant: str = ""
