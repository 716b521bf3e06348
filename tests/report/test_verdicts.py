"""The sentences of the comparison: win, lose, tie, the same, not known."""

from __future__ import annotations

import dataclasses
import math

import pytest
from tests.report.records import classification, regression, scores

from normwise.core.run_record import RunRecord, Score
from normwise.report.verdicts import baseline, headline, verdicts


def compared(own: float, other: float, rows: int = 100, error: float = math.nan) -> RunRecord:
    return dataclasses.replace(
        classification(), scores=rated("accuracy", own, other, error), held_out_rows=rows
    )


def rated(metric: str, own: float, other: float, error: float) -> tuple[Score, ...]:
    """The network and one rival, whose difference has this standard error."""
    network, rival = scores(metric, (own, other))
    return network, dataclasses.replace(rival, difference_error=error)


def compared_r2(own: float, other: float, error: float) -> RunRecord:
    return dataclasses.replace(regression(), scores=rated("r2", own, other, error), held_out_rows=100)


WIN = "The network wins by 10.0 percentage points, 2.8 times the standard error on 100 rows."
LOSS = "The network loses by 10.0 percentage points, 2.5 times the standard error on 100 rows."
TIE = "A difference of 2.0 percentage points is within the standard error (3.0 points on 100 rows)"
ONE_ROW = "A difference of 1.0 percentage points is within the standard error (1.0 points on 100 rows)"
CASES = [
    (0.95, 0.85, "win", WIN, "网络高出 10.0 个百分点", "the best of the others"),
    (0.80, 0.90, "lose", LOSS, "网络低 10.0 个百分点", "it loses to"),
    (0.90, 0.92, "tie", TIE, "无法区分", "too close to tell apart"),
    (1.00, 0.99, "tie", ONE_ROW, "无法区分", "too close to tell apart"),
    (0.90, 0.90, "same", "exactly the same, 90.0%", "完全相同", "reaches the same"),
    (1.00, 0.00, "win", "100.0 times the standard error", "100.0 倍", "reaches 0%"),
]


@pytest.mark.parametrize(("own", "other", "outcome", "english", "chinese", "lead"), CASES)
def test_accuracies(own: float, other: float, outcome: str, english: str, chinese: str, lead: str) -> None:
    record = compared(own, other)
    (verdict,) = verdicts(record)
    assert verdict.outcome == outcome
    assert english in verdict.sentence.en
    assert chinese in verdict.sentence.zh
    assert "logistic regression (scikit-learn)" in verdict.sentence.en
    assert "逻辑回归（scikit-learn）" in verdict.sentence.zh
    assert lead in headline(record).en


def test_the_same_difference_is_a_tie_on_few_rows_and_a_win_on_many() -> None:
    assert verdicts(compared(0.90, 0.89, rows=100))[0].outcome == "tie"
    assert verdicts(compared(0.90, 0.89, rows=10_000))[0].outcome == "win"


def test_a_paired_error_tells_apart_what_the_binomial_one_cannot() -> None:
    (verdict,) = verdicts(compared(0.90, 0.88, rows=1000, error=0.005))
    assert verdict.outcome == "win"
    assert "by 2.0 percentage points, 4.0 times the standard error of the paired difference on 1,000" in (
        verdict.sentence.en
    )
    assert "是 1,000 行上配对差值的标准误的 4.0 倍" in verdict.sentence.zh
    assert verdicts(compared(0.90, 0.88, rows=100))[0].outcome == "tie"


def test_a_wide_paired_error_is_a_tie_and_one_row_the_least() -> None:
    (verdict,) = verdicts(compared(0.90, 0.80, error=0.12))
    assert verdict.outcome == "tie"
    assert "the standard error of the paired difference (12.0 points on 100 rows)" in verdict.sentence.en
    assert verdicts(compared(0.90, 0.89, error=1e-9))[0].outcome == "tie"


R2_CASES = [
    (
        0.60,
        0.50,
        "win",
        "wins by 0.100, 5.0 times the standard error of the paired difference",
        "网络高出 0.100",
    ),
    (
        0.50,
        0.60,
        "lose",
        "loses by 0.100, 5.0 times the standard error of the paired difference",
        "网络低 0.100",
    ),
    (0.51, 0.50, "tie", "0.010 is within the standard error of the paired difference", "无法区分"),
    (0.50, 0.50, "same", "exactly the same, 0.500", "完全相同"),
]


@pytest.mark.parametrize(("own", "other", "outcome", "english", "chinese"), R2_CASES)
def test_r2_by_its_paired_error(own: float, other: float, outcome: str, english: str, chinese: str) -> None:
    (verdict,) = verdicts(compared_r2(own, other, 0.02))
    assert verdict.outcome == outcome
    assert english in verdict.sentence.en
    assert chinese in verdict.sentence.zh
    if outcome == "tie":
        assert "(0.020 on 100 rows)" in verdict.sentence.en
        assert "100 行上为 0.020" in verdict.sentence.zh
        assert "too close to tell apart" in headline(compared_r2(own, other, 0.02)).en


@pytest.mark.parametrize("error", [math.nan, 0.0, math.inf])
def test_r2_without_a_measured_error_says_no_more_than_the_numbers(error: float) -> None:
    (verdict,) = verdicts(compared_r2(0.51, 0.50, error))
    assert verdict.outcome == "win"
    assert "standard error" not in verdict.sentence.en


def test_the_error_of_r2_is_not_taken_for_another_metric() -> None:
    record = dataclasses.replace(regression(), scores=rated("rmse", 2.0, 3.0, 5.0))
    assert verdicts(record)[0].outcome == "win"


def test_headline_tells_the_best_of_the_others() -> None:
    assert headline(classification()).en == (
        "On 84 held-out rows the network is right in 95.0% of cases; gradient boosting (scikit-learn), "
        "the best of the others, reaches 97.0%: too close to tell apart."
    )


def test_regression_is_told_in_r2() -> None:
    record = regression()
    assert [v.outcome for v in verdicts(record)] == ["win", "lose"]
    assert (
        "reaches an R² of 0.500; it loses to gradient boosting (scikit-learn), which reaches 0.550."
        in headline(record).en
    )
    assert baseline(record).en == "Always answering the mean would score about 0."


def test_an_error_is_better_where_it_is_lower() -> None:
    record = dataclasses.replace(regression(), scores=scores("rmse", (2.0, 3.0, 1.0)))
    assert [v.outcome for v in verdicts(record)] == ["win", "lose"]
    assert "which reaches 1." in headline(record).en


def test_values_that_are_missing() -> None:
    record = compared(math.nan, 0.9)
    assert verdicts(record)[0].outcome == "unknown"
    assert "no accuracy could be computed" in headline(record).en
    assert verdicts(compared(0.9, math.nan))[0].outcome == "unknown"
    alone = dataclasses.replace(record, scores=scores("accuracy", (0.9,)))
    assert headline(alone).en.endswith("90.0% of cases. It was compared with nothing.")
    assert "no accuracy" in headline(dataclasses.replace(record, scores=())).en


def test_baseline_is_the_most_frequent_class() -> None:
    record = dataclasses.replace(classification(), confusion=((10, 0), (5, 25)))
    assert baseline(record).en == "Always answering “class 1” would be right in 75.0% of cases."
    assert baseline(dataclasses.replace(record, confusion=())) is None
