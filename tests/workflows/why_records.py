"""WhyRecords made of numbers, for the tests of what follows from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from normwise.core.measurement import Measurement
from normwise.core.probe import Series
from normwise.core.run_record import FeatureRecord, Histogram
from normwise.core.why_record import SweepPoint, Training, Variant, WhyRecord

NAMES = ("raw", "scaled", "raw_bn", "scaled_bn")
NEVER = math.nan
EQUAL: dict[str, Any] = {"steps": (30, 40, 50), "metric": (0.80, 0.81, 0.82), "decades": 2.0}
RATES = (0.25, 0.5, 1.0)


def variant(
    name: str,
    steps: Sequence[float],
    metric: Sequence[float],
    decades: float,
    saturated: float | None = None,
    gain: float = 0.5,
) -> Variant:
    """A variant with one training a number of steps; its sweep goes by factors of 2, its gain has an error of
    0.1."""
    trainings = tuple(
        Training(seed, {"val_loss": (0.5,)}, float(s), 0.4, m)
        for seed, (s, m) in enumerate(zip(steps, metric, strict=True))
    )
    sweep = tuple(SweepPoint(rate, (0.5, 0.5, 0.5)) for rate in RATES)
    # The loss is measured every 10 steps.
    series = [Series("validation_loss", "", "", "", (0, 10), (), (1.0, 0.5))]
    if saturated is not None:
        series += [
            Series("pre_activation", "tanh_1", "", "", (0,), (1,), (9.0,)),
            Series("saturation", "tanh_1", "", "", (0, 5), (2,), (saturated - 0.01, saturated + 0.01, 1, 1)),
            Series("saturation", "tanh_2", "", "", (0, 5), (2,), (0.0, 0.0, 0.0, 0.0)),
        ]
    return Variant(
        name=name,
        scaled=name.startswith("scaled"),
        normalized=name.endswith("bn"),
        learning_rate=0.1,
        sweep=sweep,
        usable_decades=decades,
        trainings=trainings,
        seconds=1.0,
        parameters=9,
        series=tuple(series),
        measurements=(
            Measurement("gain_over_constant", gain, "", 100, "", ""),
            Measurement("gain_over_constant_error", 0.1, "", 100, "", ""),
        ),
    )


def feature(name: str, std: float, mean: float = 0.0) -> FeatureRecord:
    """A feature of this standard deviation."""
    return FeatureRecord(
        name, mean, std, -1.0, 1.0, Histogram((0.0, 1.0), (1.0,)), Histogram((0.0, 1.0), (1.0,))
    )


def condition(raw: float, scaled: float) -> tuple[Measurement, ...]:
    """The condition numbers of a linear model, raw and scaled, and twice as many steps."""
    return tuple(
        Measurement(measured, times * value, "", 100, "", "", variant=name)
        for name, value in (("raw", raw), ("scaled", scaled))
        for measured, times in (("condition_number_linear_hessian", 1), ("linear_descent_steps", 2))
    )


def why_record(
    features: Sequence[FeatureRecord] = (),
    measurements: Sequence[Measurement] = (),
    metric: str = "accuracy",
    **changed: dict[str, Any],
) -> WhyRecord:
    """Four variants that are equal but for what is changed; 10 steps an epoch, 10,000 held-out rows."""
    return WhyRecord(
        source="t.csv",
        target="y",
        task="classification",
        metric=metric,
        rows=11_100,
        training_rows=1000,
        validation_rows=100,
        held_out_rows=10_000,
        inputs=("a", "b"),
        hidden_units=(64, 64),
        activation="tanh",
        batch_size=100,
        epochs=10,
        target_loss=0.5,
        usable_tolerance=1.2,
        features=tuple(features),
        bowls=(),
        curves=(),
        measurements=tuple(measurements),
        variants=tuple(variant(name, **(EQUAL | changed.get(name, {}))) for name in NAMES),
        verdict=(),
        warnings=(),
        command="normwise why t.csv --target y",
        versions={},
        seed=0,
        seconds=1.0,
    )
