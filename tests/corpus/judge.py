"""judge: a diagnosis against the label of its case, and the rules against all labels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence

from tests.corpus.case import Case

import normwise
from normwise.core.diagnosis import Diagnosis


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Args:
        case: The case.
        found: The codes that were found.
        false: Those that are neither expected nor allowed.
        missed: Those that are expected and were not found.
        errors: Findings of the severity "error" in a clean case, by code.
        failed: Checks that went wrong, and why.
        evidence: Of each false code, the findings' sentences.
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


def judge(case: Case, diagnosis: Diagnosis, seconds: float = 0.0) -> Verdict:
    """A diagnosis against the label."""
    found = frozenset(finding.code for finding in diagnosis.findings)
    false = found - case.expected - set(case.allowed)
    missed = case.expected - found
    return Verdict(
        case,
        found,
        false,
        missed,
        tuple(f.code for f in diagnosis.findings if f.severity == "error" and not case.rule),
        tuple(f"{check.code}: {check.reason}" for check in diagnosis.checks if check.status == "failed"),
        {
            code: tuple(f"{f.severity}: {f.evidence}" for f in diagnosis.findings if f.code == code)
            for code in sorted(false)
        },
        {
            check.code: f"{check.status} {check.reason}".strip()
            for check in diagnosis.checks
            if check.code in missed
        },
        seconds,
    )


def diagnosed(case: Case) -> Verdict:
    """Builds the case, diagnoses and judges it, by the rules in preview too."""
    problem = case.build()
    start = time.perf_counter()
    diagnosis = normwise.diagnose(problem.model, problem.x, problem.y, preview=True, **problem.arguments)
    return judge(case, diagnosis, time.perf_counter() - start)


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
