"""The corpus: its labels are consistent, its cases build, and the doctor agrees with them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter

import pytest
from tests.corpus.case import STRENGTHS, Case
from tests.corpus.cases import CASES
from tests.corpus.judge import Found, Verdict, codes_of, diagnosed, judge, score

from normwise.core.diagnosis import Check, Diagnosis, Finding, Remedy
from normwise.doctor.registry import RULES

SEEDED = [case for case in CASES if case.rule]
FAST = [case for case in SEEDED if case.architecture == "dense" and case.strength == "strong"]


# --- labels -------------------------------------------------------------------------------------------------


def test_there_are_enough_cases_with_names_of_their_own() -> None:
    assert len(SEEDED) >= 120
    assert not [name for name, count in Counter(case.name for case in CASES).items() if count > 1]


def test_every_rule_is_seeded_in_three_architectures_at_two_strengths() -> None:
    for rule in RULES:
        cases = [case for case in SEEDED if case.rule == rule.code]
        found = {(case.architecture, case.strength) for case in cases}
        architectures = {architecture for architecture, _ in found}
        assert len(architectures) >= 3, rule.code
        assert found == {(a, s) for a in architectures for s in STRENGTHS}, rule.code
        assert architectures & {"residual", "recurrent", "attention"}, rule.code


def test_a_seeded_case_expects_its_rule_and_has_a_clean_twin() -> None:
    names = {case.name for case in CASES if not case.expected}
    for case in SEEDED:
        assert case.rule in case.expected
        assert f"{case.rule}/{case.architecture}/twin" in names


def test_a_clean_case_expects_nothing() -> None:
    assert not [case.name for case in CASES if bool(case.rule) != bool(case.expected)]


def test_codes_are_codes_and_what_is_allowed_has_a_reason() -> None:
    known = {rule.code for rule in RULES} | {case.rule for case in SEEDED}
    for case in CASES:
        assert set(case.allowed) | case.expected <= known, case.name
        assert not set(case.allowed) & case.expected, case.name
        assert all(len(reason.split()) >= 3 for reason in case.allowed.values()), case.name
        assert all(re.fullmatch(r"NRM[1-4]\d\d", code) for code in case.expected)


# --- the judge ----------------------------------------------------------------------------------------------


def _case(rule: str = "", allowed: dict[str, str] | None = None) -> Case:
    def build() -> None:
        raise AssertionError("is not built")

    expected = frozenset({rule} - {""})
    strength = "mild" if rule else ""
    return Case("a/case", "dense", rule, strength, build, expected, allowed=allowed or {})  # type: ignore[arg-type]


def _diagnosis(*codes: str, severity: str = "warning") -> Diagnosis:
    remedy = Remedy("", "", "", "manual")
    finding = Finding("", "", severity, "exact", "net/layer", 2.0, 1.0, "", 4, "it is so", "", remedy, "", "")
    checks = (Check("NRM101", "unscaled-features", "skipped", "no data"),)
    return Diagnosis("net", 4, tuple(dataclasses.replace(finding, code=code) for code in codes), checks)


def test_a_missed_code_is_told_with_what_came_of_its_check() -> None:
    verdict = judge(_case("NRM101"), Found.of(_diagnosis()))
    assert verdict.missed == {"NRM101"}
    assert verdict.skipped == {"NRM101": "skipped no data"}
    of = score([verdict], ["NRM101"])
    assert (of.cases, of.true_positives, of.false_negatives, of.recall) == (1, 0, 1, 0.0)


def test_a_false_code_is_told_with_its_evidence() -> None:
    verdict = judge(_case("NRM101"), Found.of(_diagnosis("NRM101", "NRM202")))
    assert verdict.false == {"NRM202"}
    assert verdict.evidence == {"NRM202": ("warning at net/layer: it is so",)}
    of = score([verdict], codes_of([verdict]))
    assert (of.true_positives, of.false_positives, of.precision, of.recall) == (1, 1, 0.5, 1.0)


def test_an_allowed_code_counts_for_nothing() -> None:
    verdict = judge(_case(allowed={"NRM202": "true of it too"}), Found.of(_diagnosis("NRM202")))
    of = score([verdict], ["NRM202"])
    assert (of.cases, of.true_positives, of.false_positives) == (0, 0, 0)


def test_a_layer_that_is_not_named_is_missed_and_a_sound_one_is_false() -> None:
    case = _case("NRM101")  # the finding names net/layer
    said = Found.of(_diagnosis("NRM101"))
    right = judge(dataclasses.replace(case, ill=frozenset({"layer"}), sound=frozenset({"other"})), said)
    assert (right.missed, right.false) == (frozenset(), frozenset())
    missed = judge(dataclasses.replace(case, ill=frozenset({"layer", "other"})), said)
    assert missed.skipped == {"NRM101": "not found in ['other']"}
    false = judge(dataclasses.replace(case, sound=frozenset({"layer"})), said)
    assert false.evidence == {"NRM101": ("warning at net/layer: it is so",)}


def test_what_was_found_is_judged_alike_when_it_comes_from_json() -> None:
    case, said = _case("NRM101"), Found.of(_diagnosis("NRM202"), 1.234)
    kept = json.loads(json.dumps(said.to_json(case)))
    assert judge(case, Found.from_json(kept)) == judge(case, said)
    assert Found.from_json(kept).seconds == 1.23


def test_an_error_on_a_clean_case_is_seen_even_where_its_code_is_allowed() -> None:
    verdict = judge(
        _case(allowed={"NRM202": "true of it too"}), Found.of(_diagnosis("NRM202", severity="error"))
    )
    assert verdict.errors == ("NRM202",)
    assert judge(_case("NRM202"), Found.of(_diagnosis("NRM202", severity="error"))).errors == ()


# --- the doctor ---------------------------------------------------------------------------------------------


def _agrees(verdict: Verdict) -> None:
    assert not verdict.failed
    assert not verdict.errors
    assert not verdict.missed, verdict.skipped
    assert not verdict.false, verdict.evidence


@pytest.mark.parametrize("case", FAST, ids=lambda case: case.name)
def test_the_doctor_finds_what_was_seeded(case: Case) -> None:
    _agrees(diagnosed(case))


@pytest.mark.slow
def test_the_doctor_is_right_on_the_whole_corpus() -> None:
    verdicts = [diagnosed(case) for case in CASES]
    of = score(verdicts, codes_of(verdicts))
    disagreements = {v.case.name: (v.missed, v.evidence) for v in verdicts if v.missed or v.false}
    assert not [(v.case.name, v.errors) for v in verdicts if v.errors]
    assert not [(v.case.name, v.failed) for v in verdicts if v.failed]
    assert of.precision >= 0.95, disagreements
    assert of.recall >= 0.95, disagreements
