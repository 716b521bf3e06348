"""examine: the rules, one after the other, over the same evidence."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

import numpy as np

from normwise.core.diagnosis import SEVERITIES, Check, Diagnosis, Finding
from normwise.core.evidence import Evidence
from normwise.doctor.rule import NotApplicableError, NotKnownError, Rule


def examine(
    evidence: Evidence, rules: Iterable[Rule], ignored_layers: Mapping[str, tuple[str, ...]] | None = None
) -> Diagnosis:
    """What the rules find.

    A rule whose evidence is absent, or that asks what nobody said, is skipped, one that goes wrong has
    failed; both are listed with the reason, and the others run.

    Args:
        evidence: What was measured.
        rules: Which rules; `normwise.doctor.registry.selected` chooses them.
        ignored_layers: A pattern of layers' paths, such as ``"encoder/*"``, to the codes, or beginnings of
            codes, that are ignored there.

    Returns:
        The findings, the worst first, and what came of each rule.
    """
    findings: list[Finding] = []
    checks: list[Check] = []
    for rule in sorted(rules, key=lambda rule: rule.code):
        found, check = _run(rule, evidence, ignored_layers or {})
        findings += found
        checks.append(check)
    findings.sort(key=lambda f: (SEVERITIES.index(f.severity), f.code))
    return Diagnosis(
        evidence.model.name, evidence.rows, tuple(findings), tuple(checks), evidence.model.unseen
    )


def _run(
    rule: Rule, evidence: Evidence, ignored: Mapping[str, tuple[str, ...]]
) -> tuple[list[Finding], Check]:
    def check(status: str, reason: str = "", left_out: int = 0) -> Check:
        return Check(rule.code, rule.defect, status, reason, left_out)

    for need in rule.needs:
        if need in evidence.absent:
            return [], check("skipped", evidence.absent[need])
    try:
        with np.errstate(all="ignore"):  # what is not finite is told by the rules, not by NumPy
            found = list(rule.check(evidence))
    except NotApplicableError as nothing:
        return [], check("not applicable", str(nothing))
    except NotKnownError as unknown:
        return [], check("skipped", str(unknown))
    except Exception as error:  # one rule's fault must not hide what the others find
        return [], check("failed", f"{type(error).__name__}: {error}")
    kept = [finding for finding in found if not _is_ignored(finding, ignored)]
    return kept, check("found" if kept else "clean", left_out=len(found) - len(kept))


def _is_ignored(finding: Finding, ignored: Mapping[str, tuple[str, ...]]) -> bool:
    return any(
        fnmatch.fnmatchcase(finding.layer, pattern) and finding.code.startswith(codes)
        for pattern, codes in ignored.items()
    )
