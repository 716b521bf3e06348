"""What `normwise.insight` measures for `why_table`: the one place where its functions are composed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from normwise.core.measurement import Bowl, Curve, Measurement
from normwise.core.why_record import Variant
from normwise.insight import (
    bowl,
    condition_numbers,
    descent_steps,
    feature_spread,
    linear_descent_steps,
    logistic_descent_steps,
    variance_inflation,
)
from normwise.workflows.why_data import WhyData
from normwise.workflows.why_inside import measure_inside
from normwise.workflows.why_variant import Trained


@dataclasses.dataclass(frozen=True)
class DataMeasured:
    """What was measured on the features and the linear model, raw and scaled."""

    measurements: tuple[Measurement, ...] = ()
    curves: tuple[Curve, ...] = ()
    bowls: tuple[Bowl, ...] = ()


def measure_data(data: WhyData) -> DataMeasured:
    """The measurements that need no network, of the numeric columns of the training rows.

    The two features of the bowl are those whose raw standard deviations are farthest apart; of classes the
    linear model tells the most frequent one from the others.
    """
    names = data.inputs[: data.numeric]
    ways = {
        name: np.asarray(x["training"][:, : data.numeric], np.float64)
        for name, x in (("raw", data.raw), ("scaled", data.scaled))
    }
    spread = {name: feature_spread(x, names, name) for name, x in ways.items()} if names else {}
    measurements = [m for found in spread.values() for m in found]
    varying = sum(m.value > 0 for m in spread.get("raw", ()) if m.name == "feature_std")
    if varying:
        measurements += [m for name, x in ways.items() for m in condition_numbers(x, names, name)]
        measurements += variance_inflation(ways["scaled"], names, "scaled")
        for name, x in ways.items():
            measurements += linear_descent_steps(x, names, variant=name)
            if data.target.classes and np.ptp(_one_number(data)):
                measurements += logistic_descent_steps(x, _one_number(data), names, variant=name)
    if varying < 2:
        return DataMeasured(tuple(measurements))
    raw = bowl(ways["raw"], _one_number(data), names, variant="raw")
    bowls = (raw, bowl(ways["scaled"], _one_number(data), names, raw.columns, "scaled"))
    measurements += [m for each in bowls for m in descent_steps(each)]
    return DataMeasured(tuple(measurements), bowls=bowls)


def _one_number(data: WhyData) -> NDArray[np.float64]:
    """The target as one number a row."""
    y = np.asarray(data.y["training"])
    if not data.target.classes:
        return y.astype(np.float64)
    return np.asarray(y == np.bincount(y).argmax(), np.float64)


def measure_variant(trained: Trained, data: WhyData, note: Callable[[str], None]) -> Variant:
    """The variant with what is measured on the network of its first seed."""
    variant, x = trained.variant, data.x(trained.variant.scaled)["training"]
    inside = measure_inside(
        *(trained.models[0], trained.weights, variant.learning_rate, x, data.y["training"]),
        *(data.inputs, variant.name, note),
    )
    return dataclasses.replace(
        variant,
        curves=variant.curves + inside.curves,
        measurements=variant.measurements + inside.measurements,
        surfaces=inside.surfaces,
    )
