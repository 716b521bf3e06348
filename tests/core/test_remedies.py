"""Remedies go to JSON and back, with the findings that they are about."""

from normwise.core.diagnosis import Diagnosis, Finding, Remedy
from normwise.core.remedies import AppliedRemedy, LeftFinding, Remedies


def finding(code, layer):
    words = {"evidence": "", "why": "", "false_alarms": "", "source": ""}
    remedy = Remedy("recalibrate", "", "", "safe")
    return Finding(
        code, "defect", "warning", "exact", layer, float("inf"), 2.0, "σ", 0, remedy=remedy, **words
    )


def test_to_json_and_back():
    one, other = finding("NRM403", "a"), finding("NRM401", "b")
    before = Diagnosis("net", 8, (one, other), ())
    record = Remedies(
        before, (AppliedRemedy(one, "done"),), (LeftFinding(other, "why"),), Diagnosis("net", 8, (other,), ())
    )
    again = Remedies.from_json(record.to_json())
    assert again == record
    assert (again.applied[0].done, again.left[0].finding.layer) == ("done", "b")
