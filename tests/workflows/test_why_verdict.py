"""The verdict of `why`: each sentence from constructed numbers, and what keeps it from being said."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from tests.workflows.why_records import NEVER, condition, feature, why_record

from normwise.core.measurement import Measurement
from normwise.core.why_record import Sentence
from normwise.workflows.why_verdict import SUBJECTS, why_verdict


def verdict(**changed: Any) -> dict[str, Sentence]:
    """The sentences by their keys, of which none may be there twice."""
    sentences = why_verdict(why_record(**changed))
    found = {sentence.key: sentence for sentence in sentences}
    assert len(found) == len(sentences)
    return found


def test_equal_variants_gain_little() -> None:
    sentences = why_verdict(why_record())
    compared = [
        f"{subject}_{quantity}_no_difference"
        for subject, _, _ in SUBJECTS
        for quantity in ("steps", "metric", "rates")
    ]
    advice = [
        "little_is_gained",
        "advice_scaling_gains_little",
        "advice_normalization_gains_little",
        "scope",
    ]
    assert [s.key for s in sentences] == [*compared, *advice]
    assert [s.effect for s in sentences] == ["no_difference"] * 12 + ["advice"] * 4
    assert sentences[-1].numbers == {"layers": 2.0, "seeds": 3.0, "rates": 3.0, "low": 0.25, "high": 1.0}


@pytest.mark.parametrize(
    ("after", "finding"),
    [
        ((10, 18, 30), "helps"),  # ranges apart
        ((90, 95, 99), "hurts"),
        ((10, 18, 36), "no_difference"),  # overlap, and 22 is within the wider range of 26
        ((15, 19, 35.5), "helps"),  # overlap, but 21 is more than the wider range of 20.5
        ((15, 19, 36), "no_difference"),  # 21 is exactly the wider range
        ((20, 21, 30), "no_difference"),  # apart, but by less than the factor of 2 between the rates
        ((60, 79, 80), "no_difference"),
        ((60, 81, 82), "hurts"),
    ],
)
def test_steps(after: tuple[float, ...], finding: str) -> None:
    """The loss is measured every 10 steps; the budget is 10 epochs of 1,000 rows at 100 a step."""
    found = verdict(raw={"steps": (35, 40, 45)}, scaled={"steps": after})
    steps = found[f"scaling_steps_{finding}"]
    assert steps.effect == finding
    numbers = {
        "before": 40.0,
        "before_low": 35.0,
        "before_high": 45.0,
        "after": after[1],
        "after_low": after[0],
        "after_high": after[2],
        "seeds": 3.0,
        "budget": 100.0,
        "resolution": 10.0,
        "factor": pytest.approx(2, rel=1e-3),
        "before_missed": 0.0,
        "after_missed": 0.0,
        "ratio": pytest.approx(40 / after[1]),
    }
    assert steps.numbers == numbers
    assert "little_is_gained" not in found or finding == "no_difference"


@pytest.mark.parametrize(("after", "finding"), [(5.0, "no_difference"), (4.9, "helps")])
def test_steps_between_two_measurements_are_none(after: float, finding: str) -> None:
    found = verdict(raw={"steps": (15, 15, 15)}, scaled={"steps": (after,) * 3})
    assert f"scaling_steps_{finding}" in found


@pytest.mark.parametrize(
    ("before", "after", "finding", "effect"),
    [
        ((NEVER, NEVER, NEVER), (30, 40, 50), "reaches", "helps"),
        ((NEVER, NEVER, 45), (30, 40, 50), "undecided", "no_difference"),  # two seeds of three more
        ((NEVER, NEVER, NEVER), (30, 40, NEVER), "undecided", "no_difference"),
        ((NEVER,) * 5, (30, 40, 50, 60, NEVER), "reaches", "helps"),  # four of five
        ((30, 40, 50, 60, NEVER), (NEVER,) * 5, "no_longer_reaches", "hurts"),
        ((NEVER, NEVER, 45), (30, 40, NEVER), "undecided", "no_difference"),
        ((30, 40, 50), (NEVER, NEVER, NEVER), "no_longer_reaches", "hurts"),
        ((NEVER, NEVER, 45), (NEVER, NEVER, NEVER), "not_measured", "not_measured"),
        ((70, 90, NEVER), (30, 40, 50), "helps", "helps"),  # the medians are there, and the ranges apart
        ((45, 90, NEVER), (30, 40, 50), "no_difference", "no_difference"),
    ],
)
def test_a_target_that_is_not_reached(
    before: tuple[float, ...], after: tuple[float, ...], finding: str, effect: str
) -> None:
    metric = (0.8,) * len(before)
    without, with_it = ({"steps": steps, "metric": metric} for steps in (before, after))
    found = verdict(raw=without, raw_bn=without, scaled=with_it, scaled_bn=with_it)
    steps = found[f"scaling_steps_{finding}"]
    assert steps.effect == effect
    missed = [float(sum(math.isnan(n) for n in values)) for values in (before, after)]
    assert [steps.numbers["before_missed"], steps.numbers["after_missed"]] == missed


@pytest.mark.parametrize(
    ("after", "finding"),
    [
        ((0.83, 0.84, 0.85), "helps"),
        ((0.77, 0.78, 0.79), "hurts"),
        ((0.82, 0.84, 0.85), "no_difference"),  # overlaps, and 0.03 is the wider range
        ((0.82, 0.845, 0.85), "helps"),  # overlaps, and 0.035 is more than it
    ],
)
def test_metric(after: tuple[float, ...], finding: str) -> None:
    found = verdict(raw={"metric": (0.80, 0.81, 0.82)}, scaled={"metric": after})
    metric = found[f"scaling_metric_{finding}"]
    assert (metric.effect, metric.words) == (finding, {"metric": "accuracy"})
    assert metric.numbers["rows"] == 10_000
    assert metric.numbers["difference"] == pytest.approx(after[1] - 0.81)
    # sqrt(p (1 - p) / n) of the more uncertain of the two.
    assert metric.numbers["error"] == pytest.approx(
        max(math.sqrt(p * (1 - p) / 10_000) for p in (0.81, after[1]))
    )


@pytest.mark.parametrize(
    ("metric", "after", "finding"),
    [
        ("accuracy", 0.817, "no_difference"),  # within 2 sqrt(0.81 0.19 / 10000) = 0.00785
        ("accuracy", 0.818, "helps"),
        ("r2", 0.816, "no_difference"),  # within 2 · 2 sqrt(0.81) 0.19 / 100 = 0.00684
        ("r2", 0.817, "helps"),
    ],
)
def test_the_chance_of_the_held_out_rows(metric: str, after: float, finding: str) -> None:
    changed: dict[str, Any] = {"raw": {"metric": (0.81,) * 3}, "scaled": {"metric": (after,) * 3}}
    assert f"scaling_metric_{finding}" in verdict(metric=metric, **changed)


def test_a_metric_that_is_no_number_is_not_compared() -> None:
    found = verdict(raw={"metric": (0.8, math.nan, 0.8)})
    sentence = found["scaling_metric_not_measured"]
    assert sentence.effect == "not_measured"
    assert "difference" not in sentence.numbers
    assert not [math.inf for n in sentence.numbers.values() if math.isinf(n)]


@pytest.mark.parametrize(
    ("after", "finding"),
    [(2.0, "no_difference"), (2.301, "no_difference"), (2.602, "helps"), (1.398, "hurts")],
)
def test_rates_differ_by_more_than_one_that_was_tried(after: float, finding: str) -> None:
    rates = verdict(raw={"decades": 2.0}, scaled={"decades": after})[f"scaling_rates_{finding}"]
    expected = {
        "before": 2.0,
        "after": after,
        "resolution": 0.301,
        "tolerance": 1.2,
        "low": 0.25,
        "high": 1.0,
    }
    assert (rates.numbers, rates.effect) == (expected, finding)


WIDE: dict[str, Any] = {"decades": 4.0}
NARROW: dict[str, Any] = {"decades": 0.0}
FAST, SLOW = {"steps": (10, 15, 20)}, {"steps": (80, 85, 90)}
GOOD, BAD = {"metric": (0.90, 0.91, 0.92)}, {"metric": (0.70, 0.71, 0.72)}


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"scaled": FAST, "scaled_bn": FAST}, ["advice_scale", "advice_normalization_gains_little"]),
        ({"scaled": BAD, "scaled_bn": BAD}, ["advice_scaling_hurts", "advice_normalization_gains_little"]),
        (
            {"scaled": FAST | BAD, "scaled_bn": FAST | BAD},
            ["advice_scaling_mixed", "advice_normalization_gains_little"],
        ),
        ({"scaled_bn": GOOD}, ["advice_scaling_gains_little", "advice_normalize"]),
        (
            {"scaled": WIDE, "scaled_bn": WIDE},
            ["advice_scaling_for_rates", "advice_normalization_gains_little"],
        ),
        ({"scaled_bn": WIDE}, ["advice_scaling_gains_little", "advice_normalize_for_rates"]),
        ({"scaled_bn": WIDE | FAST}, ["advice_scaling_gains_little", "advice_normalize"]),
        ({"scaled_bn": BAD}, ["advice_scaling_gains_little", "advice_normalize_not"]),
        (
            {"scaled": NARROW, "scaled_bn": NARROW},
            ["advice_scaling_narrows_rates", "advice_normalization_gains_little"],
        ),
        ({"scaled_bn": NARROW}, ["advice_scaling_gains_little", "advice_normalization_narrows_rates"]),
        ({"scaled_bn": NARROW | BAD}, ["advice_scaling_gains_little", "advice_normalize_not"]),
        ({"scaled_bn": FAST | BAD}, ["advice_scaling_gains_little", "advice_mixed"]),
        (
            {"scaled": GOOD, "scaled_bn": GOOD},
            [
                "advice_scale",
                "advice_normalization_gains_little",
                "advice_normalization_is_no_replacement",
            ],
        ),
        (
            {"scaled": GOOD, "scaled_bn": GOOD, "raw_bn": GOOD},
            ["advice_scale", "advice_normalization_gains_little"],
        ),
    ],
)
def test_advice(changed: dict[str, Any], advice: list[str]) -> None:
    found = verdict(**changed)
    assert [key for key, s in found.items() if s.effect == "advice"] == [*advice, "scope"]


def test_no_replacement_names_both_metrics() -> None:
    found = verdict(scaled=GOOD, scaled_bn=GOOD)["advice_normalization_is_no_replacement"]
    assert (found.numbers, found.words) == ({"before": 0.91, "after": 0.81}, {"metric": "accuracy"})


def test_batch_normalization_on_raw_inputs_is_judged_apart() -> None:
    """It helps where the inputs are raw, and gains little where they are scaled."""
    found = verdict(raw=SLOW)
    assert found["normalization_raw_steps_helps"].effect == "helps"
    assert found["scaling_normalized_steps_no_difference"].effect == "no_difference"
    assert "advice_normalization_gains_little" in found


def test_nothing_is_advised_on_what_was_not_measured() -> None:
    nothing = {"steps": (NEVER,) * 3, "metric": (math.nan,) * 3}
    found = verdict(raw=nothing, scaled=nothing | {"decades": 4.0}, raw_bn=nothing, scaled_bn=nothing)
    assert "little_is_gained" not in found
    assert {"advice_scaling_for_rates", "advice_normalization_narrows_rates"} <= set(found)


def test_findings_come_first_and_only_if_they_were_measured() -> None:
    record = why_record(
        features=[feature("small", 0.5), feature("large", 50.0), feature("constant", 0.0, mean=7.0)],
        measurements=condition(raw=900.0, scaled=3.0),
        raw={"saturated": 0.9},
        scaled={"saturated": 0.1},
        raw_bn={"saturated": 0.2},
    )
    spread, number, saturation, normalized = why_verdict(record)[:4]
    assert spread == Sentence(
        "feature_spread", {"spread": 100.0}, {"largest": "large", "smallest": "small"}, "helps"
    )
    numbers = {"before": 900.0, "after": 3.0, "steps_before": 1800.0, "steps_after": 6.0}
    assert number == Sentence("condition_number", numbers, {}, "helps")
    assert (saturation.key, saturation.effect) == ("saturation", "helps")
    assert saturation.numbers == pytest.approx({"before": 0.9, "after": 0.1})
    assert (normalized.key, normalized.effect) == ("saturation_normalized", "helps")
    assert normalized.numbers == pytest.approx({"before": 0.9, "after": 0.2})


def test_a_difference_on_raw_inputs_alone_is_not_said_to_be_little() -> None:
    """Batch normalization helps raw inputs, and scaling gains little: not "neither made a difference"."""
    found = verdict(raw_bn=GOOD)
    assert found["normalization_raw_metric_helps"].effect == "helps"
    assert "little_is_gained" not in found


@pytest.mark.parametrize(("rate", "end"), [(0.25, "lowest"), (1.0, "highest"), (0.5, "")])
def test_a_best_rate_at_an_end_of_those_tried_is_named(rate: float, end: str) -> None:
    record = why_record()
    first = dataclasses.replace(record.variants[0], learning_rate=rate)
    found = why_verdict(dataclasses.replace(record, variants=(first, *record.variants[1:])))
    ends = [s for s in found if "rate_is_the" in s.key]
    assert ends == [Sentence(f"raw_rate_is_the_{end}", {"rate": rate}, {}, "not_measured")] * bool(end)


def test_the_smallest_spread_counts_however_small() -> None:
    """A column of nanometres, and one of seconds since 1970, vary."""
    found = verdict(features=[feature("a", 1.0), feature("nm", 1e-9), feature("since", 500.0, mean=1.7e9)])
    assert found["feature_spread"].words == {"largest": "since", "smallest": "nm"}
    assert found["feature_spread"].numbers == {"spread": pytest.approx(5e11)}


def test_a_condition_number_that_stays_infinite_is_left_to_the_columns_that_repeat() -> None:
    assert "condition_number" not in verdict(measurements=condition(math.inf, math.inf))
    assert verdict(measurements=condition(math.inf, 2.0))["condition_number"].effect == "helps"


@pytest.mark.parametrize(
    ("activation", "judged"),
    [("tanh", True), ("sigmoid, relu", True), ("relu", False), ("gelu, tanh", False)],
)
def test_saturation_is_judged_where_the_first_activation_is_flat_to_both_sides(
    activation: str, judged: bool
) -> None:
    shares = {"raw": {"saturated": 0.4}, "scaled": {"saturated": 0.5}, "raw_bn": {"saturated": 0.5}}
    found = why_verdict(dataclasses.replace(why_record(**shares), activation=activation))
    assert bool([s for s in found if s.key.startswith("saturation")]) == judged


def test_findings_at_their_thresholds() -> None:
    alike = verdict(
        features=[feature("a", 1.0), feature("b", 10.0)],
        measurements=condition(raw=30.0, scaled=3.0),
        raw={"saturated": 0.5},
        scaled={"saturated": 0.46},
    )
    keys = ("feature_spread", "condition_number", "saturation")
    assert [alike[key].effect for key in keys] == ["no_difference"] * 3
    apart = verdict(
        features=[feature("a", 1.0), feature("b", 10.1)],
        measurements=condition(raw=3.0, scaled=30.1),
        raw={"saturated": 0.4},
        scaled={"saturated": 0.46},
    )
    assert [apart[key].effect for key in keys] == ["helps", "hurts", "hurts"]
    assert not {*keys, "saturation_normalized"} & set(verdict(features=[feature("a", 1.0)]))


def collinear(*inflations: float, condition: float = 500.0) -> tuple[Measurement, ...]:
    """Variance inflation factors of columns a, b, …, and the condition number of the scaled covariance."""
    factors = [
        Measurement("variance_inflation_factor", value, "", 100, "", "", column=column, variant="scaled")
        for column, value in zip("abc", inflations, strict=False)
    ]
    kappas = [("raw", 9e9), ("scaled", condition)]
    return *factors, *(
        Measurement("condition_number_covariance", value, "", 100, "", "", variant=name)
        for name, value in kappas
    )


def test_columns_that_repeat_one_another_are_named_above_a_factor_of_10() -> None:
    (found,) = (
        s for s in why_verdict(why_record(measurements=collinear(11.0, 400.0))) if s.key == "collinear"
    )
    expected = Sentence(
        "collinear", {"inflation": 400.0, "condition": 500.0}, {"column": "b"}, "no_difference"
    )
    assert found == expected
    assert "collinear" not in verdict(measurements=collinear(10.0, 2.0))


NOISE: dict[str, Any] = {"gain": 0.3}


def test_where_nothing_was_learned_nothing_is_compared() -> None:
    """However far apart the variants are: three standard errors of 0.1 are not exceeded."""
    changed = {"raw": NOISE, "scaled": GOOD | NOISE, "raw_bn": NOISE, "scaled_bn": FAST | NOISE}
    nothing, scope = verdict(**changed).values()
    assert nothing == Sentence("nothing_learned", {"rows": 10_000.0}, {}, "not_measured")
    assert scope.key == "scope"
    assert "scaling_metric_helps" in verdict(**changed | {"raw_bn": {"gain": 0.31}})
    assert "nothing_learned" in verdict(**{name: {"gain": math.nan} for name in changed})


def test_nothing_is_said_of_covariate_shift() -> None:
    every = verdict(scaled=GOOD | FAST, scaled_bn=BAD, raw_bn=SLOW)
    assert not [key for key in every if "shift" in key]
