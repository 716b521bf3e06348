"""judge: a diagnosis against the label of its case, and the rules against all labels.

A case is compared by `Found`, which has a form in JSON: what was found once can be judged again, by labels
that were changed since, without a network.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
from tests.corpus.case import Case

import normwise
from normwise.core.diagnosis import Diagnosis


@dataclasses.dataclass(frozen=True)
class Found:
    """What the doctor said of a case.

    Args:
        findings: Code, severity, layer and evidence of each.
        failed: Checks that went wrong, and why.
        silent: Code of a check without findings to its status and reason.
        seconds: What the diagnosis took.
    """

    findings: tuple[tuple[str, str, str, str], ...]
    failed: tuple[str, ...] = ()
    silent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, diagnosis: Diagnosis, seconds: float = 0.0) -> Found:
        """What a diagnosis says."""
        checks = diagnosis.checks
        return cls(
            tuple((f.code, f.severity, f.layer, f.evidence) for f in diagnosis.findings),
            tuple(f"{check.code}: {check.reason}" for check in checks if check.status == "failed"),
            {c.code: f"{c.status} {c.reason}".strip() for c in checks if c.status not in ("found", "failed")},
            round(seconds, 2),
        )

    def to_json(self, case: Case) -> dict[str, Any]:
        """What is kept: of the silent checks those of codes that the case expects."""
        silent = {code: reason for code, reason in self.silent.items() if code in case.expected}
        return {**vars(self), "silent": silent}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Found:
        """What `to_json` gave."""
        findings = tuple((code, severity, layer, text) for code, severity, layer, text in kept["findings"])
        return cls(findings, tuple(kept["failed"]), kept["silent"], kept["seconds"])


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Args:
        case: The case.
        found: The codes that were found.
        false: Those that are neither expected nor allowed, and that of the rule if a layer without the
            defect is named.
        missed: Those that are expected and were not found, or not in each layer that has the defect.
        errors: Findings of the severity "error" in a clean case, by code.
        failed: Checks that went wrong, and why.
        evidence: Of each false code, the findings' layers and sentences.
        skipped: Of each missed code, what came of its check.
        seconds: What the diagnosis took.
    """

    case: Case
    found: frozenset[str]
    false: frozenset[str]
    missed: frozenset[str]
    errors: tuple[str, ...]
    failed: tuple[str, ...]
    evidence: dict[str, tuple[str, ...]]
    skipped: dict[str, str]
    seconds: float = 0.0


def judge(case: Case, said: Found) -> Verdict:
    """What the doctor said against the label."""
    found = frozenset(code for code, *_ in said.findings)
    false = set(found - case.expected - set(case.allowed))
    missed = {code: said.silent.get(code, "not run") for code in case.expected - found}
    if case.rule in found:
        named = {layer.rpartition("/")[2] for code, _, layer, _ in said.findings if code == case.rule}
        if absent := case.ill - named:
            missed[case.rule] = f"not found in {sorted(absent)}"
        if named & case.sound:
            false.add(case.rule)
    return Verdict(
        case,
        found,
        frozenset(false),
        frozenset(missed),
        tuple(code for code, severity, *_ in said.findings if severity == "error" and not case.rule),
        said.failed,
        {
            code: tuple(
                f"{severity} at {layer}: {text}" for c, severity, layer, text in said.findings if c == code
            )
            for code in sorted(false)
        },
        missed,
        said.seconds,
    )


def asked(case: Case) -> Found:
    """Builds the case and diagnoses it, by the rules in preview too."""
    keras.utils.clear_session()  # so that layers without a name of their own get the same one every time
    problem = case.build()
    start = time.perf_counter()
    diagnosis = normwise.diagnose(problem.model, problem.x, problem.y, preview=True, **problem.arguments)
    return Found.of(diagnosis, time.perf_counter() - start)


def diagnosed(case: Case) -> Verdict:
    """Builds the case, diagnoses and judges it."""
    return judge(case, asked(case))


@dataclasses.dataclass(frozen=True)
class Score:
    """How often a rule, or all of them, were right.

    Args:
        cases: In how many cases the code is expected.
        true_positives: In how many of these it was found.
        false_positives: In how many others it was found without being allowed.
        false_negatives: In how many of these it was not found.
    """

    cases: int
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """TP/(TP + FP); 1 where nothing was found."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else 1.0

    @property
    def recall(self) -> float:
        """TP/(TP + FN); 1 where nothing is expected."""
        return self.true_positives / self.cases if self.cases else 1.0


def score(verdicts: Sequence[Verdict], codes: Iterable[str]) -> Score:
    """Of these codes together, a code in a case counting once. A code that is allowed does not count."""
    chosen = set(codes)
    expected = sum(len(v.case.expected & chosen) for v in verdicts)
    missed = sum(len(v.missed & chosen) for v in verdicts)
    return Score(expected, expected - missed, sum(len(v.false & chosen) for v in verdicts), missed)


def codes_of(verdicts: Iterable[Verdict]) -> list[str]:
    """Every code that was expected, found or allowed."""
    return sorted({code for v in verdicts for code in v.case.expected | v.found})
