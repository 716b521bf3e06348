"""Why records made for tests: whole, with pieces missing, and with hostile names."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from tests.doctor.records import WHOLE
from tests.report.records import HOSTILE, feature, floats

from normwise.core.measurement import Bowl, Curve, Measurement, Surface
from normwise.core.probe import Series
from normwise.core.why_record import Sentence, SweepPoint, Training, Variant, WhyRecord
from normwise.report.why.sentences import COMPARISONS, SUBJECTS

NAMES = ("age", "income", "fnlwgt", "hours", "capital gain")
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SPEED = {"raw": 0.1, "scaled": 0.5, "raw_bn": 0.3, "scaled_bn": 0.8}


def measured(name: str, value: float, variant: str = "", **more: str) -> Measurement:
    return Measurement(name, value, "", 700, f"what {name} is", "a paper, eq. 1", variant=variant, **more)


def bowl(variant: str, spread: float, columns: tuple[str, str] = ("fnlwgt", "age")) -> Bowl:
    hessian = (spread**2, 0.3 * spread, 0.3 * spread, 1.0)
    condition = float(np.linalg.cond(np.array(hessian).reshape(2, 2)))
    optimum = (0.8 / spread, 0.5)
    return Bowl(columns, hessian, optimum, 0.4, condition, 700, "squared error", "LeCun 1998", variant)


def percentiles(place: str, scale: float, seed: int) -> Series:
    rng = np.random.default_rng(seed)
    steps = tuple(range(0, 400, 40))
    middle = rng.normal(0, scale, (len(steps), 1, 12))
    values = middle + scale * np.array([-1.0, 0.0, 1.0])[None, :, None]
    return Series(
        "pre_activation", place, "", "percentiles 15, 50, 85", steps, (3, 12), floats(values.ravel())
    )


def saturation(place: str, share: float) -> Series:
    return Series("saturation", place, "", "share saturated", (0, 40), (12,), (share,) * 24)


def ranges(name: str, size: float) -> Curve:
    x = floats(np.arange(0, 400, 40))
    y = floats(size * (1.2 + np.cos(np.array(x) / 90)))
    low, high = (floats(np.array(y) * f) for f in (0.5, 1.8))
    return Curve(name, x, y, "training step", "", 64, f"what {name} is", "Santurkar, Figure 4", low, high)


def by_depth(name: str, fading: float) -> Curve:
    x = (1.0, 2.0, 3.0)
    y = floats(0.5 * fading ** np.arange(3))
    return Curve(name, x, y, "depth", "", 700, f"what {name} is", "Bjorck et al. 2018")


def training(seed: int, name: str, epochs: int = 12) -> Training:
    noise = np.random.default_rng(seed).normal(1, 0.02, epochs)
    losses = (0.3 + 0.4 * np.exp(-SPEED[name] * np.arange(epochs))) * noise
    steps = math.nan if name == "raw" and seed == 2 else 40.0 / SPEED[name] + 3 * seed
    history = {"loss": floats(losses * 0.95), "val_loss": floats(losses)}
    return Training(seed, history, steps, float(losses[-1]), 0.85 - 0.01 / SPEED[name] + 0.001 * seed)


def surface(name: str, curvature: float) -> Surface:
    """A quadratic, of curvatures `curvature` and 1, about (0.2, 0)."""
    places = np.linspace(-1, 1, 9)
    losses = 0.3 + 0.5 * (curvature * (places[:, None] - 0.2) ** 2 + places[None, :] ** 2)
    starts = np.random.default_rng(3).uniform(-1, 1, (4, 2))
    paths = tuple(
        floats((np.array([0.2, 0.0]) + (start - [0.2, 0.0]) * 0.5 ** np.arange(6)[:, None]).ravel())
        for start in starts
    )
    steps = (6.0, 5.0, math.inf, 4.0)
    axes = ("top", "bottom")
    ends = 0.1, 0.3, (curvature, 1.0), 700
    grid = (floats(v) for v in (places, places, losses.ravel()))
    return Surface(axes, *grid, paths, steps, *ends, "a plane", "Li 2018", name)


def variant(name: str, columns: tuple[str, ...] = NAMES) -> Variant:
    scaled, normalized = name.startswith("scaled"), name.endswith("_bn")
    best = 1e-2 if scaled or normalized else 1e-3
    sweep = tuple(
        SweepPoint(
            r,
            (math.nan,) * 3
            if r / best > 50
            else floats(0.3 + 0.05 * math.log10(r / best) ** 2 + np.arange(3) / 90),
        )
        for r in RATES
    )
    size = 1.0 if normalized or scaled else 900.0
    series = (
        percentiles("dense", size, 1),
        percentiles("dense_1", min(size, 4.0), 2),
        saturation("dense", 0.3 / SPEED[name] / 3.1),
        saturation("dense_1", 0.05 / SPEED[name]),
    )
    trainings = tuple(training(s, name) for s in range(3))
    curves = tuple(
        ranges(n, 1 / SPEED[name]) for n in ("loss_range", "gradient_predictiveness", "effective_beta")
    )
    curves += tuple(by_depth(n, SPEED[name]) for n in ("activation_std", "gradient_rms"))
    numbers = tuple(
        measured(
            "units_saturated_by_column", 0.01 if scaled else min(1.0, 10.0 ** (i - 5)), name, column=column
        )
        for i, column in enumerate(columns)
    )
    numbers += (
        measured("hessian_eigenvalue_largest", 3.0 / SPEED[name], name),
        measured("covariate_shift_cosine", 0.875, name),
        measured("covariate_shift_cosine", 0.625, name),
    )
    decades = 2.0 + scaled + normalized
    return Variant(
        *(name, scaled, normalized, best, sweep, decades, trainings, 4.2, 4321, series, curves, numbers),
        surfaces=(surface(name, 9.0 / SPEED[name]),),
    )


def verdict() -> tuple[Sentence, ...]:
    """Every sentence that there is, each with all the values that it may have."""
    steps = dict.fromkeys(("before_low", "before_high", "after_low", "after_high"), 120.0)
    more = {
        "seeds": 3.0,
        "budget": 900.0,
        "ratio": 4.0,
        "before_missed": 2.0,
        "after_missed": 2.0,
        "resolution": 0.5,
        "factor": 3.16,
    }
    found = [
        Sentence(
            "condition_number",
            {"before": 3.2e9, "after": 8.1, "steps_before": math.inf, "steps_after": 9.0},
            {},
            "helps",
        ),
        Sentence("feature_spread", {"spread": 14200.0}, {"largest": "fnlwgt", "smallest": "age"}, "helps"),
        Sentence("collinear", {"inflation": 3806.0, "condition": 1.1e5}, {"column": "age"}, "no_difference"),
        Sentence("feature_spread", {"spread": 2.0}, {}, "no_difference"),
        Sentence("saturation", {"before": 0.97, "after": 0.12}, {}, "helps"),
        Sentence("saturation_normalized", {"before": 0.97, "after": 0.2}, {}, "helps"),
    ]
    for subject in SUBJECTS:
        for finding in COMPARISONS:
            effect = finding.partition("_")[2].replace("reaches", "helps").replace("no_longer_helps", "hurts")
            effect = effect.replace("undecided", "no_difference")
            shares = finding.startswith("metric")
            numbers = {"before": 0.81, "after": 0.85} if shares else {"before": 480.0, "after": 120.0}
            words = {"metric": "accuracy"} if shares else {}
            found.append(
                Sentence(f"{subject}_{finding}", steps | more | numbers | {"rows": 900.0}, words, effect)
            )
    for key in (
        "scale",
        "scaling_gains_little",
        "scaling_hurts",
        "scaling_mixed",
        "scaling_for_rates",
        "scaling_narrows_rates",
        "normalize_for_rates",
        "normalization_narrows_rates",
        "normalize",
        "normalize_not",
    ):
        found.append(Sentence(f"advice_{key}", {}, {}, "advice"))
    for key in (
        "advice_normalization_gains_little",
        "advice_mixed",
        "advice_normalization_is_no_replacement",
    ):
        found.append(Sentence(key, {}, {}, "advice"))
    found.append(Sentence("nothing_learned", {"rows": 900.0}, {}, "not_measured"))
    found.append(Sentence("little_is_gained", {}, {}, "advice"))
    found += [
        Sentence(f"{name}_rate_is_the_{end}", {"rate": rate}, {}, "not_measured")
        for name in SPEED
        for end, rate in (("lowest", 0.0001), ("highest", 10.0))
    ]
    scope = {"seeds": 3.0, "rates": 5.0, "low": 0.0001, "high": 10.0}
    found.append(Sentence("scope", {"layers": 2.0} | scope, {}, "advice"))
    found.append(Sentence("scope_model", scope, {"model": "churn.keras"}, "advice"))
    return tuple(found)


def short_verdict() -> tuple[Sentence, ...]:
    """What one table may be told."""
    keys = (
        "condition_number",
        "saturation",
        "scaling_steps_helps",
        "normalization_scaled_steps_no_difference",
        "normalization_raw_rates_hurts",
        "scaling_metric_helps",
        "advice_scale",
        "scope",
    )
    return tuple(s for s in verdict() if s.key in keys)


def descents() -> tuple[Measurement, ...]:
    """Of models of all columns; raw inputs take for ever, and the classes are separable once scaled."""
    return (
        measured("condition_number_linear_hessian", math.inf, "raw"),
        measured("condition_number_linear_hessian", 81.0, "scaled"),
        *(measured(f"linear_descent_steps{end}", math.inf, "raw") for end in ("", "_least", "_most")),
        measured("linear_descent_steps", 95.0, "scaled"),
        measured("linear_descent_steps_least", 64.0, "scaled"),
        measured("linear_descent_steps_most", 137.0, "scaled"),
        measured("logistic_descent_steps", 3456.0, "raw"),
        measured("logistic_descent_steps", math.nan, "scaled"),
    )


def whole(names: tuple[str, ...] = NAMES) -> WhyRecord:
    features = tuple(feature(n, 10.0 ** (i % 6 - 1), seed=i) for i, n in enumerate(names))
    total = sum(f.std**2 for f in features)
    shares = [
        measured(kind, value, which, column=f.name)
        for f in features
        for kind in ("share_of_variance", "share_of_first_gradient")
        for which, value in (("raw", f.std**2 / total), ("scaled", 1 / len(features)))
    ]
    stds = [measured("feature_std", 1.0, "scaled", column=f.name) for f in features]
    return WhyRecord(
        diagnosis=WHOLE,
        source="adult.csv",
        target="earns >50K",
        task="classification",
        metric="accuracy",
        rows=1000,
        training_rows=700,
        validation_rows=150,
        held_out_rows=150,
        inputs=names,
        hidden_units=(12, 12),
        activation="tanh",
        batch_size=32,
        epochs=12,
        target_loss=0.36,
        usable_tolerance=1.1,
        features=features,
        bowls=(bowl("raw", 30.0, (names[0], names[-1])), bowl("scaled", 1.0, (names[0], names[-1]))),
        curves=(),
        measurements=(*shares, *stds, *descents()),
        variants=tuple(variant(n, names) for n in SPEED),
        verdict=short_verdict(),
        warnings=("3 rows have no target and were dropped.",),
        command="normwise why adult.csv --target earns",
        versions={"keras": "3.15.1", "normwise": "0.1.0"},
        seed=0,
        seconds=61.5,
    )


def hostile() -> WhyRecord:
    record = whole(HOSTILE)
    words = dict.fromkeys(("largest", "smallest"), HOSTILE[0])
    told = Sentence("feature_spread", {"spread": 10.0}, words, "helps")
    text = {n: n for n in HOSTILE}
    defined = tuple(Measurement(n, 1.0, n, 5, n, n, n, n, n) for n in HOSTILE)
    return dataclasses.replace(
        record,
        source=HOSTILE[0],
        target=HOSTILE[1],
        metric=HOSTILE[2],
        activation=HOSTILE[5],
        task=HOSTILE[6],
        measurements=record.measurements + defined,
        verdict=(told,),
        warnings=HOSTILE,
        command=HOSTILE[1],
        versions=text,
    )


def bare() -> WhyRecord:
    return dataclasses.replace(
        whole(),
        inputs=(),
        features=(),
        bowls=(),
        curves=(),
        measurements=(),
        variants=(),
        verdict=(),
        warnings=(),
        versions={},
        diagnosis=None,
        target_loss=math.nan,
    )


def nothing_finite() -> WhyRecord:
    record, lost = whole(), (math.nan, math.inf, math.nan)
    level = dataclasses.replace(surface("raw", 1.0), losses=(0.0,) * 81, lowest=0.0, steps=(math.inf,) * 4)
    broken = tuple(
        dataclasses.replace(
            v,
            trainings=tuple(Training(s, {"val_loss": lost}, math.nan, math.nan, math.nan) for s in range(3)),
            sweep=tuple(SweepPoint(r, lost) for r in RATES),
            usable_decades=math.nan,
            series=(dataclasses.replace(percentiles("dense", 1.0, 1), flat=(math.nan,) * 360),),
            surfaces=(level,),
        )
        for v in record.variants
    )
    flat = dataclasses.replace(bowl("raw", 1.0), hessian=(1.0, 1.0, 1.0, 1.0), condition_number=math.inf)
    return dataclasses.replace(record, variants=broken, bowls=(flat,))


def plain() -> WhyRecord:
    """Without series, curves and shares, as `--quick` may leave it."""
    record = whole()
    less = tuple(
        dataclasses.replace(v, series=(), curves=(), measurements=(), surfaces=()) for v in record.variants
    )
    return dataclasses.replace(record, variants=less, measurements=())


def wide() -> WhyRecord:
    return whole(tuple(f"column {i}" for i in range(300)))


def every_sentence() -> WhyRecord:
    return dataclasses.replace(whole(), verdict=verdict())


WHY_RECORDS = {
    "whole": whole,
    "hostile": hostile,
    "bare": bare,
    "nothing finite": nothing_finite,
    "plain": plain,
    "300 columns": wide,
    "every sentence": every_sentence,
}
