"""What a page shows of a Diagnosis: words and cells, nothing computed in the template."""

from __future__ import annotations

from typing import Any

from normwise.core.diagnosis import SEVERITIES, Check, Diagnosis, Finding
from normwise.report.phrases import Phrase, say
from normwise.report.text import number, one_line

MOST_FINDINGS = 40
"""A page tells no more, so that it stays readable."""
MADE = ("clean", "found")
"""What became of a check that could be made."""


def diagnosis_view(diagnosis: Diagnosis | None) -> dict[str, Any] | None:
    """The variables of the macro `diagnosis`; None where a record has none."""
    if diagnosis is None:
        return None
    findings = diagnosis.findings
    return {
        "headline": _headline(diagnosis),
        "findings": [_finding(finding) for finding in findings[:MOST_FINDINGS]],
        "left": max(0, len(findings) - MOST_FINDINGS),
        "unseen": [one_line(sentence, 1000) for sentence in diagnosis.unseen],
        "checks": [_check(check) for check in diagnosis.checks],
        "count": str(len(diagnosis.checks)),
    }


def _headline(diagnosis: Diagnosis) -> Phrase:
    made = sum(check.status in MADE for check in diagnosis.checks)
    words = {"made": str(made), "all": str(len(diagnosis.checks)), "rows": number(diagnosis.rows)}
    counts = [
        say(f"severity_{severity}_count", count=str(count))
        for severity in SEVERITIES
        if (count := sum(finding.severity == severity for finding in diagnosis.findings))
    ]
    if not counts:
        return say("diagnosis_clean", **words)
    listed = Phrase(", ".join(c.en for c in counts), "，".join(c.zh for c in counts))
    return say("diagnosis_found", list=listed, **words)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity if finding.severity in SEVERITIES else "info",
        "word": say(f"severity_{finding.severity}") if finding.severity in SEVERITIES else finding.severity,
        "code": one_line(finding.code, 20),
        "defect": one_line(finding.defect, 60),
        "layer": one_line(finding.layer, 120) if finding.layer else say("whole_model"),
        "evidence": one_line(finding.evidence, 1000),
        "why": one_line(finding.why, 1000),
        "remedy": one_line(finding.remedy.text, 1000),
        "safety": _known("safety", finding.remedy.safety, ("safe", "unsafe", "manual")),
        "lines": "\n".join(one_line(text, 400) if text else "" for text in finding.remedy.code.splitlines()),
    }


def _check(check: Check) -> dict[str, Any]:
    statuses = ("clean", "found", "skipped", "not applicable", "failed")
    return {
        "code": one_line(check.code, 20),
        "defect": one_line(check.defect, 60),
        "status": _known("status", check.status, statuses),
        "reason": one_line(check.reason, 400) if check.reason else "",
    }


def _known(kind: str, word: str, known: tuple[str, ...]) -> Phrase:
    """A word of the record in both languages; of a word that is not known its English."""
    if word in known:
        return say(f"{kind}_{word.replace(' ', '_')}")
    return Phrase(one_line(word, 40), one_line(word, 40))
