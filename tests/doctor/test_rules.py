"""What every rule must pass."""

import dataclasses
import re
from pathlib import Path

import pytest
from tests.doctor.cases import CASES

from normwise.core.diagnosis import SEVERITIES, Diagnosis
from normwise.doctor.engine import examine
from normwise.doctor.registry import RULES
from normwise.doctor.rule import SECTIONS

MESSAGES = Path(__file__).parent / "messages"
ACTIONS = ("", "insert scaling", "drop bias", "recalibrate", "raise precision", "remove dropout")
STAGES = {"1": "data", "2": "activations", "3": "structure", "4": "statistics"}

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def outcome(rule, evidence):
    diagnosis = examine(evidence, [rule])
    return diagnosis.checks[0].status, diagnosis.findings


def message(findings):
    return "".join(
        f"{f.severity} {f.code} {f.defect} at {f.layer!r}: {f.value:.6g} against {f.threshold:.6g} {f.unit}"
        f" ({f.confidence}, {f.sample_size} values)\n{f.evidence}\n{f.remedy.text}\n{f.remedy.code}\n"
        for f in findings
    )


def test_every_rule_has_its_cases():
    assert list(CASES) == [rule.code for rule in RULES]


@every_rule
def test_it_fires(rule):
    status, findings = outcome(rule, CASES[rule.code].fires)
    assert status == "found"
    for finding in findings:
        assert (finding.code, finding.defect) == (rule.code, rule.defect)
        assert finding.severity in SEVERITIES
        assert finding.severity != "error" or finding.confidence == "exact"
        assert finding.value > finding.threshold or rule.code in (
            "NRM102",
            "NRM203",
            "NRM401",
            "NRM402",
            "NRM409",
        )
        assert finding.evidence.endswith(".")
        assert finding.remedy.action in ACTIONS
        assert finding.remedy.safety in ("safe", "unsafe", "manual")
        assert (finding.remedy.action == "") == (finding.remedy.safety == "manual")
        compile(finding.remedy.code, rule.code, "exec")


@every_rule
def test_what_it_says(rule):
    expected = (MESSAGES / f"{rule.defect}.txt").read_text(encoding="utf-8")
    assert message(examine(CASES[rule.code].fires, [rule]).findings) == expected


@every_rule
def test_it_is_quiet(rule):
    assert outcome(rule, CASES[rule.code].quiet) == ("clean", ())


@every_rule
def test_at_the_threshold(rule):
    assert outcome(rule, CASES[rule.code].at) == ("clean", ())
    assert outcome(rule, CASES[rule.code].above)[0] == "found"


@every_rule
def test_not_applicable(rule):
    diagnosis = examine(CASES[rule.code].nothing, [rule])
    assert diagnosis.checks[0].status == "not applicable"
    assert diagnosis.checks[0].reason
    assert diagnosis.findings == ()


@every_rule
def test_absent_evidence(rule):
    fires = CASES[rule.code].fires
    for need in rule.needs:
        check = examine(dataclasses.replace(fires, absent={need: "no data were given"}), [rule]).checks[0]
        assert (check.status, check.reason) == ("skipped", "no data were given")
    bare = dataclasses.replace(CASES["NRM102"].nothing, rows=0)
    assert outcome(rule, bare) == ("not applicable", ())


@every_rule
def test_findings_are_records(rule):
    diagnosis = examine(CASES[rule.code].fires, [rule])
    assert Diagnosis.from_json(diagnosis.to_json()) == diagnosis


@every_rule
def test_its_text(rule):
    assert tuple(re.findall(r"^## (.+)$", rule.text, re.MULTILINE)) == SECTIONS
    assert rule.text.startswith(f"{rule.defect}: ")
    assert rule.summary.endswith(".")
    for section in SECTIONS:
        assert rule.section(section)
    blocks = re.findall(r"```python\n(.*?)```", rule.section("Example"), re.DOTALL)
    assert len(blocks) == 1
    compile(blocks[0], rule.code, "exec")


@every_rule
def test_its_file_is_named_for_the_defect(rule):
    folder, name = rule.check.__module__.split(".")[-2:]
    assert name == rule.defect.replace("-", "_")
    assert folder == STAGES[rule.code[3]]


def test_codes_are_unique_and_in_order():
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"NRM[1-4]\d\d", code) for code in codes)
    assert len({rule.defect for rule in RULES}) == len(RULES)


def test_every_file_is_registered():
    rooms = Path(examine.__code__.co_filename).parent / "rules"
    files = {path.stem for path in rooms.glob("*/*.py") if path.stem != "__init__"}
    assert files == {rule.defect.replace("-", "_") for rule in RULES}


def test_no_message_is_left_over():
    assert {path.stem for path in MESSAGES.glob("*.txt")} == {rule.defect for rule in RULES}
