"""Remedies: what was done about findings, what was left undone and why."""

from __future__ import annotations

import dataclasses

from normwise.core.diagnosis import Diagnosis, Finding
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class AppliedRemedy(Record):
    """A finding that something was done about.

    Args:
        finding: The finding.
        done: What was done, a sentence.
    """

    finding: Finding
    done: str


@dataclasses.dataclass(frozen=True)
class LeftFinding(Record):
    """A finding that nothing was done about.

    Args:
        finding: The finding.
        reason: Why, a sentence.
    """

    finding: Finding
    reason: str


@dataclasses.dataclass(frozen=True)
class Remedies(Record):
    """All that came of applying remedies, but for the model itself.

    Args:
        before: What was found in the given model.
        applied: What was done.
        left: What was not.
        after: What is found in the new model.
    """

    before: Diagnosis
    applied: tuple[AppliedRemedy, ...]
    left: tuple[LeftFinding, ...]
    after: Diagnosis
