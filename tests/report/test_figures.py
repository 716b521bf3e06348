"""The figures: what they show, and that their changes by language, colours and width add up."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any

import pytest
from tests.report.records import (
    HOSTILE,
    RECORDS,
    classification,
    feature,
    hostile,
    many_classes,
    regression,
    wide,
)

from normwise.report import comparison, confusion, feature_histograms, learning_curves, residuals
from normwise.report.figures_json import changing, figures, plain
from normwise.report.look import Look
from normwise.report.patches import Patch, differences
from normwise.report.text import literal


def patched(base: Any, *patches: Patch) -> Any:
    """What the page's script does."""
    result = copy.deepcopy(base)
    for path, value in (change for patch in patches for change in patch):
        place = result
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    return result


@pytest.mark.parametrize("name", RECORDS)
def test_changes_add_up_to_the_figure_drawn_for_all_of_them(name: str) -> None:
    record = RECORDS[name]()
    for draw in figures(record).values():
        parts = changing(draw, record)
        together = patched(parts["base"], parts["zh"], parts["dark"], parts["narrow"])
        assert together == plain(draw(record, Look("zh", dark=True, narrow=True)))


def test_differences_find_values_that_compare_equal_across_types() -> None:
    assert differences({"a": True}, {"a": 1}) == [(["a"], 1)]
    assert differences([1, 2], [1]) == [([], [1])]


@pytest.mark.parametrize("name", RECORDS)
def test_figures_hold_no_undefined_number(name: str) -> None:
    record = RECORDS[name]()
    for draw in figures(record).values():
        json.dumps(plain(draw(record, Look())), allow_nan=False)


def test_data_is_the_same_in_both_languages() -> None:
    record = hostile()
    for draw in figures(record).values():
        english, chinese = (json.dumps(plain(draw(record, Look(w)))) for w in ("en", "zh"))
        for name in HOSTILE:
            shown = json.dumps(literal(name, 20))[1:-1]
            assert (shown in english) == (shown in chinese)


def test_labels_make_no_tag_and_no_formula() -> None:
    text = json.dumps(plain(confusion.figure(hostile())), ensure_ascii=False)
    for part in ("<script", "<img", "$x^2$", "<!--"):
        assert part not in text
    assert "&lt;script&gt;" in text
    assert "&#36;x^2&#36;" in text


def test_learning_curves_show_both_sets_and_the_kept_epoch() -> None:
    figure = plain(learning_curves.figure(classification()))
    assert [(t["name"], t["y"]) for t in figure["data"]][:2] == [
        ("training", [0.6, 0.3, 0.2]),
        ("validation", [0.5, 0.25, 0.3]),
    ]
    assert {s["x0"] for s in figure["layout"]["shapes"]} == {2}
    assert "epoch 2 kept" in [a["text"] for a in figure["layout"]["annotations"]]


def test_features_are_ordered_by_spread_and_capped_at_both_ends() -> None:
    record = wide()
    shown = feature_histograms.shown_features(record)
    spreads = [f.std for f in shown]
    assert len(shown) == 12
    assert spreads == sorted(spreads)
    every = [f.std for f in record.features]
    assert (spreads[0], spreads[-1]) == (min(every), max(every))


def test_raw_features_stand_on_one_axis_and_scaled_ones_on_another() -> None:
    figure = plain(feature_histograms.figure(classification()))
    assert [t["xaxis"] for t in figure["data"]] == ["x", "x2"] * 2
    small, large = (figure["data"][i]["x"] for i in (0, 2))
    assert max(small) < max(large)


def test_areas_of_a_histogram_are_right_on_the_logarithmic_axis() -> None:
    record = dataclasses.replace(classification(("a",)), features=(feature("a", 5.0),))
    trace = plain(feature_histograms.figure(record))["data"][0]
    areas = [(trace["x"][i + 1] - trace["x"][i]) * trace["y"][i] for i in range(1, len(trace["x"]) - 1, 2)]
    counts = record.features[0].before.counts
    for area, count in zip(areas, counts, strict=True):
        assert math.isclose(area / sum(areas), count / sum(counts), rel_tol=1e-9, abs_tol=1e-12)


def test_confusion_matrix_has_counts_and_row_shares() -> None:
    trace = plain(confusion.figure(classification()))["data"][0]
    assert trace["text"][0] == ["<b>41</b><br>97.6%", "<b>1</b><br>2.4%"]
    assert trace["z"][1] == [1 / 42, 41 / 42]


def test_of_many_classes_the_largest_confusions_are_shown() -> None:
    record = many_classes()
    rows = [list(row) for row in record.confusion]
    rows[3][7] = 30
    record = dataclasses.replace(record, confusion=tuple(tuple(r) for r in rows))
    assert confusion.largest_confusions(record)[0] == ("class 3", "class 7", 30, 30 / (48 + 41 + 30))
    figure = plain(confusion.figure(record))
    assert figure["layout"]["yaxis"]["ticktext"][0] == "class 3 → class 7"
    assert len(figure["data"][0]["x"]) == 20


def test_residuals_are_actual_minus_predicted() -> None:
    record = regression()
    left = plain(residuals.figure(record))["data"][1]
    assert left["x"] == list(record.predicted)
    assert left["y"][0] == record.actual[0] - record.predicted[0]


def test_comparison_has_the_binomial_standard_error() -> None:
    trace = plain(comparison.figure(classification()))["data"][0]
    assert trace["x"] == [0.95, 0.90, 0.97]
    assert trace["error_x"]["array"][1] == math.sqrt(0.9 * 0.1 / 84)
    assert "error_x" not in plain(comparison.figure(regression()))["data"][0]
